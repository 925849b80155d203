"""What a label format is given, and what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vad.segments import Segment, merge
from vad.settings import EXTENSIONS

SPEECH = ("", "speech", "<na>")  # what stands in the place of a text or a speaker's name and is none
BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
HARMFUL = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # to terminals, to parsers, in XML


def printable(text: str) -> str:
    """`text` on one line, without what could harm a terminal or a parser."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def harmless(text: str) -> str:
    """`text` without control characters but line feeds; what scripts need to be written stays."""
    return HARMFUL.sub("\ufffd", text.replace("\t", " "))


def one_line(text: str) -> str:
    """`harmless` text on one line."""
    return harmless(BREAKS.sub(" ", text)).strip()


def decimal(seconds: float) -> str:
    """A time with three decimals, or up to six where it has them."""
    text = f"{seconds:.6f}"
    return text[:-3] + text[-3:].rstrip("0")


class Label(NamedTuple):
    """A labelled stretch of one recording; whole numbers stay whole, as they may count samples."""

    start: float  # seconds
    end: float
    text: str = "speech"
    recording: str = ""
    channel: int | None = None
    speaker: str = ""
    tier: str = ""  # where the file has several beside each other
    markup: str = ""  # the text as WebVTT has it, where some of it is bold, italic or underlined

    @property
    def words(self) -> str:
        """The text, empty where it says no more than that there is speech."""
        return "" if self.text.lower() in SPEECH else self.text

    @property
    def caption(self) -> str:
        """Who speaks and what, for formats that have one place for both: `Ann: hi`, `Ann`, `hi` or `speech`."""
        return ": ".join(part for part in (self.speaker, self.words) if part) or self.text or "speech"

    @property
    def content(self) -> str:
        """What is said, or else by whom, or else that there is speech."""
        return self.words or self.speaker or self.text or "speech"


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
    labels: tuple[Label, ...] = ()  # what a file says, of which `segments` are the speech

    @property
    def name(self) -> str:
        """The recording's path, printable: what could harm a terminal or a parser is replaced."""
        return printable(self.recording)

    @property
    def uri(self) -> str:
        """The recording's name without folder and extension, in one word, as RTTM and UEM need it."""
        path = Path(self.name)
        plain = path.stem if path.suffix.lower() in EXTENSIONS else path.name
        return "_".join(plain.replace('"', "'").split()).lstrip(";") or "_"  # ;; begins a comment

    @property
    def rows(self) -> tuple[Label, ...]:
        """What to write: the labels that a file gave, or else one for each segment."""
        return self.labels or tuple(Label(start, end, self.label) for start, end in self.segments)


def speech_of(documents: Iterable[Document]) -> list[Segment]:
    """Where any of `documents` has a label: segments in order and apart."""
    return merge(segment for document in documents for segment in document.segments)


@dataclass(frozen=True)
class Format:
    """A way to write labels down.

    It `holds` speech, and may hold more: `text`, `speakers`, or both in one place (`captions`), and
    labels without a duration (`points`).
    """

    name: str
    extension: str
    read: Callable[[str], list[Document]]  # raises FormatError, which does not name the file
    write: Callable[[Document], str]
    holds: frozenset[str] = frozenset()  # of: text, speakers, captions, points
    many: bool = True  # whether one file can hold several recordings
    numbered: bool = False  # whether channel 1 may stand for all
    head: str = ""  # begins every file
    brackets: tuple[str, str, str] = ("", "", "")  # around and between several recordings
    fits: Callable[[list[str]], bool] = lambda lines: False  # whether a file's first lines look like it
    unicode: bool = False  # whether a file can be nothing but Unicode

    @property
    def suffix(self) -> str:
        """The last part of the extension, in small letters."""
        return "." + self.extension.lower().rpartition(".")[2]
