"""The sound behind the talkers: recorded and made noise, music, babble."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from vad.features import Float32
from vad.grid import Grid
from vad.training.mixing import synthesis
from vad.training.mixing.filters import Filters
from vad.training.mixing.levels import FULL_SCALE, active_power, fit, gain, shares
from vad.training.settings import MixtureSettings


class Backgrounds:
    """Makes the backgrounds of crops of `settings.seconds`, of recordings, babble and made sounds."""

    def __init__(
        self,
        recordings: list[NDArray[np.int16]],
        babble: list[Float32],
        grid: Grid,
        settings: MixtureSettings,
        filters: Filters,
    ) -> None:
        self._recordings, self._babble = recordings, babble
        self._settings, self._filters = settings, filters
        self._rate = grid.sample_rate
        self._samples = grid.to_samples(settings.seconds)
        self._kinds = vars(settings.sounds) | ({} if recordings else {"recorded": 0.0})
        self.weigh(np.ones(len(recordings)))

    def weigh(self, weights: ArrayLike) -> None:
        """Draw recording `n` `weights[n]` times as often as its length alone would have it."""
        self._share = shares([len(recording) for recording in self._recordings], weights)

    def __call__(self, rng: np.random.Generator) -> Float32:
        """A background of up to three recorded or synthetic sounds."""
        total = np.zeros(self._samples, np.float32)
        s = self._settings
        at_once = [1 - s.second_sound, s.second_sound - s.third_sound, s.third_sound]
        for _ in range(rng.choice([1, 2, 3], p=at_once)):
            one = self._one(rng)
            if rng.random() < s.switched:
                one = one * synthesis.switched(rng, self._samples)
            total += one * np.float32(gain(rng.uniform(-15, 0)) / (np.sqrt(active_power(one)) + 1e-6))
        return self._filters.shape(total, rng, s.background_room * s.room)

    def _one(self, rng: np.random.Generator) -> Float32:
        """One sound without a talker."""
        if self._babble and rng.random() < self._settings.babble:
            return np.roll(self._babble[rng.integers(len(self._babble))], rng.integers(self._samples))
        kinds = list(self._kinds)
        share = np.array([self._kinds[kind] for kind in kinds])
        return self._make(kinds[rng.choice(len(kinds), p=share / share.sum())], rng)

    def _make(self, kind: str, rng: np.random.Generator) -> Float32:
        """A sound of a kind that `SoundSettings` names."""
        own = {"recorded": self._recorded, "coloured": self._filters.coloured, "breaths": self._breaths}
        if kind in own:
            return own[kind](rng)
        if kind == "weather":
            return self._filters.coloured(rng) * synthesis.gusts(rng, self._samples, self._rate)
        made: Float32 = getattr(synthesis, kind)(rng, self._samples, self._rate)
        return made + synthesis.clicks(rng, self._samples) if kind == "hum" else made

    def _recorded(self, rng: np.random.Generator) -> Float32:
        """Recorded noise or music, at its own speed or another: stretches strung together."""
        speed = np.exp(rng.uniform(-0.4, 0.4)) if rng.random() < self._settings.speed else 1.0
        sound = np.zeros(int(self._samples * speed) + 1, np.float32)
        at = 0
        while at < len(sound):
            noise = self._recordings[rng.choice(len(self._recordings), p=self._share)]
            wanted = len(sound) - at
            start = int(rng.integers(len(noise) - wanted)) if len(noise) > wanted else 0
            part = noise[start : start + wanted] * FULL_SCALE
            sound[at : at + len(part)] += part / (np.sqrt(np.mean(np.square(part))) + np.float32(1e-4))
            at += len(part) + int(rng.exponential(0.5) * self._rate)
        if speed == 1.0:
            return sound[: self._samples]
        return fit(soxr.resample(sound, self._rate * speed, self._rate, "LQ"), self._samples)

    def _breaths(self, rng: np.random.Generator) -> Float32:
        """Breaths as a microphone hears them."""
        return self._filters(synthesis.breaths(rng, self._samples, self._rate), self._filters.band(300, 6000))
