"""People who talk: alone, over each other or in turn, with their pauses, each in a room or none."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from vad.features import Float32
from vad.grid import Grid
from vad.training.corpus import Clip
from vad.training.mixing.filters import Filters
from vad.training.mixing.levels import FULL_SCALE, active_power, fit, gain, put, shares
from vad.training.settings import MixtureSettings

NEAR = 0.3  # seconds to either side of speech that are near it
CLOSE, FAR = -12.0, -32.0  # dB beside the loudest talker: where a talker begins to be far, and the farthest


class Talkers:
    """Makes the speech of crops of `settings.seconds`."""

    def __init__(self, speech: list[Clip], grid: Grid, settings: MixtureSettings, filters: Filters) -> None:
        self._settings, self._grid, self._filters = settings, grid, filters
        self._rate = grid.sample_rate
        self._samples = grid.to_samples(settings.seconds)
        self._frames = grid.frame_count(self._samples)
        self._talkers = _by_talker(speech)
        self._share = shares([sum(len(c.samples) for c in t) for t in self._talkers])
        real = np.array([talker[0].real for talker in self._talkers])
        if real.any() and not real.all():
            for kind, share in ((real, settings.real_talkers), (~real, 1 - settings.real_talkers)):
                self._share[kind] *= share / self._share[kind].sum()

    def __call__(self, rng: np.random.Generator) -> tuple[Float32, Float32, float]:
        """A crop with speech: `(sample,)`, its target `(frame,)`, and the gain of the weakest talker."""
        mixed, target, weakest = (
            self._conversation(rng) if rng.random() < self._settings.conversation else self._few(rng)
        )
        return mixed, self._kept_near(target), weakest

    def crowd(self, rng: np.random.Generator) -> Float32:
        """Five to nine talkers at once, of whom nobody can be followed."""
        voices = [self._utterances(rng)[0] * gain(rng.uniform(-6, 0)) for _ in range(rng.integers(5, 10))]
        crowd: Float32 = np.sum([self._filters.shape(voice, rng, 1.0) for voice in voices], 0, np.float32)
        return crowd

    def _few(self, rng: np.random.Generator) -> tuple[Float32, Float32, float]:
        """One talker, perhaps a second over the first or far behind, all in one room or none."""
        s = self._settings
        mixed, target = self._utterances(rng)
        weakest = 1.0
        if rng.random() < s.second_talker:
            other, second = self._utterances(rng)
            mixed = mixed + other * gain(rng.uniform(-12, 3))
            target = np.maximum(target, second)
        if rng.random() < s.distant_talker:
            behind, far = self._utterances(rng)
            level = rng.uniform(FAR, CLOSE)
            weakest = float(gain(level))
            mixed = mixed + self._filters.shape(behind, rng, 1.0) * np.float32(weakest)
            target = np.maximum(target, far * self._share_of(level))
        return self._filters.shape(mixed, rng, s.room), target, weakest

    def _utterances(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """A talker's recordings strung together with natural and long pauses, some faster or slower."""
        speed = np.exp(rng.uniform(-0.18, 0.18)) if rng.random() < self._settings.speed else 1.0
        sound = np.zeros(int(self._samples * speed) + 1, np.float32)
        target = np.zeros(self._grid.frame_count(len(sound)) + 1, np.float32)
        clips = self._talkers[rng.choice(len(self._talkers), p=self._share)]
        starts_within = rng.random() < self._settings.within
        at = 0 if starts_within else self._pause(rng)
        while at < len(sound):
            clip = clips[rng.integers(len(clips))]
            skip = self._skip(clip, len(sound), rng)
            if starts_within and not skip:  # the crop begins within the recording
                skip = int(rng.uniform(0, 0.9) * len(clip.samples))
            starts_within = False
            at = self._place(clip, sound, target, rng, at=at, skip=skip)
            at += self._pause(rng)
        if speed == 1.0:
            return sound[: self._samples], target[: self._frames]
        faster = soxr.resample(sound, self._rate * speed, self._rate, "LQ")
        frames = (np.arange(self._frames) * speed).astype(int)
        return fit(faster, self._samples), target[frames]

    def _conversation(self, rng: np.random.Generator) -> tuple[Float32, Float32, float]:
        """Two to four talkers in turn, each at a place of their own; some turns overlap."""
        s, count = self._settings, int(rng.integers(2, 5))
        tracks = np.zeros((count, self._samples), np.float32)
        targets = np.zeros((count, self._frames), np.float32)
        groups = [self._talkers[n] for n in rng.choice(len(self._talkers), count, p=self._share)]
        at = -int(rng.uniform(0, 2) * self._rate)
        while at < self._samples:
            who = rng.integers(count)
            clip = groups[who][rng.integers(len(groups[who]))]
            at = self._place(clip, tracks[who], targets[who], rng, at=at, skip=self._skip(clip, self._samples, rng))
            at += -int(rng.exponential(0.4) * self._rate) if rng.random() < s.overlap else self._pause(rng)
        levels = rng.uniform(-30 if rng.random() < s.uneven_talkers else -14, 0, count)
        gains = gain(levels).astype(np.float32)
        mixed = np.zeros(self._samples, np.float32)
        talking = [n for n in range(count) if tracks[n].any()]
        loudest = max((levels[n] for n in talking), default=0.0)
        for n in talking:
            mixed += self._filters.shape(tracks[n], rng, 0.8) * gains[n]
            targets[n] = np.minimum(targets[n], 1) * self._share_of(levels[n] - loudest)
        return mixed, targets.max(0), float(gains.min() / gains.max())

    @staticmethod
    def _skip(clip: Clip, samples: int, rng: np.random.Generator) -> int:
        """Where a crop begins in a recording longer than itself: all parts of it are used alike."""
        spare = len(clip.samples) - samples
        return int(np.clip(rng.uniform(-samples / 2, spare + samples / 2), 0, spare)) if spare > 0 else 0

    def _place(
        self, clip: Clip, sound: Float32, target: Float32, rng: np.random.Generator, *, at: int, skip: int = 0
    ) -> int:
        """Add `clip`, from its sample `skip` on, at sample `at`, both moved to whole frames; where it ends."""
        hop = self._grid.hop
        at, skip = at // hop * hop, skip // hop * hop
        samples = clip.samples[skip : skip + max(0, len(sound) - at)]
        if at + len(samples) > 0:
            level = gain(rng.uniform(-9, 3)) if rng.random() < self._settings.uneven else 1.0
            put(sound, _faded(samples, rng) * np.float32(level), at)
            put(target, clip.target[skip // hop : skip // hop + self._grid.frame_count(len(samples))], at // hop)
        return at + len(samples)

    def _pause(self, rng: np.random.Generator) -> int:
        """Samples of silence between two recordings."""
        long = rng.random() < self._settings.long_pause
        seconds = rng.uniform(0.5, 4) if long else rng.exponential(0.2)
        return self._grid.to_samples(seconds) + 1

    def _share_of(self, level: float) -> np.float32:
        """The share of its target that a talker at `level` dB beside the loudest has: 1 down to `distant_target`.

        Some call a far voice behind a near one speech, some do not: it shall rank below the near one.
        """
        return np.float32(np.interp(level, (FAR, CLOSE), (self._settings.distant_target, 1.0)))

    def _kept_near(self, target: Float32) -> Float32:
        """`target` `(frame,)`, with its share where speech is near.

        Who labels by utterance calls its pauses speech, who labels by sound does not: they shall
        rank between speech and silence.
        """
        size = 2 * self._grid.to_frames(NEAR) + 1
        kept: Float32 = np.maximum(target, self._settings.near_speech * maximum_filter1d(target, size))
        return kept


def _by_talker(speech: list[Clip]) -> list[list[Clip]]:
    """Recordings grouped by speaker; a speaker known by source alone stands for that source."""
    talkers: dict[str, list[Clip]] = {}
    for clip in speech:
        talkers.setdefault(clip.speaker or clip.source, []).append(clip)
    return list(talkers.values())


def _faded(samples: NDArray[np.int16], rng: np.random.Generator) -> Float32:
    """A recording at unit speech level, its background faded in and out over 10..50 ms."""
    sound = samples * FULL_SCALE
    sound /= np.float32(np.sqrt(active_power(sound)) + 1e-4)
    fade = min(int(rng.integers(160, 800)), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    return sound
