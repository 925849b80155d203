"""What a label format is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vad.segments import Segment


def printable(text: str) -> str:
    """`text` on one line, without what could harm a terminal or a parser."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


@dataclass(frozen=True)
class Document:
    """The labels of one channel of one recording."""

    recording: str  # its path, as it was named
    channel: int | None  # counted from 1; None where channels were mixed
    duration: float  # seconds
    segments: list[Segment]
    label: str = "speech"
    shared: bool = False  # whether other recordings stand in the same output
    about: dict[str, Any] = field(default_factory=dict)  # model, version, settings

    @property
    def name(self) -> str:
        """The recording's path, printable: what could harm a terminal or a parser is replaced."""
        return printable(self.recording)

    @property
    def uri(self) -> str:
        """The recording's name without folder and extension, in one word, as RTTM and UEM need it."""
        return "_".join(Path(self.name).stem.replace('"', "'").split()) or "_"


@dataclass(frozen=True)
class Format:
    """A way to write labels down."""

    name: str
    extension: str
    write: Callable[[Document], str]
    many: bool = True  # whether one file can hold several recordings
    head: str = ""  # begins every file
    brackets: tuple[str, str, str] = ("", "", "")  # around and between several recordings
