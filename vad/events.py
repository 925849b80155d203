"""What a stream says while it runs: speech starts, speech has ended, a score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from vad.segments import Segment


class Start(NamedTuple):
    """Speech has begun, for certain: an `End` with this start will follow."""

    time: float  # seconds from the beginning of the stream, padding included


class End(NamedTuple):
    """Speech has ended: the whole segment."""

    segment: Segment
    score: float  # mean over its speech, padding left out, 0..1


class Score(NamedTuple):
    """The probability of speech in one frame."""

    time: float  # seconds; where the frame begins
    score: float  # 0..1


Event = Start | End | Score


def to_json(event: Event) -> dict[str, Any]:
    """An event as plain values, to be written as a line of JSON."""
    if isinstance(event, Start):
        return {"event": "start", "time": event.time}
    if isinstance(event, End):
        start, end = event.segment
        return {"event": "end", "start": start, "end": end, "duration": round(end - start, 3), "score": event.score}
    return {"event": "score", "time": event.time, "score": round(event.score, 4)}


def segments_of(events: Iterable[Event]) -> list[Segment]:
    """The segments that `events` complete."""
    return [event.segment for event in events if isinstance(event, End)]


def clip_events(events: Iterable[Event], duration: float) -> list[Event]:
    """`events` without what reaches past `duration` seconds."""
    kept: list[Event] = []
    for event in events:
        if isinstance(event, End):
            start, end = event.segment
            if start < duration:
                kept.append(event._replace(segment=Segment(start, min(end, duration))))
        elif event.time < duration:
            kept.append(event)
    return kept
