"""How good scores are whatever the threshold, and decisions frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vad.evaluation.durations import Floats
from vad.grid import Grid
from vad.segments import Segment


@dataclass(frozen=True)
class Curve:
    """What each threshold costs, `(threshold,)` each, from the highest to the lowest.

    A frame counts as speech where its score reaches the threshold; the first point is one above
    all scores, where nothing does. Both classes are there, else `curve` would have given None.
    """

    threshold: Floats
    hit: Floats  # share of the speech frames found; miss is one minus it
    alarm: Floats  # share of the other frames found
    speech: float  # share of all frames

    @property
    def roc_auc(self) -> float:
        """Area under the ROC curve: the chance that a speech frame outscores another; ties count one half."""
        return float(np.trapezoid(self.hit, self.alarm))

    @property
    def pr_auc(self) -> float:
        """Average precision: precision at each threshold, weighed by what it adds to recall (no interpolation)."""
        return float((np.diff(self.hit) * self.precision[1:]).sum())

    @property
    def precision(self) -> Floats:
        """Of what is found, the share that is speech; one where nothing is found."""
        hits, alarms = self.hit * self.speech, self.alarm * (1 - self.speech)
        found = hits + alarms
        return np.divide(hits, found, out=np.ones_like(found), where=found > 0)

    @property
    def eer(self) -> tuple[float, float]:
        """The rate at which miss equals false alarm, on a line between neighbouring thresholds; and the lower one."""
        gap = self.alarm - (1 - self.hit)  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        share = gap[after] / (gap[after] - gap[after - 1])
        rate = self.alarm[after] - share * (self.alarm[after] - self.alarm[after - 1])
        return float(rate), float(self.threshold[after])


def curve(reference: ArrayLike, scores: ArrayLike) -> Curve | None:
    """The `Curve` of scores `(frame,)` where `reference` `(frame,)` is true at speech; None if a class is empty.

    Exact: a point for each score that occurs.
    """
    truth, values = np.asarray(reference, bool), np.asarray(scores)
    if not truth.any() or truth.all():
        return None
    levels, inverse = np.unique(values, return_inverse=True)
    speech = np.bincount(inverse[truth], minlength=len(levels))[::-1]
    other = np.bincount(inverse[~truth], minlength=len(levels))[::-1]
    return from_counts(np.append(np.inf, levels[::-1]), speech, other)


def from_counts(threshold: Floats, speech: ArrayLike, other: ArrayLike) -> Curve:
    """A `Curve` of how many frames of each class have each score, from the highest down; neither is empty."""
    hits, alarms = np.append(0, np.cumsum(speech)), np.append(0, np.cumsum(other))
    share = hits[-1] / (hits[-1] + alarms[-1])
    return Curve(threshold, hits / hits[-1], alarms / alarms[-1], float(share))


def roc_auc(reference: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve of scores `(frame,)`; NaN where `reference` `(frame,)` lacks a class."""
    found = curve(reference, scores)
    return found.roc_auc if found else float("nan")


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


def frame_mask(segments: Iterable[Segment], frames: int, grid: Grid) -> NDArray[np.bool_]:
    """`(frames,)`, true within a segment."""
    inside = np.zeros(frames, bool)
    for start, end in segments:
        inside[grid.to_frames(start) : grid.to_frames(end)] = True
    return inside


def mask_segments(mask: NDArray[np.bool_], grid: Grid) -> list[Segment]:
    """The segments that the true frames of `mask` `(frame,)` form, in order and apart."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [Segment(grid.to_seconds(start), grid.to_seconds(end)) for start, end in edges.reshape(-1, 2).tolist()]
