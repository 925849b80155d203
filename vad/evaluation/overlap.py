"""How long reference and hypothesis agree and differ: exact arithmetic on segments, without frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vad.segments import Segment

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """The scored regions, cut at every boundary of reference, hypothesis and collar; `(piece,)` each, in order."""

    start: Floats  # seconds
    width: Floats  # seconds
    reference: NDArray[np.bool_]  # whether the piece is speech in the reference
    hypothesis: NDArray[np.bool_]  # whether it is speech in the hypothesis
    scored: NDArray[np.bool_]  # False within the collar of a reference boundary

    def seconds(self, which: NDArray[np.bool_]) -> float:
        """The total length of the scored pieces that the mask `which` `(piece,)` selects."""
        return float(self.width[which & self.scored].sum())

    @property
    def confusion(self) -> Floats:
        """`(4,)` seconds: hit, miss, false alarm, correct rejection."""
        r, h = self.reference, self.hypothesis
        return np.array([self.seconds(which) for which in (r & h, r & ~h, ~r & h, ~r & ~h)])


def to_spans(segments: Sequence[Segment]) -> Floats:
    """`(segment, 2)`: starts and ends in seconds."""
    return np.fromiter(itertools.chain.from_iterable(segments), float, 2 * len(segments)).reshape(-1, 2)


def cut_pieces(reference: Floats, hypothesis: Floats, regions: Floats, collar: float = 0.0) -> Pieces:
    """Cut the scored `regions` at every boundary; all three timelines are `(segment, 2)` in seconds.

    Time within `collar` seconds before and after a reference boundary is not scored.
    A sweep over all boundaries in order: `n log n` for `n` segments.
    """
    edges = reference.reshape(-1)
    collars = np.stack([edges - collar, edges + collar], 1) if collar else np.empty((0, 2))
    timelines = [reference, hypothesis, regions, collars]
    times = np.concatenate([one.T.reshape(-1) for one in timelines])
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    inside = []
    at = 0
    for one in timelines:
        steps = np.zeros(len(times), np.int64)
        steps[at : at + len(one)] = 1
        steps[at + len(one) : at + 2 * len(one)] = -1
        at += 2 * len(one)
        inside.append(np.cumsum(steps[order])[:-1] > 0)
    width = np.diff(ordered)
    keep = (width > 0) & inside[2]
    in_reference, in_hypothesis, in_collar = (inside[number][keep] for number in (0, 1, 3))
    return Pieces(ordered[:-1][keep], width[keep], in_reference, in_hypothesis, ~in_collar)


def seconds_within(pieces: Pieces, spans: Floats, which: NDArray[np.bool_]) -> Floats:
    """`(segment,)`: how many seconds of each of the ordered `spans` `(segment, 2)` the pieces in `which` cover."""
    starts, ends = spans.T
    owner = np.searchsorted(starts, pieces.start, "right") - 1
    inside = which & (owner >= 0)
    inside[inside] = pieces.start[inside] < ends[owner[inside]]
    sums: Floats = np.bincount(owner[inside], pieces.width[inside], len(starts)).astype(float)
    return sums
