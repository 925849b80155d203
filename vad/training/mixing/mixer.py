"""Training sound: talkers, backgrounds, channel and level, drawn from a seed.

`Mixer(corpus, settings)(seed)` gives one crop as waveform and soft labels; equal seeds give equal
crops, in whatever process and order they are asked for. `Mixer.batches` gives several batches of
crops that share their rendered talkers and backgrounds, each time with other partners, levels and
channels: rendering is most of the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d

from vad.features import Float32
from vad.training.corpus import Clip, Corpus
from vad.training.mixing import channel, synthesis
from vad.training.mixing.backgrounds import Backgrounds
from vad.training.mixing.filters import Filters
from vad.training.mixing.levels import FULL_SCALE, active_power, gain
from vad.training.mixing.talkers import Talkers
from vad.training.settings import MixtureSettings

ROOMS = 300  # simulated rooms in the bank
BABBLE = 24  # stretches of babble in the bank
SCENE, BACKGROUND, MIX, JOIN = 1, 2, 3, 4  # added to the seed of a crop: what is drawn
AFTER = 5  # added to the seed of a crop: the crop that follows a change of scene
PART_SNR = 20.0  # dB, the highest of speech over noise where a part has both
FAINT = -95.0  # dB below full scale, RMS
GATE_OPEN = 0.15  # seconds around speech for which a noise gate stays open


class Crop(NamedTuple):
    """What the network is trained on: `(sample,)` waveform, `(frame,)` probability of speech and its weight."""

    samples: Float32
    target: Float32
    weight: Float32


class Scene(NamedTuple):
    """Rendered speech, before noise, channel and level; all zeros where there is none."""

    speech: Float32  # (sample,)
    target: Float32  # (frame,)
    weight: Float32  # (frame,)
    power: float  # of the weakest talker
    real: bool  # a recording as it is


class Mixer:
    """Makes crops of `settings.seconds` from a corpus."""

    def __init__(self, corpus: Corpus, settings: MixtureSettings) -> None:
        self._settings = settings
        self._rate = corpus.grid.sample_rate
        self._hop = corpus.grid.hop
        self._samples = corpus.grid.to_samples(settings.seconds)
        self._frames = corpus.grid.frame_count(self._samples)
        rng = np.random.default_rng(0)
        rooms = [synthesis.room(rng, self._rate) for _ in range(ROOMS)] + 4 * corpus.rooms
        self._filters = Filters(self._samples, self._rate, rooms)
        self._talkers = Talkers(corpus.speech, corpus.grid, settings, self._filters)
        babble = [self._talkers.crowd(rng) for _ in range(BABBLE if settings.babble else 0)]
        self._backgrounds = Backgrounds(corpus.backgrounds, babble, corpus.grid, settings, self._filters)
        self._real = corpus.real if settings.real else []
        lengths = np.array([len(clip.samples) for clip in self._real], float)
        self._real_share = lengths / max(1.0, lengths.sum())

    def weigh(self, weights: ArrayLike) -> None:
        """Draw background `n` `weights[n]` times as often as its length alone would have it."""
        self._backgrounds.weigh(weights)

    def __call__(self, seed: tuple[int, ...]) -> Crop:
        """One crop."""
        crop = self._mix(self._scene(seed), self._background(seed), seed)
        rng = np.random.default_rng((*seed, JOIN))
        if rng.random() < self._settings.scene_change:
            after = (*seed, AFTER)
            crop = self._join(crop, self._mix(self._scene(after), self._background(after), after), rng)
        return crop

    def batches(self, seed: tuple[int, ...], numbers: Sequence[int]) -> list[list[Crop]]:
        """`settings.reuse` batches of the crops with these `numbers`.

        In the first batch each talker has a background of its own; later they find other partners.
        """
        scenes = [self._scene((*seed, number)) for number in numbers]
        backgrounds = [self._background((*seed, number)) for number in numbers]
        batches = []
        for turn in range(self._settings.reuse):
            if turn:
                order = np.random.default_rng((*seed, turn)).permutation(len(numbers))
                backgrounds = [backgrounds[n] for n in order]
            pairs = zip(scenes, backgrounds, numbers, strict=True)
            crops = [self._mix(scene, noise, (*seed, turn, number)) for scene, noise, number in pairs]
            batches.append([self._changed(crops, n, (*seed, turn, number)) for n, number in enumerate(numbers)])
        return batches

    def _changed(self, crops: list[Crop], n: int, seed: tuple[int, ...]) -> Crop:
        """Crop `n`, or its beginning and the rest of the crop before it where the scene changes."""
        rng = np.random.default_rng((*seed, JOIN))
        return self._join(crops[n], crops[n - 1], rng) if rng.random() < self._settings.scene_change else crops[n]

    def _join(self, crop: Crop, after: Crop, rng: np.random.Generator) -> Crop:
        """The beginning of one crop and the rest of another."""
        frame = int(rng.integers(self._frames))
        at = (frame * self._hop, frame, frame)
        return Crop(*(np.concatenate([a[:n], b[n:]]) for a, b, n in zip(crop, after, at, strict=True)))

    def _scene(self, seed: tuple[int, ...]) -> Scene:
        """Speech, a real recording, or nothing."""
        s = self._settings
        rng = np.random.default_rng((*seed, SCENE))
        if rng.random() < s.no_speech:
            nothing = np.zeros(self._frames, np.float32)
            return Scene(np.zeros(self._samples, np.float32), nothing, np.ones_like(nothing), 0.0, False)
        if self._real and rng.random() < s.real:
            return self._recorded(self._real[rng.choice(len(self._real), p=self._real_share)], rng)
        speech, target, weakest = self._talkers(rng)
        return Scene(speech, target, np.ones_like(target), active_power(speech) * weakest**2, False)

    def _recorded(self, clip: Clip, rng: np.random.Generator) -> Scene:
        """A stretch of a real recording, or all of a short one somewhere in silence."""
        spare = self._frames - len(clip.target)
        at = int(rng.integers(min(0, spare), max(0, spare) + 1))
        speech, target, weight = (np.zeros(n, np.float32) for n in (self._samples, self._frames, self._frames))
        weight[:] = 1
        first, skip = max(0, at), max(0, -at)
        samples = clip.samples[skip * self._hop :][: self._samples - first * self._hop]
        frames = min(len(clip.target) - skip, self._frames - first)
        speech[first * self._hop : first * self._hop + len(samples)] = samples * FULL_SCALE
        target[first : first + frames] = clip.target[skip : skip + frames]
        weight[first : first + frames] = clip.weight[skip : skip + frames]
        return Scene(speech, target, weight, active_power(speech), True)

    def _background(self, seed: tuple[int, ...]) -> Float32:
        """A background `(sample,)` of unit power where it is active."""
        noise = self._backgrounds(np.random.default_rng((*seed, BACKGROUND)))
        return noise / np.float32(np.sqrt(active_power(noise) + 1e-12))

    def _mix(self, scene: Scene, noise: Float32, seed: tuple[int, ...]) -> Crop:
        """Speech and noise together, through a channel, at a level."""
        s = self._settings
        rng = np.random.default_rng((*seed, MIX))
        snr = rng.uniform(s.snr_low, s.snr_high)
        if scene.real:  # it has noise of its own
            snr = (
                rng.uniform(max(s.snr_low, min(10.0, s.snr_high)), s.snr_high)
                if rng.random() < s.real_noise
                else np.inf
            )
        if scene.power > 0:
            noise = noise * np.float32(np.sqrt(scene.power) * gain(-snr))
        speech, target, weight = scene.speech, scene.target, scene.weight
        silent = np.zeros(self._frames, bool)
        if rng.random() < s.parts:
            voice, level, silent = self._parts(rng, snr)
            speech, noise = speech * self._by_sample(voice), noise * self._by_sample(level)
            target, weight = target * voice, np.where(voice == 0, 1, weight).astype(np.float32)
        mixed = self._level(self._line(speech + noise, rng), rng)
        if rng.random() >= s.zeros:
            silent = np.zeros_like(silent)
        elif not silent.any() and rng.random() < 0.1:
            silent = np.ones_like(silent)
        if rng.random() < s.noise_gate:
            silent = silent | ~self._near_speech(target)
        if silent.any():
            mixed = mixed * self._by_sample(~silent)
            target = target * ~silent
        return Crop(mixed.astype(np.float32), target.astype(np.float32), weight)

    def _parts(self, rng: np.random.Generator, snr: float) -> tuple[Float32, Float32, NDArray[np.bool_]]:
        """Gains of speech (0 or 1) and of noise per frame, and which frames have neither, for a crop in parts.

        Noise that comes alone is as loud as speech may be. So that loudness of noise does not stand for silence,
        noise behind speech has a level of its own in each part, too.
        """
        count = int(rng.integers(2, 7))
        ends = np.sort(rng.integers(0, self._frames, count - 1))
        part = np.searchsorted(ends, np.arange(self._frames), side="right")
        speech, noise = np.zeros(count, np.float32), np.zeros(count, np.float32)
        s = self._settings
        shares = [s.part_speech / 2, s.part_speech / 2, s.part_noise, 1 - s.part_speech - s.part_noise]
        for n, kind in enumerate(rng.choice(4, count, p=shares)):  # both, speech, noise, neither
            speech[n] = kind < 2
            noise[n] = kind in (0, 2)
            if kind == 2 and np.isfinite(snr):
                noise[n] = gain(snr + rng.uniform(-20, 10))
            elif kind == 0 and np.isfinite(snr):
                noise[n] = gain(snr - rng.uniform(s.snr_low, max(s.snr_low, PART_SNR)))
        return speech[part], noise[part], (speech == 0)[part] & (noise == 0)[part]

    def _near_speech(self, target: Float32) -> NDArray[np.bool_]:
        """The frames for which a noise gate is open."""
        size = 2 * round(GATE_OPEN * self._rate / self._hop) + 1
        near: NDArray[np.bool_] = maximum_filter1d(target, size) > 0.2
        return near

    def _by_sample(self, frames: NDArray[np.generic]) -> Float32:
        """A gain per frame as one per sample."""
        gains: Float32 = np.repeat(frames.astype(np.float32), self._hop)[: self._samples]
        return gains

    def _line(self, sound: Float32, rng: np.random.Generator) -> Float32:
        """Through a microphone, a radio or a telephone, a recorder, a network, a codec."""
        s = self._settings
        if rng.random() < s.radio:
            noisy = channel.radio(sound, self._filters.coloured(rng)[: self._samples], rng, self._rate)
            sound = self._filters(noisy, self._filters.band(rng.uniform(100, 500), rng.uniform(2200, 3800)))
        telephone = rng.random() < s.telephone
        if telephone:
            sound = self._filters(sound, self._filters.band(rng.uniform(50, 350), rng.uniform(3200, 3950)))
        elif rng.random() < s.band:
            sound = self._filters(sound, self._filters.band(rng.uniform(0, 120), rng.uniform(3800, 8000)))
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
        s = self._settings
        level = FAINT if rng.random() < s.faint else rng.uniform(s.level_low, s.level_high)
        sound = sound * np.float32(gain(level) / (np.sqrt(np.mean(np.square(sound))) + 1e-9))
        if rng.random() < s.sixteen_bits:
            dither = rng.random(len(sound), np.float32) if rng.random() < 0.5 else np.float32(0.5)
            sound = np.floor(sound / FULL_SCALE + dither) * FULL_SCALE
        return np.clip(sound, -1, 1).astype(np.float32)
