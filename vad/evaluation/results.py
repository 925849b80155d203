"""One recording measured, and many together: each figure once, of sums and of means, with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vad.evaluation.boundaries import SegmentResult, spot
from vad.evaluation.durations import Floats, cut_pieces, to_spans
from vad.evaluation.frames import Curve, curve, frame_mask, from_counts
from vad.evaluation.metrics import METRICS, boundary_metrics, rates
from vad.grid import Grid
from vad.segments import Segment, clip
from vad.settings import DEFAULT_EVALUATION, EvaluationSettings

BINS = 1024  # of scores, for resampling: the AUC moves by less than a millionth
CONFIDENCE = 95.0  # percent of the resampled figures that an interval holds
MetricValues = dict[str, float]  # by the names in `METRICS`; NaN where undefined
Intervals = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class RecordingResult:
    """A recording, what was found in it, and how well that fits the reference."""

    name: str
    duration: float  # seconds
    reference: list[Segment]
    hypothesis: list[Segment]
    scored_regions: list[Segment]  # what the UEM lists, or all of it
    seconds: Floats  # (4,) correctly found, missed, falsely found, correctly left
    segment_result: SegmentResult
    truth: NDArray[np.bool_] | None = None  # (scored frame,), where there are scores
    ranks: NDArray[np.float32] | None = None  # (scored frame,) their scores
    scores: NDArray[np.float32] | None = None  # (frame,) all of the recording
    path: str = ""  # of the sound, where it is there


def measure(
    name: str,
    reference: Sequence[Segment],
    hypothesis: Sequence[Segment],
    duration: float,
    *,
    scored_regions: Sequence[Segment] | None = None,
    collar: float = 0.0,
    scores: NDArray[np.float32] | None = None,
    grid: Grid | None = None,
    path: str = "",
) -> RecordingResult:
    """Measure one recording of `duration` seconds; segments are in order and apart.

    What lies beyond the end or outside of `scored_regions` is not scored. `scores` `(frame,)` on `grid`
    are for the figures that need no threshold.
    """
    spans = clip([Segment(0.0, duration)] if scored_regions is None else scored_regions, duration)
    reference, hypothesis = clip(reference, duration), clip(hypothesis, duration)
    theirs, ours = to_spans(reference), to_spans(hypothesis)
    pieces = cut_pieces(theirs, ours, to_spans(spans), collar)
    segment_result = spot(theirs, ours, pieces)
    measured = RecordingResult(name, duration, reference, hypothesis, spans, pieces.compared, segment_result, path=path)
    if scores is None:
        return measured
    grid = grid or Grid()
    ends = pieces.start + pieces.width
    stretches = [Segment(a, b) for a, b, s in zip(pieces.start, ends, pieces.scored, strict=True) if s]
    scored = frame_mask(stretches, len(scores), grid)
    truth = frame_mask(reference, len(scores), grid)
    return RecordingResult(**{**vars(measured), "truth": truth[scored], "ranks": scores[scored], "scores": scores})


@dataclass(frozen=True)
class Group:
    """Recordings measured together; at least one."""

    recordings: list[RecordingResult]
    settings: EvaluationSettings = DEFAULT_EVALUATION

    @cached_property
    def curve(self) -> Curve | None:
        """Over the scored frames of all; None without scores, or without both classes."""
        scored = [m for m in self.recordings if m.truth is not None and m.ranks is not None]
        if len(scored) < len(self.recordings):
            return None
        truth = np.concatenate([m.truth for m in scored if m.truth is not None])
        return curve(truth, np.concatenate([m.ranks for m in scored if m.ranks is not None]))

    @cached_property
    def each(self) -> list[tuple[str, Group]]:
        """Every recording alone, with its name."""
        return [(m.name, Group([m], self.settings)) for m in self.recordings]

    @cached_property
    def pooled(self) -> MetricValues:
        """Of all time together: a long recording counts more."""
        segment_result = [m.segment_result for m in self.recordings]
        durations = rates(sum(m.seconds for m in self.recordings), self.settings.weights)
        values = {name: float(value) for name, value in durations.items()}
        values |= _threshold_free(self.curve)
        for side in ("onset", "offset"):
            values |= boundary_metrics(side, np.concatenate([getattr(s, side) for s in segment_result]))
        segments, found, phantom = (
            sum(getattr(s, key) for s in segment_result) for key in ("segments", "found", "phantom")
        )
        values |= {"segments": segments, "found": found, "missed": segments - found, "phantom": phantom}
        hours = values["minutes"] / 60
        values["alarms_per_hour"] = phantom / hours if hours else math.nan
        return {name: values[name] for name in METRICS}

    @cached_property
    def mean(self) -> MetricValues:
        """The mean over recordings of each figure where it is defined: every recording counts the same."""
        means = {}
        for name in METRICS:
            values = (alone.pooled[name] for _, alone in self.each)
            defined = [value for value in values if not math.isnan(value)]
            means[name] = sum(defined) / len(defined) if defined else math.nan
        return means

    @cached_property
    def draws(self) -> dict[str, Floats]:
        """The figures that follow from sums, `(draw,)` each, of recordings drawn anew with replacement.

        The same draws for every group of as many recordings, so that detectors can be compared
        draw by draw. Empty for a single recording.
        """
        count, draws = len(self.recordings), self.settings.resamples
        if count < 2 or not draws:
            return {}
        rng = np.random.default_rng(self.settings.seed)
        times = rng.multinomial(count, np.full(count, 1 / count), draws)  # (draw, recording)
        values = rates(times @ np.stack([m.seconds for m in self.recordings]), self.settings.weights)
        hours = values.pop("minutes") / 60
        del values["speech"]
        phantom = times @ np.array([m.segment_result.phantom for m in self.recordings])
        values["alarms_per_hour"] = np.divide(phantom, hours, out=np.full(draws, np.nan), where=hours > 0)
        return {**values, **self._resampled_scores(times)}

    @cached_property
    def intervals(self) -> Intervals:
        """Where 95 % of the `draws` of each figure lie: the bootstrap's percentile interval (Efron, 1979)."""
        found = {name: middle(values) for name, values in self.draws.items()}
        return {name: found[name] for name in METRICS if name in found and not math.isnan(found[name][0])}

    def _resampled_scores(self, times: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """The figures that need no threshold for each draw, from histograms of the scores."""
        if self.curve is None:
            return {}
        ranks = [m.ranks for m in self.recordings if m.ranks is not None]
        edges = np.unique(np.quantile(np.concatenate(ranks), np.linspace(0, 1, BINS + 1)))
        tables = np.zeros((2, len(ranks), len(edges)))
        for row, m in enumerate(self.recordings):
            assert m.truth is not None and m.ranks is not None
            where = np.searchsorted(edges, m.ranks, "right") - 1
            for kind, mask in enumerate((m.truth, ~m.truth)):
                tables[kind, row] = np.bincount(where[mask], minlength=len(edges))[::-1]
        threshold = np.append(np.inf, edges[::-1])
        rows = []
        for speech, other in zip(times @ tables[0], times @ tables[1], strict=True):
            both = speech.any() and other.any()
            rows.append(_threshold_free(from_counts(threshold, speech, other) if both else None))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def middle(values: Floats) -> tuple[float, float]:
    """Between which two numbers `CONFIDENCE` percent of those of `values` that are defined lie; NaN for none."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return math.nan, math.nan
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def _threshold_free(found: Curve | None) -> MetricValues:
    """The figures of a curve."""
    if found is None:
        return dict.fromkeys(("roc_auc", "pr_auc", "eer"), math.nan)
    return {"roc_auc": found.roc_auc, "pr_auc": found.pr_auc, "eer": found.eer[0]}
