"""The events of a stream: speech starts, speech has ended, the score of a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from vad.segments import Segment


class Start(NamedTuple):
    """Speech has started: an `End` with this start will follow."""

    time: float  # seconds from the start of the stream, padding included


class End(NamedTuple):
    """Speech has ended: the complete segment."""

    segment: Segment
    score: float  # mean over its frames without padding, 0..1


class Score(NamedTuple):
    """The probability of speech in one frame."""

    time: float  # start of the frame in seconds
    score: float  # 0..1


Event = Start | End | Score


def to_json(event: Event) -> dict[str, Any]:
    """An event as values for a line of JSON; times in seconds."""
    if isinstance(event, Start):
        return {"event": "start", "time": event.time}
    if isinstance(event, End):
        start, end = event.segment
        return {"event": "end", "start": start, "end": end, "duration": round(end - start, 3), "score": event.score}
    return {"event": "score", "time": event.time, "score": round(event.score, 4)}


def segments_of(events: Iterable[Event]) -> list[Segment]:
    """The segments of the `End` events."""
    return [event.segment for event in events if isinstance(event, End)]


def clip_events(events: Iterable[Event], duration: float) -> list[Event]:
    """`events` before `duration` seconds, and all scores; a segment that is longer ends there."""
    kept: list[Event] = []
    for event in events:
        if isinstance(event, End):
            start, end = event.segment
            if start < duration:
                kept.append(event._replace(segment=Segment(start, min(end, duration))))
        elif isinstance(event, Score) or event.time < duration:
            kept.append(event)
    return kept
