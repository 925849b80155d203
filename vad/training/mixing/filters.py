"""Rooms, tone controls and bands: what filters do to whole crops, as frequency responses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vad.features import Float32
from vad.training.mixing.levels import gain


class Filters:
    """Filters for sounds of `samples`; what rings on after their end is cut."""

    def __init__(self, samples: int, rate: int, rooms: list[Float32]) -> None:
        self._samples = samples
        self._padded = fft.next_fast_len(samples + rate, real=True)
        self._hz: Float32 = np.fft.rfftfreq(self._padded, 1 / rate).astype(np.float32)
        self._log_hz = np.log(np.maximum(self._hz, 1))
        self._rooms = [self._spectrum(room) for room in rooms]

    def __call__(self, sound: Float32, *curves: NDArray[np.complex64] | Float32) -> Float32:
        """`sound` through filters given by their frequency responses."""
        if not curves:
            return sound
        spectrum = self._spectrum(sound)
        for curve in curves:
            spectrum *= curve
        filtered: Float32 = fft.irfft(spectrum, self._padded)[: self._samples]
        return filtered

    def shape(self, sound: Float32, rng: np.random.Generator, share: float) -> Float32:
        """A room, with probability `share`, and a tone control."""
        curves: list[NDArray[np.complex64] | Float32] = []
        if rng.random() < share:
            curves.append(self._rooms[rng.integers(len(self._rooms))])
        if rng.random() < 0.5:
            points = np.sort(rng.uniform(np.log(80), np.log(8000), 4))
            tone = np.interp(self._log_hz, points, rng.uniform(-8, 8, 4))
            curves.append(gain(tone).astype(np.float32))
        return self(sound, *curves)

    def coloured(self, rng: np.random.Generator) -> Float32:
        """Gaussian noise with a spectrum falling by -3..9 dB per octave."""
        white = rng.standard_normal(self._padded, np.float32)
        slope = np.exp(np.float32(-rng.uniform(-0.5, 1.5)) * np.maximum(self._log_hz, np.log(40)))
        return self(white, slope)

    def band(self, low: float, high: float) -> Float32:
        """The response of a band from `low` to `high` Hz, with soft edges."""
        return _sigmoid((self._hz - low) / 15) * _sigmoid((high - self._hz) / 40)

    def _spectrum(self, sound: Float32) -> NDArray[np.complex64]:
        spectrum: NDArray[np.complex64] = fft.rfft(sound[: self._padded], self._padded)
        return spectrum


def _sigmoid(x: NDArray[Any]) -> Float32:
    value: Float32 = (1 / (1 + np.exp(-np.clip(x, -50, 50)))).astype(np.float32)
    return value
