"""Measures agree with scikit-learn."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from vad.evaluation import roc_auc


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=50))
def test_roc_auc_is_scikit_learns_ties_and_all(frames: list[tuple[bool, int]]) -> None:
    truth, scores = np.array(frames).T
    if truth.min() == truth.max():
        assert math.isnan(roc_auc(truth, scores))
    else:
        assert abs(roc_auc(truth, scores) - roc_auc_score(truth, scores)) < 1e-12
