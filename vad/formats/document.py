"""What a label format is given, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vad.errors import FormatError
from vad.segments import Segment, merge


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
    first: int = 1  # the number of its first segment, where it continues another document
    speakers: tuple[str, ...] = ()  # who speaks, in the order of appearance, where a file says so

    @property
    def name(self) -> str:
        """The recording's path, printable: what could harm a terminal or a parser is replaced."""
        return printable(self.recording)

    @property
    def uri(self) -> str:
        """The recording's name without folder and extension, in one word, as RTTM and UEM need it."""
        return "_".join(Path(self.name).stem.replace('"', "'").split()) or "_"


def speech_of(documents: Iterable[Document]) -> list[Segment]:
    """Where any of `documents` has a label: segments in order and apart."""
    return merge(segment for document in documents for segment in document.segments)


@dataclass(frozen=True)
class Format:
    """A way to write labels down; every one is read, and most are written."""

    name: str
    extension: str
    read: Callable[[str], list[Document]]  # raises FormatError, which does not name the file
    write: Callable[[Document], str] | None = None
    many: bool = True  # whether one file can hold several recordings
    head: str = ""  # begins every file
    brackets: tuple[str, str, str] = ("", "", "")  # around and between several recordings
    fits: Callable[[list[str]], bool] = lambda lines: False  # whether a file's first lines look like it
    unicode: bool = False  # whether a file can be nothing but Unicode

    def text(self, document: Document) -> str:
        """`document` written down; `FormatError` where this format is only read."""
        if not self.write:
            raise FormatError(f"{self.name} is only read, not written; choose another format")
        return self.write(document)
