"""Results of one recording, and of a group: each metric pooled, as a mean over recordings, and with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vad.audio.resample import Channel
from vad.evaluation.boundaries import SegmentResult, match_segments
from vad.evaluation.frames import Curve, curve, frame_mask, from_counts
from vad.evaluation.metrics import METRICS, boundary_metrics, rates
from vad.evaluation.overlap import Floats, cut_pieces, to_spans
from vad.features import Float32
from vad.grid import Grid
from vad.labels.labelled_set import LabelledRecording
from vad.segments import Segment, clip
from vad.settings import DEFAULT_EVALUATION, EvaluationSettings

BINS = 1024  # of scores, for the bootstrap: the AUC moves by less than a millionth
IDENTICAL = "the reference is exactly what was detected; if vad wrote it, give labels that people made"
CONFIDENCE = 95.0  # percent of the bootstrap values that an interval holds
MetricValues = dict[str, float]  # by the names in `METRICS`; NaN where undefined
Intervals = dict[str, tuple[float, float]]


class Hypothesis(NamedTuple):
    """The segments, and scores if any, that a detector or a label file gives for a recording."""

    duration: float  # seconds
    segments: list[Segment]  # in order, without overlap
    scores: Float32 | None = None  # (frame,)
    grid: Grid = Grid()  # of the scores


@dataclass(frozen=True)
class RecordingResult:
    """Reference and hypothesis of a recording, and how they agree."""

    name: str
    path: str  # of the sound; empty for labels without sound
    duration: float  # seconds
    reference: list[Segment]
    hypothesis: list[Segment]
    scored_regions: list[Segment]  # those that the UEM lists, or the whole recording
    seconds: Floats  # (4,) hit, miss, false alarm, correct rejection
    segments: SegmentResult
    scores: Float32 | None = None  # (frame,) of the whole recording
    frame_truth: NDArray[np.bool_] | None = None  # (scored frame,) whether the reference has speech; with scores only
    frame_scores: Float32 | None = None  # (scored frame,) their scores
    channel: Channel = "mix"  # of the sound, that was evaluated


def evaluate_recording(recording: LabelledRecording, found: Hypothesis, collar: float = 0.0) -> RecordingResult:
    """Compare the hypothesis `found` with the reference of a recording.

    Time after the end of the recording, outside of its scored regions, and within `collar` seconds
    of a reference boundary is not scored.
    """
    duration = found.duration
    whole = [Segment(0.0, duration)]
    regions = clip(whole if recording.scored_regions is None else recording.scored_regions, duration)
    reference, hypothesis = clip(recording.reference, duration), clip(found.segments, duration)
    reference_spans, hypothesis_spans = to_spans(reference), to_spans(hypothesis)
    pieces = cut_pieces(reference_spans, hypothesis_spans, to_spans(regions), collar)
    result = RecordingResult(
        recording.name,
        recording.path,
        duration,
        reference,
        hypothesis,
        regions,
        pieces.confusion,
        match_segments(reference_spans, hypothesis_spans, pieces),
        channel=recording.channel,
    )
    if found.scores is None:
        return result
    ends = pieces.start + pieces.width
    scored_pieces = [Segment(a, b) for a, b, s in zip(pieces.start, ends, pieces.scored, strict=True) if s]
    scored = frame_mask(scored_pieces, len(found.scores), found.grid)
    truth = frame_mask(reference, len(found.scores), found.grid)
    return replace(result, scores=found.scores, frame_truth=truth[scored], frame_scores=found.scores[scored])


def identical(results: Iterable[RecordingResult]) -> bool:
    """Whether every hypothesis is its reference to 2 ms: people never label so, the detector made the reference."""
    pairs = [(one.reference, one.hypothesis) for one in results if one.reference or one.hypothesis]
    return bool(pairs) and all(
        len(first) == len(second) and np.abs(to_spans(first) - to_spans(second)).max(initial=0.0) <= 0.002
        for first, second in pairs
    )


@dataclass(frozen=True)
class Group:
    """One or more recordings, evaluated together."""

    recordings: list[RecordingResult]
    settings: EvaluationSettings = DEFAULT_EVALUATION

    @cached_property
    def curve(self) -> Curve | None:
        """Over the scored frames of all recordings; None without scores, or without both classes."""
        truth = [r.frame_truth for r in self.recordings if r.frame_truth is not None]
        scores = [r.frame_scores for r in self.recordings if r.frame_scores is not None]
        if len(scores) < len(self.recordings):
            return None
        return curve(np.concatenate(truth), np.concatenate(scores))

    @cached_property
    def each(self) -> list[tuple[str, Group]]:
        """A group of its own for every recording, with its name."""
        return [(r.name, Group([r], self.settings)) for r in self.recordings]

    @cached_property
    def pooled(self) -> MetricValues:
        """Over the time of all recordings together: a long recording weighs more."""
        durations = rates(sum(r.seconds for r in self.recordings), self.settings.weights)
        values = {name: float(value) for name, value in durations.items()}
        values |= _curve_metrics(self.curve)
        segments = [r.segments for r in self.recordings]
        values |= boundary_metrics("onset", np.concatenate([s.onset_errors for s in segments]))
        values |= boundary_metrics("offset", np.concatenate([s.offset_errors for s in segments]))
        reference, hits = sum(s.reference for s in segments), sum(s.hits for s in segments)
        false_alarms, hours = sum(s.false_alarms for s in segments), values["minutes"] / 60
        values |= {
            "segments": reference,
            "hit_segments": hits,
            "missed_segments": reference - hits,
            "false_alarm_segments": false_alarms,
            "false_alarms_per_hour": false_alarms / hours if hours else math.nan,
        }
        return {name: values[name] for name in METRICS}

    @cached_property
    def mean(self) -> MetricValues:
        """The mean of each metric over the recordings where it is defined: every recording weighs the same."""
        means = {}
        for name in METRICS:
            values = (alone.pooled[name] for _, alone in self.each)
            defined = [value for value in values if not math.isnan(value)]
            means[name] = sum(defined) / len(defined) if defined else math.nan
        return means

    @cached_property
    def draws(self) -> dict[str, Floats]:
        """Bootstrap values of the metrics that follow from sums, `(draw,)` each.

        Each draw takes as many recordings as there are, with replacement. Groups of the same size
        get the same draws, so that detectors can be compared draw by draw. Empty for one recording.
        """
        count, draws = len(self.recordings), self.settings.resamples
        if count < 2 or not draws:
            return {}
        rng = np.random.default_rng(self.settings.seed)
        times = rng.multinomial(count, np.full(count, 1 / count), draws)  # (draw, recording)
        values = rates(times @ np.stack([r.seconds for r in self.recordings]), self.settings.weights)
        hours = values.pop("minutes") / 60
        del values["speech"]
        alarms = times @ np.array([r.segments.false_alarms for r in self.recordings])
        values["false_alarms_per_hour"] = np.divide(alarms, hours, out=np.full(draws, np.nan), where=hours > 0)
        return {**values, **self._resampled_scores(times)}

    @cached_property
    def intervals(self) -> Intervals:
        """The percentile interval of the `draws` of each metric (Efron, 1979)."""
        found = {name: percentile_interval(values) for name, values in self.draws.items()}
        return {name: found[name] for name in METRICS if name in found and not math.isnan(found[name][0])}

    def _resampled_scores(self, times: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """The threshold-free metrics of each draw, from histograms of the scores; `times` is `(draw, recording)`."""
        if self.curve is None:
            return {}
        scores = [r.frame_scores for r in self.recordings if r.frame_scores is not None]
        edges = np.unique(np.quantile(np.concatenate(scores), np.linspace(0, 1, BINS + 1)))
        counts = np.zeros((2, len(scores), len(edges)))  # of speech and of the rest, from the highest score down
        for row, r in enumerate(self.recordings):
            assert r.frame_truth is not None and r.frame_scores is not None
            bins = np.searchsorted(edges, r.frame_scores, "right") - 1
            for kind, mask in enumerate((r.frame_truth, ~r.frame_truth)):
                counts[kind, row] = np.bincount(bins[mask], minlength=len(edges))[::-1]
        threshold = np.append(np.inf, edges[::-1])
        rows = []
        for speech, other in zip(times @ counts[0], times @ counts[1], strict=True):
            both = speech.any() and other.any()
            rows.append(_curve_metrics(from_counts(threshold, speech, other) if both else None))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The central interval that holds `CONFIDENCE` percent of `values`; NaN is left out, and returned for none."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return math.nan, math.nan
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def _curve_metrics(found: Curve | None) -> MetricValues:
    """The metrics that need no threshold; NaN without a curve."""
    if found is None:
        return dict.fromkeys(("roc_auc", "pr_auc", "eer"), math.nan)
    return {"roc_auc": found.roc_auc, "pr_auc": found.pr_auc, "eer": found.eer[0]}
