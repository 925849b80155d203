from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from vad.segments import Segment, clip, invert, merge, total


@st.composite
def apart(draw: st.DrawFn) -> tuple[list[Segment], float]:
    """Ordered segments with a pause between any two, and a duration that holds them."""
    edges = sorted(draw(st.sets(st.integers(0, 100_000), max_size=20)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    segments = [Segment(start / 1000, end / 1000) for start, end in pairs]
    return segments, (edges[-1] if edges else 0) / 1000 + draw(st.sampled_from([0.0, 0.001, 7.0]))


def test_a_segment_is_a_pair_with_a_duration() -> None:
    start, end = Segment(1.5, 4.0)
    assert (start, end, Segment(1.5, 4.0).duration) == (1.5, 4.0, 2.5)


def test_invert_gives_the_gaps_before_between_and_after() -> None:
    assert invert([Segment(1, 2), Segment(3, 4)], 5) == [(0, 1), (2, 3), (4, 5)]


def test_invert_gives_no_empty_gaps() -> None:
    assert invert([Segment(0, 2), Segment(2, 4)], 4) == []
    assert invert([], 0.0) == []


def test_invert_of_nothing_is_everything() -> None:
    assert invert([], 3.0) == [Segment(0.0, 3.0)]


@given(apart())
def test_inverting_twice_gives_the_segments_back(given: tuple[list[Segment], float]) -> None:
    segments, duration = given
    assert invert(invert(segments, duration), duration) == segments


@given(apart())
def test_segments_and_their_inverse_fill_the_recording(given: tuple[list[Segment], float]) -> None:
    segments, duration = given
    inverse = invert(segments, duration)
    assert abs(total(segments) + total(inverse) - duration) < 0.0011
    both = sorted(segments + inverse)
    assert all(a.end == b.start for a, b in itertools.pairwise(both))


def test_clip_shortens_and_removes_segments_beyond_the_duration() -> None:
    assert clip([Segment(0, 1), Segment(2, 4), Segment(5, 6)], 3) == [Segment(0, 1), Segment(2, 3)]
    assert clip([Segment(0, 1), Segment(1, 2)], 1) == [Segment(0, 1)]


def test_total_is_the_sum_rounded_to_milliseconds() -> None:
    assert total([Segment(0.1, 0.3), Segment(0.7, 0.8)]) == 0.3
    assert total([]) == 0


def test_merge_joins_segments_that_overlap_touch_or_are_near() -> None:
    spans = [Segment(3, 4), Segment(0, 2), Segment(1, 1.5), Segment(2, 2.5), Segment(2.8, 2.9)]
    assert merge(spans) == [Segment(0, 2.5), Segment(2.8, 2.9), Segment(3, 4)]
    assert merge(spans, gap=0.31) == [Segment(0, 4)]
    assert merge([]) == []
