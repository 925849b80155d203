"""The time offset between labels and sound: the shift of the labels with the highest level contrast."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vad.evaluation.frames import frame_mask
from vad.features import Float32
from vad.grid import Grid
from vad.segments import Segment

MAX_SHIFT = 3.0  # seconds, earlier and later
MIN_SECONDS = 1.0  # inside and outside of the labels; with less, the contrast is undefined
# Thresholds for reporting an offset.
MIN_SHIFT = 0.1  # seconds
MIN_GAIN = 2.0  # dB
MIN_CONTRAST = 6.0  # dB


@dataclass(frozen=True)
class Contrast:
    """How much louder labelled speech is than the rest, for each shift of the labels; recordings can be added."""

    grid: Grid
    sums: NDArray[np.float64]  # (2, shift): levels inside and outside of the labels, in dB
    counts: NDArray[np.float64]  # (2, shift): frames inside and outside

    def __add__(self, other: Contrast) -> Contrast:
        return Contrast(self.grid, self.sums + other.sums, self.counts + other.counts)

    @property
    def decibels(self) -> NDArray[np.float64]:
        """Mean level inside minus outside, `(shift,)`; NaN with less than `MIN_SECONDS` inside or outside."""
        enough = self.counts.min(0) >= self.grid.to_frames(MIN_SECONDS)
        means = self.sums / np.maximum(self.counts, 1)
        return np.where(enough, means[0] - means[1], np.nan)

    @property
    def here(self) -> float:
        """With the labels as they are, in dB."""
        return float(self.decibels[len(self.decibels) // 2])

    @property
    def best(self) -> float:
        """The highest of any shift, in dB."""
        return float(np.nanmax(self.decibels)) if np.isfinite(self.decibels).any() else math.nan

    @property
    def late(self) -> float:
        """How late the labels are, in seconds; 0 if no shift is clearly better than none."""
        if not (self.best >= MIN_CONTRAST and self.best - self.here >= MIN_GAIN):
            return 0.0
        shift = self.grid.to_seconds(int(np.nanargmax(self.decibels)) - len(self.decibels) // 2)
        return -shift if MIN_SHIFT <= abs(shift) < MAX_SHIFT else 0.0  # at the limit, the best shift lies beyond it


def contrast(levels: Float32, segments: list[Segment], grid: Grid) -> Contrast:
    """The contrast of the labels `segments` of a recording with frame `levels` `(frame,)` in dB, for each shift.

    Levels are limited to their 5th and 95th percentile, so that digital silence or a slammed door
    does not decide.
    """
    reach = grid.to_frames(MAX_SHIFT)
    held = np.clip(levels, *np.percentile(levels, (5, 95))).astype(np.float64)
    held -= held.mean()
    inside = np.pad(frame_mask(segments, len(levels), grid).astype(np.float64), reach)
    # labels moved later by k - reach frames
    moved = [inside[2 * reach - k : 2 * reach - k + len(levels)] for k in range(2 * reach + 1)]
    speech, count = np.array([held @ m for m in moved]), np.array([m.sum() for m in moved])
    return Contrast(grid, np.stack([speech, held.sum() - speech]), np.stack([count, len(levels) - count]))
