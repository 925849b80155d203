"""Samples, frames and seconds: the one place where they are converted.

Outside the package time is in seconds (float, half-open `[start, end)`); inside it is whole
samples and whole frames. Frame `k` covers the samples `[k * hop, (k + 1) * hop)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """The frame grid of a model: `hop` samples per frame at `sample_rate` samples per second."""

    sample_rate: int = 16_000
    hop: int = 160

    @property
    def frame_seconds(self) -> float:
        """Length of one frame in seconds (0.01 by default)."""
        return self.hop / self.sample_rate

    def frame_count(self, samples: int) -> int:
        """How many frames cover `samples` samples: `ceil(samples / hop)`; the last may be partial."""
        return -(-samples // self.hop)

    def to_seconds(self, frames: int) -> float:
        """Where frame `frames` starts, in seconds."""
        return frames * self.hop / self.sample_rate

    def to_frames(self, seconds: float) -> int:
        """The whole number of frames nearest to `seconds` (halves go up)."""
        return math.floor(seconds * self.sample_rate / self.hop + 0.5)

    def to_samples(self, seconds: float) -> int:
        """The whole number of samples nearest to `seconds` (halves go up)."""
        return math.floor(seconds * self.sample_rate + 0.5)


def floor_milliseconds(seconds: float) -> float:
    """The last whole millisecond within `seconds`, so that rounding never leaves a recording."""
    return math.floor(seconds * 1000 + 1e-6) / 1000
