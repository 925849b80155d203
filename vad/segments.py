"""Segments of time, and operations on lists of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Segment(NamedTuple):
    """A segment of time, most often of speech: `[start, end)` in seconds from the start of the recording."""

    start: float
    end: float

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


def invert(segments: Iterable[Segment], duration: float) -> list[Segment]:
    """The gaps that ordered `segments` without overlap leave in `[0, duration)`, in seconds."""
    gaps, at = [], 0.0
    for start, end in segments:
        if start > at:
            gaps.append(Segment(at, start))
        at = end
    if duration > at:
        gaps.append(Segment(at, duration))
    return gaps


def merge(segments: Iterable[Segment], gap: float = 0.0) -> list[Segment]:
    """`segments` in order; those that overlap, touch or are at most `gap` seconds apart become one."""
    merged: list[Segment] = []
    for segment in sorted(segments):
        if merged and segment.start <= merged[-1].end + gap:
            if segment.end > merged[-1].end:
                merged[-1] = Segment(merged[-1].start, segment.end)
        else:
            merged.append(segment)
    return merged


def pad(segments: Iterable[Segment], before: float, after: float) -> list[Segment]:
    """`segments` that start `before` seconds earlier and end `after` seconds later; those that meet become one."""
    return merge(Segment(max(0.0, start - before), end + after) for start, end in segments)


def drop(segments: Iterable[Segment], shortest: float) -> list[Segment]:
    """`segments` without those shorter than `shortest` seconds."""
    return [s for s in segments if s.duration >= shortest - 1e-9]


def clip(segments: Iterable[Segment], duration: float) -> list[Segment]:
    """`segments` cut off at `duration` seconds."""
    return [s if s.end <= duration else Segment(s.start, duration) for s in segments if s.start < duration]


def total(segments: Iterable[Segment]) -> float:
    """The sum of the durations in seconds, rounded to the millisecond."""
    return round(sum(s.duration for s in segments), 3)
