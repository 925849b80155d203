"""Events of a live stream as lines of text, each flushed at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from vad.atomic import explain
from vad.errors import SettingError
from vad.events import End, Event, Start, to_json
from vad.formats import FORMATS, Document, printable
from vad.segments import Segment
from vad.settings import LIVE_FORMATS


class EventWriter:
    """Writes events to `stream`: one line of JSON for each event, or the segments alone in a label format.

    `header` is a mapping of plain values that becomes part of the first line of JSON. Raises
    `SettingError` for an unknown `kind`.
    """

    def __init__(self, stream: TextIO, kind: str, name: str, header: dict[str, Any]) -> None:
        if kind not in LIVE_FORMATS:
            raise SettingError(f"no format {kind!r} of events; valid are {', '.join(LIVE_FORMATS)}")
        self._stream, self._format, self._name = stream, FORMATS[kind], name
        self._json = kind == "jsonl"
        self._segments = 0
        self._clock = now()
        if self._json:
            head = {"event": "header", "source": printable(name), "clock": to_iso(self._clock)}
            self._put(json.dumps(head | header, ensure_ascii=False) + "\n")
        elif self._format.head:
            self._put(self._format.head)

    def write(self, events: list[Event], duration: float, files: Mapping[Segment, Path]) -> None:
        """Write `events`; `duration` is the seconds of sound received so far, `files` the sound files of segments."""
        for event in events:
            if self._json:
                line = to_json(event)
                if isinstance(event, Start):
                    line["clock"] = self._time_of_day(duration - event.time)
                elif isinstance(event, End) and event.segment in files:
                    line["file"] = str(files[event.segment])
                self._put(json.dumps(line, ensure_ascii=False) + "\n")
            elif isinstance(event, End):
                self._segments += 1
                segment = event.segment
                scores = (event.score,)
                document = Document(self._name, None, segment.end, [segment], first=self._segments, scores=scores)
                self._put(self._format.write(document))

    def _time_of_day(self, ago: float) -> str:
        """The time of day `ago` seconds before now, but never before the header or an earlier event.

        Sound that waits in a pipe, and a clock that is set while the stream runs, would make it so.
        """
        self._clock = max(self._clock, now() - timedelta(seconds=ago))
        return to_iso(self._clock)

    def _put(self, text: str) -> None:
        with explain("standard output"):
            self._stream.write(text)
            self._stream.flush()


def now() -> datetime:
    """The time of day, with the time zone."""
    return datetime.now().astimezone()


def to_iso(time: datetime) -> str:
    """`time` as ISO 8601, to the millisecond."""
    return time.isoformat(timespec="milliseconds")
