"""What mixing does with any sound: how often it is drawn, how loud it is, where in another it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vad.features import Float32

FULL_SCALE = np.float32(1 / 32768)  # of 16-bit samples


def shares(lengths: list[int], weights: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Chances that grow with the square root of a length, times a weight."""
    chances: NDArray[np.float64] = np.sqrt(np.array(lengths, float)) * weights
    return chances / max(float(chances.sum()), 1e-9)


def gain(decibels: Any) -> Any:
    """Decibels, a number or an array, as a factor of amplitude."""
    return 10 ** (decibels / 20)


def active_power(sound: Float32) -> float:
    """Mean power of the louder half of the 20 ms pieces that are not silent."""
    pieces = np.mean(np.square(sound[: len(sound) // 320 * 320].reshape(-1, 320)), 1)
    pieces = pieces[pieces > 1e-10]
    return float(np.mean(np.sort(pieces)[len(pieces) // 2 :])) if len(pieces) else 0.0


def put(into: Float32, part: Float32, at: int) -> None:
    """Add `part` to `into` from index `at` on, cutting what reaches beyond either end."""
    first, last = max(at, 0), min(at + len(part), len(into))
    if first < last:
        into[first:last] += part[first - at : last - at]


def fit(sound: Float32, samples: int) -> Float32:
    """Cut or filled up with zeros to `samples`."""
    return np.pad(sound[:samples], (0, max(0, samples - len(sound))))
