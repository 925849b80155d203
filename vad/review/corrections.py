"""What a person makes of the segments of one recording: changes, undo and redo, and the state of the work.

A change removes some stretches of a layer and adds others. Every other operation (drag an edge, split,
merge, delete, draw) is such a change, and so is its reverse.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from vad.errors import SettingError
from vad.segments import Segment, clip, invert

LAYERS = ("speech", "unsure")
STATES = ("unseen", "corrected", "done")
MOST = 200_000  # stretches in one change


class Conflict(SettingError):
    """A change of something that has changed in the meantime."""


@dataclass(frozen=True)
class Change:
    """Stretches that leave a layer and stretches that enter it."""

    layer: str
    remove: list[Segment]
    add: list[Segment]

    @property
    def reverse(self) -> Change:
        """The change that takes this one back."""
        return Change(self.layer, self.add, self.remove)

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Change:
        """From plain values; `SettingError` where they are no change."""
        if entry.get("layer") not in LAYERS:
            raise SettingError(f"layer={entry.get('layer')!r}: valid are {', '.join(LAYERS)}")
        return cls(entry["layer"], read_segments(entry.get("remove", [])), read_segments(entry.get("add", [])))

    def plain(self) -> dict[str, Any]:
        """As plain values."""
        return {"layer": self.layer, "remove": self.remove, "add": self.add}


@dataclass
class Correction:
    """The corrected segments of one recording; `version` counts the journal's entries about it."""

    version: int = 0
    state: str = "unseen"
    speech: list[Segment] = field(default_factory=list)
    unsure: list[Segment] = field(default_factory=list)
    undone: list[Change] = field(default_factory=list)
    done: list[Change] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)  # the entry that made this version

    @property
    def begun(self) -> bool:
        """Whether there are corrected segments."""
        return self.state != "unseen"

    def check(self, entry: dict[str, Any], duration: float) -> None:
        """Raise `Conflict` or `SettingError` where `apply` would make no sense of `entry`."""
        if type(version := entry.get("version")) is not int or version != self.version:
            raise Conflict(
                "this recording was changed elsewhere, in another tab perhaps; its newest state is shown now"
            )
        kind = entry["kind"]
        if kind == "begin" and self.begun:
            raise Conflict("this recording was changed in another tab; what is shown now is its newest state")
        if kind == "begin":
            _check_segments(read_segments(entry.get("segments", [])), duration)
        elif not self.begun:
            raise SettingError("nothing is corrected yet; begin with segments")
        elif kind == "change":
            change = Change.read(entry)
            _check_segments(_changed(getattr(self, change.layer), change), duration)
        elif kind == "state":
            if entry.get("state") not in STATES[1:]:
                raise SettingError(f"state={entry.get('state')!r}: valid are {', '.join(STATES[1:])}")
        elif kind == "undo" and not self.done:
            raise SettingError("nothing is left to undo")
        elif kind == "redo" and not self.undone:
            raise SettingError("nothing is left to redo")

    def apply(self, entry: dict[str, Any]) -> None:
        """Make the change that a journal's `entry` names: begin, change, undo, redo or state."""
        kind = entry["kind"]
        if kind == "begin":
            self.speech, self.state = read_segments(entry["segments"]), "corrected"
        elif kind == "state":
            self.state = entry["state"]
        else:
            self._change(kind, entry)
        self.version += 1
        self.last = entry

    def _change(self, kind: str, entry: dict[str, Any]) -> None:
        if kind == "change":
            change = Change.read(entry)
            self.done.append(change)
            self.undone.clear()
        elif kind == "undo":
            self.undone.append(self.done.pop())
            change = self.undone[-1].reverse
        else:
            change = self.undone.pop()
            self.done.append(change)
        setattr(self, change.layer, _changed(getattr(self, change.layer), change))

    def scored(self, duration: float) -> list[Segment]:
        """What is left of the recording without what is unsure."""
        return invert(clip(self.unsure, duration), duration)

    def plain(self) -> dict[str, Any]:
        """As plain values, for the page."""
        return {
            "version": self.version,
            "state": self.state,
            "speech": self.speech,
            "unsure": self.unsure,
            "undo": len(self.done),
            "redo": len(self.undone),
        }


def read_segments(values: Any) -> list[Segment]:
    """Segments of pairs of numbers, to whole milliseconds; `SettingError` where they are none."""
    try:
        if not isinstance(values, list) or len(values) > MOST:
            raise ValueError
        return [Segment(round(float(start), 3), round(float(end), 3)) for start, end in values]
    except (TypeError, ValueError) as error:
        raise SettingError("segments are pairs of seconds, [[start, end], ...]") from error


def _changed(segments: list[Segment], change: Change) -> list[Segment]:
    """`segments` with the change made; `Conflict` where one that is to be removed is not there."""
    kept = list(segments)
    for segment in change.remove:
        at = bisect.bisect_left(kept, segment)
        if at == len(kept) or kept[at] != segment:
            raise Conflict(
                f"there is no segment from {segment.start} to {segment.end} s; the newest state is shown now"
            )
        del kept[at]
    for segment in change.add:
        bisect.insort(kept, segment)
    return kept


def _check_segments(segments: Iterable[Segment], duration: float) -> None:
    """Raise `SettingError` unless the segments are in order, apart, and within the recording."""
    last = 0.0
    for start, end in segments:
        if not last <= start < end <= duration + 0.001:
            raise SettingError(f"a segment from {start} to {end} s overlaps another, or leaves the recording")
        last = end
