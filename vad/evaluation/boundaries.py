"""Segments hit, missed and falsely detected, and how far the boundaries of hits lie from the reference's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vad.evaluation.overlap import Floats, Pieces, seconds_within

HIT_COVERAGE = 0.5  # share of a reference segment that the hypothesis must cover for a hit


@dataclass(frozen=True)
class SegmentResult:
    """The segments of one recording, compared."""

    reference: int  # reference segments with scored time
    hits: int  # reference segments of which the hypothesis covers at least `HIT_COVERAGE`
    false_alarms: int  # hypothesis segments that overlap no speech of the reference
    onset_errors: Floats  # (pair,) seconds from a reference start to the detected one; negative if detected early
    offset_errors: Floats  # (pair,) the same for ends


def match_segments(reference: Floats, hypothesis: Floats, pieces: Pieces) -> SegmentResult:
    """Compare segments `(segment, 2)`, in order and without overlap, within the scored pieces."""
    scored = seconds_within(pieces, reference, pieces.scored)
    covered = seconds_within(pieces, reference, pieces.scored & pieces.hypothesis)
    in_reference = scored > 0
    detected = seconds_within(pieces, hypothesis, pieces.scored)
    speech = seconds_within(pieces, hypothesis, pieces.reference)
    return SegmentResult(
        int(in_reference.sum()),
        int((covered[in_reference] >= HIT_COVERAGE * scored[in_reference] - 1e-9).sum()),
        int(((detected > 0) & (speech == 0)).sum()),
        boundary_errors(reference, hypothesis, pieces, 0),
        boundary_errors(reference, hypothesis, pieces, 1),
    )


def boundary_errors(reference: Floats, hypothesis: Floats, pieces: Pieces, side: int) -> Floats:
    """`(pair,)` seconds from starts (`side` 0) or ends (1) of the reference to those of the hypothesis.

    Two boundaries are a pair if each is the other's nearest and their segments overlap. The edge of
    a scored region within speech is not a boundary.
    """
    if not len(reference) or not len(hypothesis) or not len(pieces.start):
        return np.empty(0)
    ours, theirs = reference[:, side], hypothesis[:, side]
    nearest, back = _nearest(ours, theirs), _nearest(theirs, ours)
    mutual = back[nearest] == np.arange(len(ours))
    overlap = (reference[:, 0] < hypothesis[nearest, 1]) & (hypothesis[nearest, 0] < reference[:, 1])
    pair = mutual & overlap & _inside(ours, pieces)
    errors: Floats = theirs[nearest[pair]] - ours[pair]
    return errors


def _nearest(times: Floats, ordered: Floats) -> NDArray[np.int64]:
    """For each of `times` the index of the nearest of `ordered`."""
    after = np.searchsorted(ordered, times).clip(1, max(len(ordered) - 1, 1))
    if len(ordered) == 1:
        return np.zeros(len(times), np.int64)
    return np.where(times - ordered[after - 1] <= ordered[after] - times, after - 1, after)


def _inside(times: Floats, pieces: Pieces) -> NDArray[np.bool_]:
    """Which of `times` have scored time both right before and right after them."""
    end = pieces.start + pieces.width
    after = np.searchsorted(pieces.start, times, "right") - 1
    before = np.searchsorted(end, times, "left")
    follows = (after >= 0) & (times < end[after])
    precedes = (before < len(end)) & (pieces.start[before.clip(0, len(end) - 1)] < times)
    both: NDArray[np.bool_] = follows & precedes
    return both
