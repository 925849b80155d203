"""The search for settings: a coarse grid, and from its best places on one setting after the other, ever finer.

Costs are steps with several low places, so there is no gradient to follow, but they are cheap: a
hundred settings a second on ten minutes of sound. Some six hundred are tried; the best of three
thousand drawn at random is seldom better.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vad.errors import SettingError
from vad.evaluation.durations import Floats, cut_pieces, to_spans
from vad.evaluation.results import RecordingResult
from vad.features import Float32
from vad.grid import Grid
from vad.segmenter import Segmenter
from vad.segments import Segment, clip
from vad.settings import Segmentation

Indices = NDArray[np.int64]
Cost = Callable[[Floats], float]  # of (recording, 4) seconds, as `Trials` gives them

ONSETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
HOLDS = (0.2, 0.4, 0.6, 0.8, 1.0)  # offset as a share of onset
BRIDGES = (0.1, 0.3, 0.7)  # min_silence, which decides what thresholds are good
LOWEST = 0.02  # threshold; with an offset of 0, speech that has begun would never end
STEPS = (0.05, 0.02, 0.01)  # of thresholds, from coarse to fine
DURATIONS = {
    "min_speech": (0.0, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
    "min_silence": (0.0, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0),
    "pad_start": (0.0, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3),
    "pad_end": (0.0, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3),
}  # seconds
TUNABLE = ("onset", "offset", *DURATIONS)
STARTS = 3  # the best of the grid, from which it goes on
ROUNDS = 5  # at most
MATTERS = 1e-4  # of cost, less of which is no reason to change a setting


def search(
    trials: Trials, cost: Cost, start: Segmentation, free: Collection[str] = TUNABLE, which: Indices | None = None
) -> Segmentation:
    """The settings of the lowest cost on the recordings `which` (all by default); what is not `free` is as in `start`.

    A setting moves only where that gains `MATTERS`: what the recordings do not decide stays as it was.
    """
    chosen = np.arange(len(trials.recordings)) if which is None else which

    def price(settings: Segmentation) -> float:
        return cost(trials(settings)[chosen])

    grid = [{"onset": o, "offset": o * h, "min_silence": b} for b in BRIDGES for o in ONSETS for h in HOLDS]
    begins = sorted(dict.fromkeys(changed(start, free, grid)), key=price)[:STARTS]
    best = start
    for begin in [start, *begins]:
        end = descend(begin, price, free)
        if price(end) < price(best) - MATTERS:
            best = end
    return best


def descend(settings: Segmentation, price: Callable[[Segmentation], float], free: Collection[str]) -> Segmentation:
    """`settings` improved by changing one after the other, until that gains nothing any more."""

    def improved(changes: list[dict[str, float]]) -> Segmentation:
        best = min(changed(settings, free, changes), key=price, default=settings)
        return best if price(best) < price(settings) - MATTERS else settings

    for _ in range(ROUNDS):
        before = settings
        for name, values in DURATIONS.items():
            settings = improved([{name: value} for value in values])
        for step in STEPS:
            near = [(settings.onset + a * step, settings.offset + b * step) for a in (-1, 0, 1) for b in (-1, 0, 1)]
            settings = improved([{"onset": a, "offset": b} for a, b in near])
        if settings == before:
            break
    return settings


def changed(
    settings: Segmentation, free: Collection[str], changes: Iterable[dict[str, float]]
) -> Iterator[Segmentation]:
    """`settings` with each of `changes` to what is `free`, as far as they make sense."""
    for change in changes:
        kept = {name: round(value, 3) for name, value in change.items() if name in free}
        if kept and min(kept.get("onset", 1.0), kept.get("offset", 1.0)) >= LOWEST:
            with contextlib.suppress(SettingError):
                yield replace(settings, **kept)


@dataclass(frozen=True)
class TuningRecording:
    """A recording as it is tried."""

    scores: Float32  # (frame,)
    duration: float  # seconds
    reference: Floats  # (segment, 2) in seconds
    scored_regions: Floats  # (stretch, 2) in seconds

    @classmethod
    def of(cls, one: RecordingResult) -> TuningRecording:
        """From a recording that a detector was measured on."""
        assert one.scores is not None
        return cls(one.scores, one.duration, to_spans(one.reference), to_spans(one.scored_regions))


class Trials:
    """What settings find in recordings, beside the reference; each settings are tried once."""

    def __init__(self, recordings: Iterable[TuningRecording], grid: Grid, collar: float = 0.0) -> None:
        self.recordings = list(recordings)
        self.tried: dict[Segmentation, Floats] = {}
        self._grid, self._collar = grid, collar

    def __call__(self, settings: Segmentation) -> Floats:
        """`(recording, 4)` seconds: correctly found, missed, falsely found, correctly left."""
        if settings not in self.tried:
            self.tried[settings] = np.stack([self._compare(one, settings) for one in self.recordings])
        return self.tried[settings]

    def segments(self, one: TuningRecording, settings: Segmentation) -> list[Segment]:
        """What is found in a recording, as `Detector.detect` finds it."""
        segmenter = Segmenter(settings, self._grid)
        return clip(segmenter.push(one.scores) + segmenter.finish(), one.duration)

    def _compare(self, one: TuningRecording, settings: Segmentation) -> Floats:
        found = to_spans(self.segments(one, settings))
        return cut_pieces(one.reference, found, one.scored_regions, self._collar).compared
