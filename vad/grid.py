"""Samples, frames and seconds, and how they are converted.

The interface of the package gives time in seconds (float, half-open `[start, end)`); its inside
counts samples and frames. Frame `k` covers the samples `[k * hop, (k + 1) * hop)`.
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
        """The number of frames that cover `samples` samples: `ceil(samples / hop)`; the last may be partial."""
        return -(-samples // self.hop)

    def to_seconds(self, frames: int) -> float:
        """The length of `frames` frames in seconds, which is the start of the frame with this number."""
        return frames * self.hop / self.sample_rate

    def to_frames(self, seconds: float) -> int:
        """`seconds` as a number of frames, rounded; halves go up."""
        return math.floor(seconds * self.sample_rate / self.hop + 0.5)

    def to_samples(self, seconds: float) -> int:
        """`seconds` as a number of samples, rounded; halves go up."""
        return math.floor(seconds * self.sample_rate + 0.5)


def floor_milliseconds(seconds: float) -> float:
    """`seconds` rounded down to a millisecond, so that no segment ends after its recording."""
    return math.floor(seconds * 1000 + 1e-6) / 1000
