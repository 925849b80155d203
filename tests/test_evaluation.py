"""Metrics agree with scikit-learn and pyannote.metrics."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Timeline
from pyannote.core import Segment as Span
from pyannote.metrics.detection import (
    DetectionAccuracy,
    DetectionCostFunction,
    DetectionErrorRate,
    DetectionPrecision,
    DetectionPrecisionRecallFMeasure,
    DetectionRecall,
)
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from vad import Segment, SettingError
from vad.evaluation.frames import curve, detection_cost, frame_mask, mask_segments, roc_auc
from vad.evaluation.metrics import METRICS
from vad.evaluation.report.worst import worst_stretches
from vad.evaluation.results import Group, Hypothesis, RecordingResult, evaluate_recording
from vad.evaluation.tables import group_values
from vad.grid import Grid
from vad.labels.labelled_set import LabelledRecording
from vad.segments import merge
from vad.settings import CostWeights, EvaluationSettings

FRAMES = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=50)
TIMES = st.integers(0, 4000).map(lambda n: n / 100)
STRETCHES = st.lists(st.tuples(TIMES, TIMES), max_size=8).map(
    lambda pairs: merge(Segment(min(p), max(p)) for p in pairs if p[0] != p[1])
)


def drawn(text: str) -> list[Segment]:
    """Segments of a second per character: `..###.#`."""
    return merge(Segment(n, n + 1) for n, c in enumerate(text) if c == "#")


def result(
    reference: list[Segment],
    hypothesis: list[Segment],
    duration: float,
    *,
    scored_regions: list[Segment] | None = None,
    collar: float = 0.0,
    **scores: object,
) -> RecordingResult:
    recording = LabelledRecording("x", "", reference, scored_regions)
    return evaluate_recording(recording, Hypothesis(duration, hypothesis, **scores), collar)


def compare(reference: str, hypothesis: str, **how: object) -> RecordingResult:
    return result(drawn(reference), drawn(hypothesis), float(len(reference)), **how)


def metrics(reference: str, hypothesis: str, **how: object) -> dict[str, float]:
    return Group([compare(reference, hypothesis, **how)]).pooled


class TestScores:
    @given(FRAMES)
    def test_the_areas_are_scikit_learns_ties_and_all(self, frames: list[tuple[bool, int]]) -> None:
        truth, scores = np.array(frames).T
        found = curve(truth, scores)
        if truth.min() == truth.max():
            assert found is None and math.isnan(roc_auc(truth, scores))
            return
        assert found is not None
        assert abs(roc_auc(truth, scores) - roc_auc_score(truth, scores)) < 1e-12
        assert abs(found.pr_auc - average_precision_score(truth, scores)) < 1e-12
        alarm, hit, _ = roc_curve(truth, scores, drop_intermediate=False)
        assert np.allclose(found.false_alarm, alarm) and np.allclose(found.hit, hit)
        precision, _, _ = precision_recall_curve(truth, scores)
        assert np.allclose(found.precision[::-1], precision)

    @given(FRAMES)
    def test_at_the_equal_error_rate_miss_and_false_alarm_meet(self, frames: list[tuple[bool, int]]) -> None:
        truth, scores = np.array(frames).T
        if truth.min() == truth.max():
            return
        alarm, hit, _ = roc_curve(truth, scores, drop_intermediate=False)
        found = curve(truth, scores)
        assert found is not None
        rate, threshold = found.eer
        # scikit-learn has no equal error rate; it is where its curve crosses miss = false alarm
        steps = np.linspace(0, 1, 2001)
        line = [np.interp(steps, [0, 1], [a, b]) for pair in (alarm, hit) for a, b in pairwise(pair)]
        half = len(line) // 2
        crossings = [
            a[i] for a, h in zip(line[:half], line[half:], strict=True) for i in [int(np.argmin(abs(a + h - 1)))]
            if abs(a[i] + h[i] - 1) < 1e-3
        ]  # fmt: skip
        assert min(abs(rate - crossing) for crossing in crossings) < 1e-3
        assert threshold in scores

    def test_perfect_and_useless_scores(self) -> None:
        perfect, useless = curve([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]), curve([0, 1, 0, 1], [0.5] * 4)
        assert perfect is not None and useless is not None
        assert (perfect.roc_auc, perfect.pr_auc, perfect.eer[0]) == (1, 1, 0)
        assert (useless.roc_auc, useless.pr_auc, useless.eer[0]) == (0.5, 0.5, 0.5)

    def test_scores_are_compared_only_where_time_counts(self) -> None:
        scores = np.array([0.9, 0.9, 0.1, 0.8, 0.1], np.float32)
        how = {"grid": Grid(hop=16_000), "scores": scores}
        assert metrics("##...", "##...", **how)["roc_auc"] == 1
        assert metrics("#.#..", "##...", **how)["roc_auc"] < 0.8
        scored_regions = [Segment(0, 1), Segment(4, 5)]
        assert metrics("#.#..", "##...", scored_regions=scored_regions, **how)["roc_auc"] == 1


class TestDurations:
    @settings(deadline=None)
    @given(STRETCHES, STRETCHES, STRETCHES, st.sampled_from([0, 0.1, 0.5]), st.booleans())
    def test_they_are_those_of_pyannote(
        self, reference: list[Segment], hypothesis: list[Segment], uem: list[Segment], collar: float, whole: bool
    ) -> None:
        scored_regions = [Segment(0.0, 40.0)] if whole or not uem else uem
        how = {"collar": 2 * collar}  # pyannote halves it
        theirs = {
            "deter": DetectionErrorRate(**how),
            "dcf": DetectionCostFunction(**how),
            "precision": DetectionPrecision(**how),
            "recall": DetectionRecall(**how),
            "accuracy": DetectionAccuracy(**how),
            "f1": DetectionPrecisionRecallFMeasure(**how),
        }
        ours = Group([result(reference, hypothesis, 40.0, scored_regions=scored_regions, collar=collar)]).pooled
        for name, metric in theirs.items():
            metric(annotation(reference), annotation(hypothesis), uem=Timeline([Span(*s) for s in scored_regions]))
            if not math.isnan(ours[name]):  # pyannote gives 0 or 1 for what is undefined
                assert abs(ours[name] - abs(metric)) < 1e-9, name

    def test_what_is_undefined_is_nan_and_nothing_else_is(self) -> None:
        def undefined(reference: str, hypothesis: str) -> set[str]:
            found = {name for name, value in metrics(reference, hypothesis).items() if math.isnan(value)}
            return found - {name for name in METRICS if METRICS[name].unit == "ms"} - {"roc_auc", "pr_auc", "eer"}

        assert undefined("#.", "#.") == set()
        assert undefined("..", "#.") == {"deter", "miss", "recall", "dcf"}
        assert undefined("##", "#.") == {"false_alarm", "dcf"}
        assert undefined("#.", "..") == {"precision"}
        assert undefined("..", "..") == {"deter", "miss", "recall", "dcf", "precision", "f1"}
        assert metrics("..", "#.")["false_alarm"] == 0.5

    def test_weights_of_the_cost(self) -> None:
        group = Group([compare("####....", "##....##")], EvaluationSettings(weights=CostWeights(2, 1)))
        assert group.pooled["dcf"] == 2 * 0.5 + 0.5
        for wrong in (CostWeights(-1, 1), CostWeights(0, 0), CostWeights(math.nan, 1)):
            with pytest.raises(SettingError, match="weights"):
                EvaluationSettings(weights=wrong)

    def test_labels_beyond_the_end_are_cut(self) -> None:
        measured = result([Segment(1, 9)], [Segment(2, 99)], 5.0)
        assert measured.seconds.tolist() == [3, 1, 0, 1]

    def test_many_segments_are_no_trouble(self) -> None:
        edges = np.arange(400_000) / 2.0
        segments = [Segment(a, b) for a, b in edges.reshape(-1, 2).tolist()]
        assert result(segments, segments, 2e5, collar=0.1).segments.hits == 200_000


class TestSegments:
    @pytest.mark.parametrize(
        ("reference", "hypothesis", "hits", "missed", "false_alarms"),
        [
            ("##..##..", "##..##..", 2, 0, 0),
            ("##..##..", "........", 0, 2, 0),
            ("##......", "##..#.#.", 1, 0, 2),
            ("####..##", "##......", 1, 1, 0),  # half of it suffices
            ("#####.##", "##......", 0, 2, 0),
            ("##..##..", "######..", 2, 0, 0),  # run together, but there
            ("........", ".#.#....", 0, 0, 2),
        ],
    )
    def test_hits_misses_and_false_alarms(
        self, reference: str, hypothesis: str, hits: int, missed: int, false_alarms: int
    ) -> None:
        got = metrics(reference, hypothesis)
        assert (got["hit_segments"], got["missed_segments"], got["false_alarm_segments"]) == (
            hits,
            missed,
            false_alarms,
        )
        assert got["false_alarms_per_hour"] == pytest.approx(false_alarms * 3600 / len(reference))

    def test_boundary_errors_are_signed_seconds_of_nearest_pairs(self) -> None:
        segments = compare("..####....####..", "...####..#####..").segments
        assert segments.onset_errors.tolist() == [1, -1]
        assert segments.offset_errors.tolist() == [1, 0]
        assert Group([compare("..####....####..", "...####..#####..")]).pooled["onset_median"] == 1000
        assert Group([compare("..####....####..", "...####..#####..")]).pooled["onset_pairs"] == 2
        # run together: the inner boundaries are nobody's
        together = compare("..####....####..", "..############..").segments
        assert (together.onset_errors.tolist(), together.offset_errors.tolist()) == ([0], [0])

    def test_of_segments_that_run_together_only_pairs_count(self) -> None:
        bridged = Group([compare("..####....####..", "..############..")]).pooled
        assert (bridged["segments"], bridged["onset_pairs"], bridged["onset_p95"]) == (2, 1, 0)
        unpaired = Group([compare("#..##..#", "########")])  # what is detected has no boundary within the time
        assert (
            unpaired.pooled["segments"] == 3
            and unpaired.pooled["onset_pairs"] == 0
            and math.isnan(unpaired.pooled["onset_median"])
        )
        assert group_values(unpaired)["undefined"]["onset_median"] == "no pairs of boundaries"

    def test_where_counting_begins_within_speech_is_no_boundary(self) -> None:
        assert compare("####..", "####..").segments.onset_errors.tolist() == []
        assert compare("..####", "..####").segments.offset_errors.tolist() == []
        assert compare(".###..", ".###..", scored_regions=[Segment(2, 6)]).segments.onset_errors.tolist() == []


class TestTogether:
    def test_pooled_weighs_by_time_and_the_mean_by_recording(self) -> None:
        group = Group([compare("#.", "#."), compare("########.", ".........")])
        assert group.pooled["miss"] == pytest.approx(8 / 9)
        assert group.mean["miss"] == 0.5
        silent = Group([*group.recordings, compare("...", "...")])
        assert silent.mean["miss"] == 0.5  # where it is undefined, it counts for nothing

    def test_intervals_hold_the_figure_and_repeat(self) -> None:
        rng = np.random.default_rng(0)
        recordings = []
        for number in range(20):
            truth = rng.random(500) < 0.5
            scores = (truth * 0.3 + rng.random(500) * (0.5 + number / 40)).astype(np.float32)
            spans = [
                merge(Segment(n / 100, n / 100 + 0.01) for n in np.flatnonzero(on)) for on in (truth, scores > 0.6)
            ]
            recordings.append(result(*spans, 5.0, scores=scores))
        group = Group(recordings)
        assert group.intervals == Group(recordings).intervals
        assert group.intervals != Group(recordings, EvaluationSettings(seed=2)).intervals
        for name in ("deter", "miss", "false_alarm", "roc_auc", "pr_auc", "eer", "false_alarms_per_hour"):
            low, high = group.intervals[name]
            assert low <= group.pooled[name] <= high
        assert Group(recordings[:1]).intervals == {}
        # binned scores resample the exact area: draw all once
        table = group._resampled_scores(np.ones((1, 20), int))
        assert abs(table["roc_auc"][0] - group.pooled["roc_auc"]) < 1e-5


class TestStretches:
    def test_the_worst_come_first_and_lie_apart(self) -> None:
        reference = "#" * 100
        hypothesis = "#" * 20 + "." * 3 + "#" * 27 + "." * 9 + "#" * 41
        found = worst_stretches([compare(reference, hypothesis), compare(reference, reference)], 5)
        assert [round(s.error) for s in found] == [9, 3]
        assert found[0].start <= 50 and found[0].end >= 59 and found[1].start <= 20
        assert found[0].missed == [Segment(50, 59)] and not found[0].alarms
        assert worst_stretches([compare("..##..", ".##...")], 5)[0].alarms == [Segment(1, 2)]

    def test_what_a_collar_forgives_is_not_wrong(self) -> None:
        assert worst_stretches([compare("..##..", ".###..")], 5, collar=1.0) == []


def annotation(segments: list[Segment]) -> Annotation:
    made = Annotation()
    for start, end in segments:
        made[Span(start, end)] = "speech"
    return made


def test_the_detection_cost_weighs_misses_and_false_alarms() -> None:
    truth = [True, True, True, True, False, False]
    assert detection_cost(truth, truth) == 0
    assert detection_cost(truth, [False] * 6) == 0.75
    assert detection_cost(truth, [True] * 6) == 0.25
    assert detection_cost(truth, [True, True, True, False, True, False], 0.4) == 0.4 / 4 + 0.6 / 2
    assert math.isnan(detection_cost([True, True], [True, False]))
    assert math.isnan(detection_cost([False, False], [True, False]))


def test_segments_become_frames() -> None:
    segments = [Segment(0.01, 0.03), Segment(0.05, 0.06)]
    mask = frame_mask(segments, 7, Grid())
    assert mask.tolist() == [False, True, True, False, False, True, False]
    assert mask_segments(mask, Grid()) == [Segment(0.01, 0.03), Segment(0.05, 0.06)]
