"""Subtitles with a cue per segment: SubRip (SRT) and WebVTT.

They are read here: the packages srt and webvtt-py are the referees in the tests, but a damaged
file of a few kilobytes keeps the one busy for minutes, and the other needs 14 s for a million cues.
"""

import re
from collections.abc import Iterator

from vad.errors import FormatError
from vad.formats.document import Document, Format
from vad.formats.labels import Label, documents, stretch

CLOCK = r"(?:([0-9]+):)?([0-9]{1,2}):([0-9]{1,2}(?:[.,][0-9]*)?)"
CUE = re.compile(rf"\s*{CLOCK}\s*-->\s*{CLOCK}(?:\s.*)?")
TAG = re.compile("<[^<>]*>")


def write_srt(document: Document) -> str:
    return "".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{document.label}\n\n"
        for number, (start, end) in enumerate(document.segments, document.first)
    )


def write_vtt(document: Document) -> str:
    return "".join(
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{document.label}\n\n" for start, end in document.segments
    )


def _clock(seconds: float, point: str) -> str:
    """`HH:MM:SS.mmm`, the hours with more digits where they need them."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def read_srt(text: str) -> list[Document]:
    if text.strip() and "-->" not in text:
        raise FormatError("has no line like 00:00:01,500 --> 00:00:02,000")
    return documents(_cues(text.split("\n")))


def read_vtt(text: str) -> list[Document]:
    if not text.startswith("WEBVTT"):
        raise FormatError("line 1: WebVTT begins with WEBVTT")
    return documents(_cues(text.split("\n")))


def _cues(lines: list[str]) -> Iterator[Label]:
    """A label per line with `-->`; what follows up to a blank line is its text."""
    begun: tuple[float, float] | None = None
    content: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if "-->" in line:
            if begun:  # a cue without a blank line at its end
                yield Label(*begun, " ".join(content))
            begun, content = _times(line, number), []
        elif begun and not line.strip():
            yield Label(*begun, " ".join(content))
            begun = None
        elif begun:
            content.append(TAG.sub("", line))


def _times(line: str, number: int) -> tuple[float, float]:
    match = CUE.fullmatch(line)
    if not match:
        raise FormatError(f"line {number}: times are written 00:00:01,500 --> 00:00:02,000")
    times = [float(part.replace(",", ".") if part else 0) for part in match.groups()]
    try:
        return stretch(*(3600 * hours + 60 * minutes + rest for hours, minutes, rest in (times[:3], times[3:])))
    except FormatError as error:
        raise FormatError(f"line {number}: {error}") from error


def fits(lines: list[str]) -> bool:
    return any("-->" in line for line in lines[:2])


def fits_vtt(lines: list[str]) -> bool:
    return bool(lines) and lines[0].startswith("WEBVTT")


SRT = Format("srt", ".srt", read_srt, write_srt, many=False, fits=fits)
VTT = Format("vtt", ".vtt", read_vtt, write_vtt, many=False, head="WEBVTT\n\n", fits=fits_vtt)
