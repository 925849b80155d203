"""The map from a cut file to its original, and labels moved from the one to the other."""

from __future__ import annotations

import bisect
import itertools
import json
import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from vad.errors import FormatError
from vad.formats import Document, Label
from vad.formats.parsing import ROUNDING, build_documents, short

TOLERANCE = 0.1  # seconds after the end of a recording at which its labels may begin


class Piece(NamedTuple):
    """`[start, end)` of the original, which begins at `at` in the cut file; all in seconds."""

    start: float
    end: float
    at: float

    @property
    def until(self) -> float:
        """Where it ends in the cut file."""
        return self.at + self.end - self.start


@dataclass(frozen=True)
class TimeMap:
    """The pieces of the original that a cut file consists of."""

    original: str  # its path, as the user named it
    original_duration: float  # seconds
    cut: str
    cut_duration: float
    pieces: list[Piece]  # at least one, in order in both files

    def to_json(self) -> str:
        """The content of the `.map.json` file."""
        content = {
            "original": {"file": self.original, "duration": self.original_duration},
            "cut": {"file": self.cut, "duration": self.cut_duration},
            "pieces": [piece._asdict() for piece in self.pieces],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def to_original(self, start: float, end: float) -> list[Piece]:
        """The parts of the original in `[start, end)` of the cut file, one for each piece that it touches."""
        first = max(0, bisect.bisect_right(self.pieces, start, key=operator.itemgetter(2)) - 1)
        parts = []
        for number in range(first, len(self.pieces)):
            piece = self.pieces[number]
            if piece.at >= end > start or piece.at > end:
                break
            a, b = max(start, piece.at), min(end, piece.until)
            if b > a + ROUNDING or (b == a == start == end):
                parts.append(Piece(round(piece.start + a - piece.at, 6), round(piece.start + b - piece.at, 6), a))
        return parts


def read_map(path: Path) -> TimeMap:
    """Read the time map that `vad trim` wrote; `FormatError` where the file is not one."""
    try:
        content = json.loads(path.read_text("utf-8"))
        pieces = [Piece(*(_time(piece[name]) for name in Piece._fields)) for piece in content["pieces"]]
        names = (str(content["original"]["file"]), str(content["cut"]["file"]))
        durations = (_time(content["original"]["duration"]), _time(content["cut"]["duration"]))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: not a time map; give the one that `vad trim` wrote beside the cut file") from error
    in_cut = [time for piece in pieces for time in (piece.at, piece.until)]
    in_original = [time for piece in pieces for time in (piece.start, piece.end)]
    if not pieces or not _rises(in_cut) or not _rises(in_original):
        raise FormatError(f"{path}: a damaged time map: its pieces are not in order; run `vad trim` again")
    return TimeMap(names[0], durations[0], names[1], durations[1], pieces)


def _rises(times: list[float]) -> bool:
    """Whether no time is earlier than the one before it, apart from rounding."""
    return all(later > earlier - ROUNDING for earlier, later in itertools.pairwise(times))


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError
    return float(value)


def select(found: list[Document], time_map: TimeMap, path: Path) -> list[Document]:
    """The documents, one per channel, that belong to the cut file; `FormatError` where there are none."""
    named = [one for one in found if _plain(one.recording) == _plain(time_map.cut)]
    chosen = named or [one for one in found if not one.recording] or found
    names = sorted({one.recording for one in chosen})
    if len(names) > 1:
        raise FormatError(f"{path}: names {', '.join(map(short, names[:3]))}, but not {time_map.cut}")
    begin = max((label.start for one in chosen for label in one.labels), default=0.0)
    if begin > time_map.cut_duration + TOLERANCE:
        raise FormatError(
            f"{path}: has a label at {begin:g} s, after the end of {time_map.cut} ({time_map.cut_duration:g} s); "
            "the map belongs to other labels"
        )
    return chosen


def _plain(name: str) -> str:
    """The name of a recording in formats that allow no spaces."""
    return Document(name, None, 0.0, []).uri if name else ""


class Remapped(NamedTuple):
    """Labels on the times of the original."""

    document: Document
    lost: int  # labels outside of all pieces


def remap(document: Document, time_map: TimeMap, whole: bool | None = None) -> Remapped:
    """Move labels of the cut file to the times of the original.

    With `whole`, a label over several pieces stays one label, which covers what was cut out between
    them; otherwise it is divided. With None, labels with a text stay whole.
    """
    lost = 0

    def labels() -> Iterator[Label]:
        nonlocal lost
        for label in document.rows:
            parts = time_map.to_original(label.start, label.end)
            lost += not parts
            if parts and (whole or (whole is None and label.words)):
                parts = [Piece(parts[0].start, parts[-1].end, parts[0].at)]
            for part in parts:
                yield label._replace(start=part.start, end=part.end, recording="", channel=None)

    (moved,) = build_documents(labels(), duration=time_map.original_duration)
    named = replace(moved, recording=time_map.original, channel=document.channel)
    return Remapped(named, lost)
