"""The search for settings: trials on recordings with scores, a coarse grid, then one setting after the other.

The cost is a step function with several local minima, so it has no gradient to follow, but it is cheap: a
hundred settings a second on ten minutes of sound. The search tries some six hundred; the best of three
thousand random settings is seldom better.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vad.errors import SettingError
from vad.evaluation.frames import mask_segments
from vad.evaluation.overlap import Floats, cut_pieces, to_spans
from vad.evaluation.results import RecordingResult
from vad.features import Float32
from vad.grid import Grid
from vad.segmenter import Segmenter
from vad.segments import Segment, clip
from vad.settings import Segmentation

Indices = NDArray[np.int64]
Cost = Callable[[Floats], float]  # of (recording, 4) seconds, as `Trials` returns them

ONSETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
OFFSET_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)  # offset as a share of onset
MIN_SILENCES = (0.1, 0.3, 0.7)  # seconds; they decide which thresholds are good
LOWEST = 0.02  # threshold; with an offset of 0, speech would never end
STEPS = (0.05, 0.02, 0.01)  # of thresholds, from coarse to fine
DURATIONS = {
    "min_speech": (0.0, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5),
    "min_silence": (0.0, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0),
    "pad_start": (0.0, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3),
    "pad_end": (0.0, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3),
}  # seconds
TUNABLE = ("onset", "offset", *DURATIONS)
STARTS = 3  # the best points of the grid, from which the search continues
MAX_ROUNDS = 5
MIN_GAIN = 1e-4  # of cost; a setting does not change for less


@dataclass(frozen=True)
class TuningRecording:
    """A recording with scores and a reference, on which settings are tried."""

    scores: Float32  # (frame,)
    duration: float  # seconds
    reference: Floats  # (segment, 2) in seconds
    scored_regions: Floats  # (region, 2) in seconds

    @classmethod
    def of(cls, result: RecordingResult) -> TuningRecording:
        """From a recording that a detector was evaluated on."""
        assert result.scores is not None
        return cls(result.scores, result.duration, to_spans(result.reference), to_spans(result.scored_regions))

    @classmethod
    def of_frames(cls, scores: Float32, truth: NDArray[np.bool_], grid: Grid) -> TuningRecording:
        """From scores and whether each frame is speech, both `(frame,)`; all of it is scored."""
        whole = Segment(0.0, grid.to_seconds(len(truth)))
        return cls(scores, whole.end, to_spans(mask_segments(truth, grid)), to_spans([whole]))


class Trials:
    """Tries settings on recordings, each combination once; `tried` has the results by settings."""

    def __init__(self, recordings: Iterable[TuningRecording], grid: Grid, collar: float = 0.0) -> None:
        self.recordings = list(recordings)
        self.tried: dict[Segmentation, Floats] = {}
        self._grid, self._collar = grid, collar

    def __call__(self, settings: Segmentation) -> Floats:
        """`(recording, 4)` seconds: hit, miss, false alarm, correct rejection."""
        if settings not in self.tried:
            self.tried[settings] = np.stack([self._compare(one, settings) for one in self.recordings])
        return self.tried[settings]

    def segments(self, recording: TuningRecording, settings: Segmentation) -> list[Segment]:
        """The segments of a recording, the same that `Detector.detect` returns."""
        segmenter = Segmenter(settings, self._grid)
        return clip(segmenter.push(recording.scores) + segmenter.finish(), recording.duration)

    def _compare(self, recording: TuningRecording, settings: Segmentation) -> Floats:
        hypothesis = to_spans(self.segments(recording, settings))
        return cut_pieces(recording.reference, hypothesis, recording.scored_regions, self._collar).confusion


def search(
    trials: Trials, cost: Cost, start: Segmentation, free: Collection[str] = TUNABLE, which: Indices | None = None
) -> Segmentation:
    """The settings of the lowest cost on the recordings `which` (default: all); settings not in `free` do not change.

    A setting changes only if that gains `MIN_GAIN`: a setting that makes no difference stays as in `start`.
    """
    chosen = np.arange(len(trials.recordings)) if which is None else which

    def cost_of(settings: Segmentation) -> float:
        return cost(trials(settings)[chosen])

    grid = [
        {"onset": onset, "offset": onset * share, "min_silence": silence}
        for silence in MIN_SILENCES
        for onset in ONSETS
        for share in OFFSET_SHARES
    ]
    starts = sorted(dict.fromkeys(changed(start, free, grid)), key=cost_of)[:STARTS]
    best = start
    for one in [start, *starts]:
        end = descend(one, cost_of, free)
        if cost_of(end) < cost_of(best) - MIN_GAIN:
            best = end
    return best


def descend(settings: Segmentation, cost_of: Callable[[Segmentation], float], free: Collection[str]) -> Segmentation:
    """Improve `settings` by changing one setting after the other, until no change gains `MIN_GAIN`."""

    def improved(changes: list[dict[str, float]]) -> Segmentation:
        best = min(changed(settings, free, changes), key=cost_of, default=settings)
        return best if cost_of(best) < cost_of(settings) - MIN_GAIN else settings

    for _ in range(MAX_ROUNDS):
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
    """`settings` with each of `changes`, restricted to `free`; combinations that are not valid are left out."""
    for change in changes:
        kept = {name: round(value, 3) for name, value in change.items() if name in free}
        if kept and min(kept.get("onset", 1.0), kept.get("offset", 1.0)) >= LOWEST:
            with contextlib.suppress(SettingError):
                yield replace(settings, **kept)
