"""Recordings with scores and a reference, on which settings are tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vad.evaluation.durations import Floats, cut_pieces, to_spans
from vad.evaluation.measure import Measured
from vad.features import Float32
from vad.grid import Grid
from vad.segmenter import Segmenter
from vad.segments import Segment, clip
from vad.settings import Segmentation


@dataclass(frozen=True)
class Scored:
    """A recording as it is tried."""

    scores: Float32  # (frame,)
    duration: float  # seconds
    reference: Floats  # (segment, 2) in seconds
    counted: Floats  # (stretch, 2) in seconds

    @classmethod
    def of(cls, one: Measured) -> Scored:
        """From a recording that a detector was measured on."""
        assert one.scores is not None
        return cls(one.scores, one.duration, to_spans(one.reference), to_spans(one.counted))


class Trials:
    """What settings find in recordings, beside the reference; each settings are tried once."""

    def __init__(self, recordings: Iterable[Scored], grid: Grid, collar: float = 0.0) -> None:
        self.recordings = list(recordings)
        self.tried: dict[Segmentation, Floats] = {}
        self._grid, self._collar = grid, collar

    def __call__(self, settings: Segmentation) -> Floats:
        """`(recording, 4)` seconds: correctly found, missed, falsely found, correctly left."""
        if settings not in self.tried:
            self.tried[settings] = np.stack([self._compare(one, settings) for one in self.recordings])
        return self.tried[settings]

    def segments(self, one: Scored, settings: Segmentation) -> list[Segment]:
        """What is found in a recording, as `Detector.detect` finds it."""
        segmenter = Segmenter(settings, self._grid)
        return clip(segmenter.push(one.scores) + segmenter.finish(), one.duration)

    def _compare(self, one: Scored, settings: Segmentation) -> Floats:
        found = to_spans(self.segments(one, settings))
        return cut_pieces(one.reference, found, one.counted, self._collar).compared
