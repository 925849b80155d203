"""How good scores are, measured against a reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def roc_auc(reference: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a speech frame outscores a non-speech frame.

    `reference` `(frame,)` is true where speech is, `scores` `(frame,)` any ranking of the frames;
    ties count one half (the Mann-Whitney U statistic). NaN where one class is empty.
    """
    truth, values = np.asarray(reference, bool), np.asarray(scores)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return float("nan")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))
