"""Measures agree with scikit-learn."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from vad import Segment
from vad.evaluation import detection_cost, roc_auc, to_frames
from vad.grid import Grid


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=50))
def test_roc_auc_is_scikit_learns_ties_and_all(frames: list[tuple[bool, int]]) -> None:
    truth, scores = np.array(frames).T
    if truth.min() == truth.max():
        assert math.isnan(roc_auc(truth, scores))
    else:
        assert abs(roc_auc(truth, scores) - roc_auc_score(truth, scores)) < 1e-12


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
    assert to_frames(segments, 7, Grid()).tolist() == [False, True, True, False, False, True, False]
