"""The indices of a corpus folder: JSON lines with a region each."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vad.atomic import write
from vad.errors import RecipeError
from vad.formats.parsing import short
from vad.segments import Segment, merge

INDICES = {"speech": "speech.jsonl", "noise": "noise.jsonl", "music": "music.jsonl", "rir": "rir.jsonl"}
KEYS = {"speech.jsonl": ("file", "start", "duration", "split", "speech"), "rir.jsonl": ("file",)}  # of every line

SHORTEST = 0.1  # seconds; shorter regions are left out


@dataclass(frozen=True)
class Region:
    """A part of a sound file: with labels a line of `speech.jsonl`, without a line of the other indices."""

    file: Path
    start: float  # seconds within the file
    duration: float  # seconds
    source: str
    licence: str
    speech: tuple[Segment, ...] | None = None  # seconds from `start`; None without labels
    speaker: str = ""
    split: str = ""  # "train" or "dev"

    def line(self, folder: Path) -> dict[str, Any]:
        """As JSON; the path of the file is relative to `folder` if it is below it."""
        file, home = self.file.resolve(), folder.resolve()
        line: dict[str, Any] = {
            "file": str(file.relative_to(home) if file.is_relative_to(home) else file),
            "start": round(self.start, 3),
            "duration": round(self.duration, 3),
            "source": self.source,
            "licence": self.licence,
        }
        if self.speech is not None:
            spans = [[round(start, 3), round(end, 3)] for start, end in self.speech]
            line |= {"speaker": self.speaker, "split": self.split, "speech": spans}
        return line


def cut(segments: Iterable[Segment], start: float, end: float) -> tuple[Segment, ...]:
    """The parts of `segments` within `[start, end)`, in seconds from `start`."""
    inside = (Segment(max(s.start, start) - start, min(s.end, end) - start) for s in segments)
    return tuple(s for s in inside if s.end > s.start)


def write_index(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Write an index atomically; raises `FormatError` if that fails."""
    text = "".join(json.dumps(line) + "\n" for line in lines)  # in ASCII, so that no name of a file is beyond it
    write(path, text.encode("ascii"))


def update_index(path: Path, lines: list[dict[str, Any]]) -> None:
    """Write `lines` into an index; they replace the lines of the same sources, other lines stay."""
    sources = {line["source"] for line in lines}
    lines = sorted(lines, key=lambda line: (line["file"], line["start"]))
    write_index(path, [line for line in read_index(path, missing_ok=True) if line.get("source") not in sources] + lines)


def intersect(one: Iterable[Segment], other: Iterable[Segment]) -> list[Segment]:
    """The time in both."""
    others = list(other)
    return merge(Segment(a + s, b + s) for s, e in one for a, b in cut(others, s, e))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < math.inf


def _are_spans(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(span, list) and len(span) == 2 and all(map(_is_number, span)) and span[0] <= span[1]
        for span in value
    )


# The check for the value of each key, and what it must be.
VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("file", "split", "speaker", "source", "licence"), (_is_text, "a text")),
    **dict.fromkeys(("start", "duration", "seconds", "agree", "teacher_speech"), (_is_number, "a number of 0 or more")),
    "speech": (_are_spans, "a list of [start, end] in seconds"),
}


def read_index(path: Path, missing_ok: bool = False) -> list[dict[str, Any]]:
    """The lines of an index; raises `RecipeError` if it is missing, no JSON lines, or a key is missing or wrong."""
    if missing_ok and not path.exists():
        return []
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; a corpus folder holds this index") from error
    except ValueError as error:
        raise RecipeError(f"{path}: not JSON lines ({error})") from error
    for number, line in enumerate(lines, 1):
        for key in KEYS.get(path.name, ("file", "start", "duration")):
            if not isinstance(line, dict) or key not in line:
                raise RecipeError(f"{path}: line {number} has no {key!r}")
        for key, (fits, what) in VALUES.items():
            if key in line and not fits(line[key]):
                raise RecipeError(f"{path}: line {number} has {key} = {short(line[key])}; it must be {what}")
    return lines
