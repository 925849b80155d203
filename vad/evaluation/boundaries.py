"""Segments found, missed and phantom, and how far from the reference's boundaries those found lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vad.evaluation.durations import Floats, Pieces, within

FOUND = 0.5  # share of a reference segment that must be covered


@dataclass(frozen=True)
class SegmentResult:
    """What became of the segments of a recording."""

    segments: int  # of the reference, where they count
    found: int  # of them, those of which at least `FOUND` is covered
    phantom: int  # segments of the hypothesis in which nobody speaks
    onset: Floats  # (pair,) seconds by which a start of speech was found too late; early ones are negative
    offset: Floats  # (pair,) likewise for ends


def spot(reference: Floats, hypothesis: Floats, pieces: Pieces) -> SegmentResult:
    """Compare segments `(segment, 2)`, each ordered and apart, within what `pieces` counts."""
    scored = within(pieces, reference, pieces.scored)
    covered = within(pieces, reference, pieces.scored & pieces.hypothesis)
    counting = scored > 0
    alarms = within(pieces, hypothesis, pieces.scored)
    spoken = within(pieces, hypothesis, pieces.reference)
    return SegmentResult(
        int(counting.sum()),
        int((covered[counting] >= FOUND * scored[counting] - 1e-9).sum()),
        int(((alarms > 0) & (spoken == 0)).sum()),
        boundary_errors(reference, hypothesis, pieces, 0),
        boundary_errors(reference, hypothesis, pieces, 1),
    )


def boundary_errors(reference: Floats, hypothesis: Floats, pieces: Pieces, side: int) -> Floats:
    """`(pair,)` seconds from starts (`side` 0) or ends (1) of the reference to those of the hypothesis.

    A pair are two boundaries of which each is the other's nearest, of segments that overlap. Where
    what counts begins or ends within speech, that is no boundary.
    """
    if not len(reference) or not len(hypothesis) or not len(pieces.start):
        return np.empty(0)
    times, found = reference[:, side], hypothesis[:, side]
    there, back = _nearest(times, found), _nearest(found, times)
    mutual = back[there] == np.arange(len(times))
    overlap = (reference[:, 0] < hypothesis[there, 1]) & (hypothesis[there, 0] < reference[:, 1])
    pair = mutual & overlap & _inside(times, pieces)
    errors: Floats = found[there[pair]] - times[pair]
    return errors


def _nearest(ask: Floats, ordered: Floats) -> NDArray[np.int64]:
    """For each of `ask` the index of the nearest of `ordered`."""
    after = np.searchsorted(ordered, ask).clip(1, max(len(ordered) - 1, 1))
    if len(ordered) == 1:
        return np.zeros(len(ask), np.int64)
    return np.where(ask - ordered[after - 1] <= ordered[after] - ask, after - 1, after)


def _inside(times: Floats, pieces: Pieces) -> NDArray[np.bool_]:
    """Which of `times` have scored_regions time both right before and right after them."""
    end = pieces.start + pieces.width
    after = np.searchsorted(pieces.start, times, "right") - 1
    before = np.searchsorted(end, times, "left")
    follows = (after >= 0) & (times < end[after])
    precedes = (before < len(end)) & (pieces.start[before.clip(0, len(end) - 1)] < times)
    both: NDArray[np.bool_] = follows & precedes
    return both
