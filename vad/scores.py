"""`Scores`: frame scores that know which model made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vad.grid import Grid

if TYPE_CHECKING:
    _Array = np.ndarray[tuple[int], np.dtype[np.float32]]
else:
    _Array = np.ndarray


class Scores(_Array):
    """The probability of speech in each frame, 0..1: a numpy array `(frame,)` of float32.

    It carries the frame `grid`, the `model` that made it (its name and version), the `thresholds` of
    that model for each preset, and the `duration` of the recording in seconds. `Detector.segment`
    uses them. A slice of consecutive frames carries them too, except for the duration, which is
    `None` there: its first frame is at 0 s. It is `None` wherever the number of frames changes, as by
    `numpy.repeat`. Arithmetic gives a plain array.
    """

    grid: Grid
    model: Mapping[str, str]
    thresholds: Mapping[str, Mapping[str, float]]
    duration: float | None

    def __new__(
        cls,
        values: ArrayLike,
        grid: Grid,
        model: Mapping[str, str],
        thresholds: Mapping[str, Mapping[str, float]],
        duration: float | None = None,
    ) -> Scores:
        """Raises `ValueError` where `values` are no numbers."""
        scores = np.asarray(values, np.float32).view(cls)
        scores.grid, scores.model, scores.thresholds, scores.duration = grid, model, thresholds, duration
        return scores

    def __array_finalize__(self, source: object) -> None:
        """A copy or a view of scores carries what they carry, a part of them no duration."""
        if isinstance(source, Scores):
            self.__dict__.update(source.__dict__)
            if self.shape != source.shape:
                self.duration = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """The result of a calculation is a plain array, or a number."""
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __getitem__(self, key: Any) -> Any:
        """Consecutive frames as `Scores`; otherwise a plain array, or a number."""
        if not isinstance(key, slice) or key.step not in (None, 1):
            return np.asarray(self)[key]
        return super().__getitem__(key)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle."""
        return Scores, (np.asarray(self), self.grid, self.model, self.thresholds, self.duration)
