"""Training sound: talkers, pauses, rooms, noise, channel and level, drawn from a seed.

`Mixer(corpus, settings)(seed)` gives one crop as waveform and soft labels; equal seeds give equal
crops, in whatever process and order they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.ndimage import maximum_filter1d

from vad.features import Float32
from vad.training import channel, sounds
from vad.training.corpus import Clip, Corpus
from vad.training.recipe import MixtureSettings
from vad.training.sounds import active_power, gain, put

ROOMS = 300  # simulated rooms in the bank
BABBLE = 24  # stretches of babble in the bank
NEAR = 0.3  # seconds to either side of speech that are near it
FULL_SCALE = np.float32(1 / 32768)


class Mixer:
    """Makes crops of `settings.seconds` from a corpus."""

    def __init__(self, corpus: Corpus, settings: MixtureSettings) -> None:
        self._settings = settings
        self._grid = corpus.grid
        self._rate = corpus.grid.sample_rate
        self._samples = corpus.grid.to_samples(settings.seconds)
        self._frames = corpus.grid.frame_count(self._samples)
        self._padded = fft.next_fast_len(self._samples + self._rate, real=True)
        self._hz: Float32 = np.fft.rfftfreq(self._padded, 1 / self._rate).astype(np.float32)
        self._log_hz = np.log(np.maximum(self._hz, 1))
        self._talkers = _by_talker(corpus.speech)
        self._talker_share = _shares([sum(len(c.samples) for c in t) for t in self._talkers])
        self._backgrounds = corpus.backgrounds
        self.weigh(np.ones(len(corpus.backgrounds)))
        rng = np.random.default_rng(0)
        simulated = [sounds.room(rng, self._rate) for _ in range(ROOMS)]
        self._rooms = [self._spectrum(room) for room in simulated + 4 * corpus.rooms]
        self._babble = [self._crowd(rng) for _ in range(BABBLE if settings.babble else 0)]

    def weigh(self, weights: ArrayLike) -> None:
        """Draw background `n` `weights[n]` times as often as its length alone would have it."""
        lengths = [len(background) for background in self._backgrounds]
        self._background_share = _shares(lengths, weights)

    def __call__(self, seed: tuple[int, ...]) -> tuple[Float32, Float32]:
        """One crop: `(sample,)` waveform and `(frame,)` probability of speech."""
        s = self._settings
        rng = np.random.default_rng(seed)
        target = np.zeros(self._frames, np.float32)
        mixed, weakest = np.zeros(self._samples, np.float32), 1.0
        if rng.random() >= s.no_speech:
            mixed, target, weakest = self._speech(rng)
            target = self._kept_near(target)
        power = active_power(mixed) * weakest**2
        noise = self._noise(rng)
        snr = rng.uniform(s.snr_low, s.snr_high)
        if power > 0:
            noise *= np.sqrt(power / (active_power(noise) + 1e-12)) * gain(-snr)
        mixed = self._line(mixed + noise, rng)
        return self._level(mixed, rng), target

    def _speech(self, rng: np.random.Generator) -> tuple[Float32, Float32, float]:
        """One talker or several, in a room or none; with the target, and the gain of the weakest talker."""
        s = self._settings
        if rng.random() < s.conversation:
            return self._conversation(rng)
        mixed, target = self._talk(rng)
        weakest = 1.0
        if rng.random() < s.second_talker:
            other, second = self._talk(rng)
            mixed = mixed + other * gain(rng.uniform(-12, 3))
            target = np.maximum(target, second)
        if rng.random() < s.distant_talker:
            behind, far = self._talk(rng)
            weakest = float(gain(rng.uniform(-32, -12)))
            mixed = mixed + self._shape(behind, rng, 1.0) * np.float32(weakest)
            target = np.maximum(target, far)
        return self._shape(mixed, rng, s.room), target, weakest

    def _talk(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """A talker's recordings strung together with natural and long pauses, some faster or slower."""
        speed = np.exp(rng.uniform(-0.18, 0.18)) if rng.random() < self._settings.speed else 1.0
        sound = np.zeros(int(self._samples * speed) + 1, np.float32)
        target = np.zeros(self._grid.frame_count(len(sound)) + 1, np.float32)
        clips = self._talkers[rng.choice(len(self._talkers), p=self._talker_share)]
        starts_within = rng.random() < 0.6
        at = 0 if starts_within else self._pause(rng)
        while at < len(sound):
            clip = clips[rng.integers(len(clips))]
            skip = 0
            if starts_within:
                skip, starts_within = int(rng.uniform(0, 0.9) * len(clip.samples)), False
            at = self._place(clip, sound, target, rng, at=at, skip=skip)
            at += self._pause(rng)
        if speed == 1.0:
            return sound[: self._samples], target[: self._frames]
        faster = soxr.resample(sound, self._rate * speed, self._rate, "LQ")
        frames = (np.arange(self._frames) * speed).astype(int)
        return channel.fit(faster, self._samples), target[frames]

    def _conversation(self, rng: np.random.Generator) -> tuple[Float32, Float32, float]:
        """Two to four talkers in turn, each at a place of their own; some turns overlap. As `_speech`."""
        count = int(rng.integers(2, 5))
        tracks = np.zeros((count, self._samples), np.float32)
        target = np.zeros(self._frames, np.float32)
        groups = [self._talkers[n] for n in rng.choice(len(self._talkers), count, p=self._talker_share)]
        at = -int(rng.uniform(0, 2) * self._rate)
        while at < self._samples:
            who = rng.integers(count)
            clip = groups[who][rng.integers(len(groups[who]))]
            at = self._place(clip, tracks[who], target, rng, at=at)
            at += -int(rng.exponential(0.4) * self._rate) if rng.random() < 0.25 else self._pause(rng)
        levels = gain(rng.uniform(-30 if rng.random() < 0.4 else -14, 0, count)).astype(np.float32)
        mixed = np.zeros(self._samples, np.float32)
        for track, level in zip(tracks, levels, strict=True):
            if track.any():
                mixed += self._shape(track, rng, 0.8) * level
        return mixed, np.minimum(target, 1), float(levels.min() / levels.max())

    def _place(
        self, clip: Clip, sound: Float32, target: Float32, rng: np.random.Generator, *, at: int, skip: int = 0
    ) -> int:
        """Add `clip`, from its sample `skip` on, at sample `at`, both moved to whole frames; where it ends."""
        hop = self._grid.hop
        at, skip = at // hop * hop, skip // hop * hop
        samples = clip.samples[skip : skip + max(0, len(sound) - at)]
        if at + len(samples) > 0:
            level = gain(rng.uniform(-9, 3)) if rng.random() < 0.3 else 1.0
            put(sound, _faded(samples, rng) * np.float32(level), at)
            put(target, clip.target[skip // hop : skip // hop + self._grid.frame_count(len(samples))], at // hop)
        return at + len(samples)

    def _pause(self, rng: np.random.Generator) -> int:
        """Samples of silence between two recordings."""
        long = rng.random() < self._settings.long_pause
        seconds = rng.uniform(0.5, 4) if long else rng.exponential(0.2)
        return self._grid.to_samples(seconds) + 1

    def _kept_near(self, target: Float32) -> Float32:
        """`target` `(frame,)`, with its share where speech is near."""
        size = 2 * self._grid.to_frames(NEAR) + 1
        kept: Float32 = np.maximum(target, self._settings.near_speech * maximum_filter1d(target, size))
        return kept

    def _noise(self, rng: np.random.Generator) -> Float32:
        """A background of up to three recorded or synthetic sounds."""
        total = np.zeros(self._samples, np.float32)
        for _ in range(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15])):
            one = self._background(rng)
            if rng.random() < 0.25:
                one = one * sounds.switched(rng, self._samples)
            total += one * np.float32(gain(rng.uniform(-15, 0)) / (np.sqrt(active_power(one)) + 1e-6))
        return self._shape(total, rng, 0.3 * self._settings.room)

    def _background(self, rng: np.random.Generator) -> Float32:
        """One sound without a talker."""
        if self._babble and rng.random() < self._settings.babble:
            return np.roll(self._babble[rng.integers(len(self._babble))], rng.integers(self._samples))
        kinds: list[tuple[float, Callable[[], Float32]]] = [
            (0.70 if self._backgrounds else 0.0, lambda: self._recorded(rng)),
            (0.16, lambda: self._coloured(rng)),
            (0.06, lambda: sounds.hum(rng, self._samples, self._rate) + sounds.clicks(rng, self._samples)),
            (0.04, lambda: self._filtered(sounds.breaths(rng, self._samples, self._rate), self._band(300, 6000))),
            (0.04, lambda: sounds.calls(rng, self._samples, self._rate)),
        ]
        share = np.array([k[0] for k in kinds])
        return kinds[rng.choice(len(kinds), p=share / share.sum())][1]()

    def _recorded(self, rng: np.random.Generator) -> Float32:
        """Recorded noise or music, at its own speed or another: stretches strung together."""
        speed = np.exp(rng.uniform(-0.4, 0.4)) if rng.random() < self._settings.speed else 1.0
        sound = np.zeros(int(self._samples * speed) + 1, np.float32)
        at = 0
        while at < len(sound):
            noise = self._backgrounds[rng.choice(len(self._backgrounds), p=self._background_share)]
            wanted = len(sound) - at
            start = int(rng.integers(len(noise) - wanted)) if len(noise) > wanted else 0
            part = noise[start : start + wanted] * FULL_SCALE
            sound[at : at + len(part)] += part / (np.sqrt(np.mean(np.square(part))) + np.float32(1e-4))
            at += len(part) + int(rng.exponential(0.5) * self._rate)
        if speed == 1.0:
            return sound[: self._samples]
        return channel.fit(soxr.resample(sound, self._rate * speed, self._rate, "LQ"), self._samples)

    def _coloured(self, rng: np.random.Generator) -> Float32:
        """Gaussian noise with a spectrum falling by -3..9 dB per octave."""
        white = rng.standard_normal(self._padded, np.float32)
        slope = np.exp(np.float32(-rng.uniform(-0.5, 1.5)) * np.maximum(self._log_hz, np.log(40)))
        return self._filtered(white, slope)

    def _crowd(self, rng: np.random.Generator) -> Float32:
        """Five to nine talkers at once, of whom nobody can be followed."""
        voices = [self._talk(rng)[0] * gain(rng.uniform(-6, 0)) for _ in range(rng.integers(5, 10))]
        crowd: Float32 = np.sum([self._shape(voice, rng, 1.0) for voice in voices], 0, np.float32)
        return crowd

    def _shape(self, sound: Float32, rng: np.random.Generator, share: float) -> Float32:
        """A room, with probability `share`, and a tone control."""
        curves: list[NDArray[np.complex64] | Float32] = []
        if rng.random() < share:
            curves.append(self._rooms[rng.integers(len(self._rooms))])
        if rng.random() < 0.5:
            points = np.sort(rng.uniform(np.log(80), np.log(8000), 4))
            tone = np.interp(self._log_hz, points, rng.uniform(-8, 8, 4))
            curves.append(gain(tone).astype(np.float32))
        return self._filtered(sound, *curves)

    def _line(self, sound: Float32, rng: np.random.Generator) -> Float32:
        """Through a microphone or a telephone, a recorder, a network, a codec."""
        s = self._settings
        telephone = rng.random() < s.telephone
        if telephone:
            sound = self._filtered(sound, self._band(rng.uniform(50, 350), rng.uniform(3200, 3950)))
        elif rng.random() < 0.3:
            sound = self._filtered(sound, self._band(rng.uniform(0, 120), rng.uniform(3800, 8000)))
        if rng.random() < s.automatic_gain:
            sound = channel.automatic_gain(sound, rng, self._rate)
        if rng.random() < s.clipping:
            sound = channel.clip(sound, rng)
        if rng.random() < s.lost_packets:
            sound = channel.drop_packets(sound, rng, self._rate)
        if telephone:
            sound = channel.telephone(sound, rng, self._rate)
        elif rng.random() < s.lossy:
            sound = channel.lossy(sound, rng, self._rate)
        return sound

    def _level(self, sound: Float32, rng: np.random.Generator) -> Float32:
        """Any loudness, with the steps of 16-bit sound as a file would have."""
        level = rng.uniform(self._settings.level_low, self._settings.level_high)
        if rng.random() < 0.03:
            level = -95.0  # next to digital silence
        sound = sound * np.float32(gain(level) / (np.sqrt(np.mean(np.square(sound))) + 1e-9))
        if rng.random() < 0.7:
            dither = rng.random(len(sound), np.float32) if rng.random() < 0.5 else np.float32(0.5)
            sound = np.floor(sound / FULL_SCALE + dither) * FULL_SCALE
        return np.clip(sound, -1, 1).astype(np.float32)

    def _spectrum(self, sound: Float32) -> NDArray[np.complex64]:
        spectrum: NDArray[np.complex64] = fft.rfft(sound[: self._padded], self._padded)
        return spectrum

    def _filtered(self, sound: Float32, *curves: NDArray[np.complex64] | Float32) -> Float32:
        """`sound` through filters given by their frequency responses."""
        if not curves:
            return sound
        spectrum = self._spectrum(sound)
        for curve in curves:
            spectrum *= curve
        filtered: Float32 = fft.irfft(spectrum, self._padded)[: self._samples]
        return filtered

    def _band(self, low: float, high: float) -> Float32:
        """The response of a band from `low` to `high` Hz, with soft edges."""
        return _sigmoid((self._hz - low) / 15) * _sigmoid((high - self._hz) / 40)


def _by_talker(speech: list[Clip]) -> list[list[Clip]]:
    """Recordings grouped by speaker; a speaker known by source alone stands for that source."""
    talkers: dict[str, list[Clip]] = {}
    for clip in speech:
        talkers.setdefault(clip.speaker or clip.source, []).append(clip)
    return list(talkers.values())


def _shares(lengths: list[int], weights: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Chances that grow with the square root of a length, times a weight."""
    shares: NDArray[np.float64] = np.sqrt(np.array(lengths, float)) * weights
    return shares / max(float(shares.sum()), 1e-9)


def _faded(samples: NDArray[np.int16], rng: np.random.Generator) -> Float32:
    """A recording at unit speech level, its background faded in and out over 10..50 ms."""
    sound = samples * FULL_SCALE
    sound /= np.float32(np.sqrt(active_power(sound)) + 1e-4)
    fade = min(int(rng.integers(160, 800)), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    return sound


def _sigmoid(x: NDArray[Any]) -> Float32:
    value: Float32 = (1 / (1 + np.exp(-np.clip(x, -50, 50)))).astype(np.float32)
    return value
