"""Training sound: talkers, backgrounds, channel and level, drawn from a seed.

`Mixer(corpus, settings)(seed)` gives one crop as waveform and soft labels; equal seeds give equal
crops, in whatever process and order they are asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from vad.features import Float32
from vad.training.corpus import Corpus
from vad.training.mixing import channel, sounds
from vad.training.mixing.backgrounds import Backgrounds
from vad.training.mixing.filters import Filters
from vad.training.mixing.levels import FULL_SCALE, active_power, gain
from vad.training.mixing.talkers import Talkers
from vad.training.recipe import MixtureSettings

ROOMS = 300  # simulated rooms in the bank
BABBLE = 24  # stretches of babble in the bank
CHANGE, AFTER = 1, 2  # added to the seed of a crop: for whether its scene changes, for the scene after that


class Mixer:
    """Makes crops of `settings.seconds` from a corpus."""

    def __init__(self, corpus: Corpus, settings: MixtureSettings) -> None:
        self._settings = settings
        self._rate = corpus.grid.sample_rate
        self._hop = corpus.grid.hop
        self._samples = corpus.grid.to_samples(settings.seconds)
        self._frames = corpus.grid.frame_count(self._samples)
        rng = np.random.default_rng(0)
        rooms = [sounds.room(rng, self._rate) for _ in range(ROOMS)] + 4 * corpus.rooms
        self._filters = Filters(self._samples, self._rate, rooms)
        self._talkers = Talkers(corpus.speech, corpus.grid, settings, self._filters)
        babble = [self._talkers.crowd(rng) for _ in range(BABBLE if settings.babble else 0)]
        self._backgrounds = Backgrounds(corpus.backgrounds, babble, corpus.grid, settings, self._filters)

    def weigh(self, weights: ArrayLike) -> None:
        """Draw background `n` `weights[n]` times as often as its length alone would have it."""
        self._backgrounds.weigh(weights)

    def __call__(self, seed: tuple[int, ...]) -> tuple[Float32, Float32]:
        """One crop: `(sample,)` waveform and `(frame,)` probability of speech."""
        sound, target = self._scene(seed)
        rng = np.random.default_rng((*seed, CHANGE))
        if rng.random() < self._settings.scene_change:
            after, its_target = self._scene((*seed, AFTER))
            frame = int(rng.integers(self._frames))
            sound[frame * self._hop :] = after[frame * self._hop :]
            target[frame:] = its_target[frame:]
        return sound, target

    def _scene(self, seed: tuple[int, ...]) -> tuple[Float32, Float32]:
        s = self._settings
        rng = np.random.default_rng(seed)
        target = np.zeros(self._frames, np.float32)
        mixed, weakest = np.zeros(self._samples, np.float32), 1.0
        if rng.random() >= s.no_speech:
            mixed, target, weakest = self._talkers(rng)
        power = active_power(mixed) * weakest**2
        noise = self._backgrounds(rng)
        snr = rng.uniform(s.snr_low, s.snr_high)
        if power > 0:
            noise *= np.sqrt(power / (active_power(noise) + 1e-12)) * gain(-snr)
        mixed = self._line(mixed + noise, rng)
        return self._level(mixed, rng), target

    def _line(self, sound: Float32, rng: np.random.Generator) -> Float32:
        """Through a microphone or a telephone, a recorder, a network, a codec."""
        s = self._settings
        telephone = rng.random() < s.telephone
        if telephone:
            sound = self._filters(sound, self._filters.band(rng.uniform(50, 350), rng.uniform(3200, 3950)))
        elif rng.random() < 0.3:
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
        level = rng.uniform(self._settings.level_low, self._settings.level_high)
        if rng.random() < 0.03:
            level = -95.0  # next to digital silence
        sound = sound * np.float32(gain(level) / (np.sqrt(np.mean(np.square(sound))) + 1e-9))
        if rng.random() < 0.7:
            dither = rng.random(len(sound), np.float32) if rng.random() < 0.5 else np.float32(0.5)
            sound = np.floor(sound / FULL_SCALE + dither) * FULL_SCALE
        return np.clip(sound, -1, 1).astype(np.float32)
