"""Whether labels lie where the sound is: the shift that would make speech stand out more."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vad.evaluation.frames import frame_mask
from vad.features import Float32
from vad.grid import Grid
from vad.segments import Segment

FARTHEST = 2.0  # seconds that labels are tried earlier and later
ENOUGH = 1.0  # seconds inside and outside without which a shift says nothing
# What makes an offset worth saying.
SHIFTED = 0.1  # seconds
GAINED = 2.0  # dB
CLEAR = 6.0  # dB


@dataclass(frozen=True)
class Contrast:
    """How much louder labelled speech is than the rest, for each shift of the labels; they add up."""

    grid: Grid
    sums: NDArray[np.float64]  # (2, shift): levels inside and outside of the labels, in dB
    counts: NDArray[np.float64]  # (2, shift): frames inside and outside

    def __add__(self, other: Contrast) -> Contrast:
        return Contrast(self.grid, self.sums + other.sums, self.counts + other.counts)

    @property
    def decibels(self) -> NDArray[np.float64]:
        """Mean level inside minus outside, `(shift,)`; NaN where less than `ENOUGH` is in- or outside."""
        enough = self.counts.min(0) >= self.grid.to_frames(ENOUGH)
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
        """How much too late the labels lie, in seconds; 0 where no shift is clearly better than none."""
        if not (self.best >= CLEAR and self.best - self.here >= GAINED):
            return 0.0
        shift = self.grid.to_seconds(int(np.nanargmax(self.decibels)) - len(self.decibels) // 2)
        return -shift if SHIFTED <= abs(shift) < FARTHEST else 0.0  # at the border the best lies beyond


def contrast(levels: Float32, segments: list[Segment], grid: Grid) -> Contrast:
    """Shift the labels of a recording with frame `levels` in dB and see how far they tell loud from quiet.

    Levels are held between their 5th and 95th percentile, so that neither digital silence nor a
    slammed door decides.
    """
    reach = grid.to_frames(FARTHEST)
    held = np.clip(levels, *np.percentile(levels, (5, 95))).astype(np.float64)
    held -= held.mean()
    inside = np.pad(frame_mask(segments, len(levels), grid).astype(np.float64), reach)
    # labels moved later by k - reach frames
    moved = [inside[2 * reach - k : 2 * reach - k + len(levels)] for k in range(2 * reach + 1)]
    loud, count = np.array([held @ m for m in moved]), np.array([m.sum() for m in moved])
    return Contrast(grid, np.stack([loud, held.sum() - loud]), np.stack([count, len(levels) - count]))
