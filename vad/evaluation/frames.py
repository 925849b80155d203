"""Frame-level metrics: score curves over all thresholds, costs of decisions, and frames of segments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vad.evaluation.overlap import Floats
from vad.grid import Grid
from vad.segments import Segment


@dataclass(frozen=True)
class Curve:
    """Hit and false alarm rate at every threshold, `(threshold,)` each, from the highest to the lowest.

    A frame is detected as speech if its score reaches the threshold. The first threshold lies above
    all scores, where no frame is detected. Both classes have frames: `curve` returns None otherwise.
    """

    threshold: Floats
    hit: Floats  # share of the speech frames that are detected; miss is 1 - hit
    false_alarm: Floats  # share of the other frames that are detected
    speech: float  # share of speech frames among all frames

    @property
    def roc_auc(self) -> float:
        """Area under the ROC curve: the chance that a speech frame outscores another; ties count one half."""
        return float(np.trapezoid(self.hit, self.false_alarm))

    @property
    def pr_auc(self) -> float:
        """Average precision: precision at each threshold, weighted by its step in recall (no interpolation)."""
        return float((np.diff(self.hit) * self.precision[1:]).sum())

    def at(self, thresholds: ArrayLike) -> tuple[Floats, Floats]:
        """Miss and false alarm rate `(n,)` at `thresholds` `(n,)`; a frame is detected if its score reaches one."""
        where = np.searchsorted(-self.threshold, -np.asarray(thresholds, float), "right") - 1
        return 1 - self.hit[where], self.false_alarm[where]

    @property
    def precision(self) -> Floats:
        """The share of speech among the detected frames; 1 where no frame is detected."""
        hits, alarms = self.hit * self.speech, self.false_alarm * (1 - self.speech)
        detected = hits + alarms
        return np.divide(hits, detected, out=np.ones_like(detected), where=detected > 0)

    @property
    def eer(self) -> tuple[float, float]:
        """The rate where miss equals false alarm, interpolated between two thresholds; and the lower of the two."""
        gap = self.false_alarm - (1 - self.hit)  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        share = gap[after] / (gap[after] - gap[after - 1])
        rate = self.false_alarm[after] - share * (self.false_alarm[after] - self.false_alarm[after - 1])
        return float(rate), float(self.threshold[after])


def curve(reference: ArrayLike, scores: ArrayLike) -> Curve | None:
    """The `Curve` of scores `(frame,)`, where `reference` `(frame,)` is true at speech; None if a class is empty.

    Exact: the curve has a point for each distinct score.
    """
    truth, values = np.asarray(reference, bool), np.asarray(scores)
    if not truth.any() or truth.all():
        return None
    levels, inverse = np.unique(values, return_inverse=True)
    speech = np.bincount(inverse[truth], minlength=len(levels))[::-1]
    other = np.bincount(inverse[~truth], minlength=len(levels))[::-1]
    return from_counts(np.append(np.inf, levels[::-1]), speech, other)


def from_counts(threshold: Floats, speech: ArrayLike, other: ArrayLike) -> Curve:
    """The `Curve` of the number of frames of each class per score, from the highest down; both classes have frames."""
    hits, alarms = np.append(0, np.cumsum(speech)), np.append(0, np.cumsum(other))
    share = hits[-1] / (hits[-1] + alarms[-1])
    return Curve(threshold, hits / hits[-1], alarms / alarms[-1], float(share))


def roc_auc(reference: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve of scores `(frame,)`; NaN where `reference` `(frame,)` lacks a class."""
    found = curve(reference, scores)
    return found.roc_auc if found else float("nan")


def detection_cost(reference: ArrayLike, detected: ArrayLike, miss_weight: float = 0.75) -> float:
    """NIST's detection cost function (DCF, OpenSAT): `miss_weight` * miss + (1 - `miss_weight`) * false alarm.

    Both `(frame,)`, true at speech. Miss is the share of reference speech that is not detected,
    false alarm the share of the rest that is; NaN where the reference lacks a class.
    """
    truth, positive = np.asarray(reference, bool), np.asarray(detected, bool)
    if truth.all() or not truth.any():
        return float("nan")
    return float(miss_weight * (~positive[truth]).mean() + (1 - miss_weight) * positive[~truth].mean())


def detection_error_rate(reference: ArrayLike, detected: ArrayLike) -> float:
    """DetER: missed and false alarm frames per speech frame of the reference; NaN where it has none.

    Both `(frame,)`, true at speech (Bredin, pyannote.metrics, 2017).
    """
    truth, positive = np.asarray(reference, bool), np.asarray(detected, bool)
    return float((truth != positive).sum() / truth.sum()) if truth.any() else float("nan")


def frame_mask(segments: Iterable[Segment], frames: int, grid: Grid) -> NDArray[np.bool_]:
    """`(frames,)`, true in the frames of `segments`."""
    inside = np.zeros(frames, bool)
    for start, end in segments:
        inside[grid.to_frames(start) : grid.to_frames(end)] = True
    return inside


def mask_segments(mask: NDArray[np.bool_], grid: Grid) -> list[Segment]:
    """The segments that the true frames of `mask` `(frame,)` form, in order and apart."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [Segment(grid.to_seconds(start), grid.to_seconds(end)) for start, end in edges.reshape(-1, 2).tolist()]
