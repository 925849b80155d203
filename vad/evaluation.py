"""How good scores are, measured against a reference."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vad.grid import Grid
from vad.segments import Segment


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


def detection_cost(reference: ArrayLike, found: ArrayLike, miss_weight: float = 0.75) -> float:
    """NIST's detection cost function (DCF, OpenSAT): `miss_weight` * miss + the rest * false alarm.

    Both `(frame,)`, true where speech is. Miss is the share of reference speech that was not
    found, false alarm the share of the rest that was; NaN where the reference lacks a class.
    """
    truth, said = np.asarray(reference, bool), np.asarray(found, bool)
    if truth.all() or not truth.any():
        return float("nan")
    return float(miss_weight * (~said[truth]).mean() + (1 - miss_weight) * said[~truth].mean())


def detection_error_rate(reference: ArrayLike, found: ArrayLike) -> float:
    """DetER: missed and falsely found frames, as a share of the reference's; NaN where it has none.

    Both `(frame,)`, true where speech is (Bredin, pyannote.metrics, 2017).
    """
    truth, said = np.asarray(reference, bool), np.asarray(found, bool)
    return float((truth != said).sum() / truth.sum()) if truth.any() else float("nan")


def to_frames(segments: Iterable[Segment], frames: int, grid: Grid) -> NDArray[np.bool_]:
    """`(frames,)`, true within a segment."""
    inside = np.zeros(frames, bool)
    for start, end in segments:
        inside[grid.to_frames(start) : grid.to_frames(end)] = True
    return inside
