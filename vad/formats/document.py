"""Labels, documents (the labels of one channel of one recording), and formats."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vad.segments import Segment, merge
from vad.settings import EXTENSIONS

if TYPE_CHECKING:
    from vad.audio.resample import Channel

CLOCKED = ("text", "csv", "tsv")  # formats that can write times as people do
SPEECH = ("", "speech", "<na>")  # placeholders for a text or a speaker's name
BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
CONTROL = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"
)  # characters that harm terminals and parsers


def printable(text: str) -> str:
    """`text` on one line; characters that could harm a terminal or a parser are replaced."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def harmless(text: str) -> str:
    """`text` without control characters except line feeds; invisible characters that scripts need stay."""
    return CONTROL.sub("\ufffd", text.replace("\t", " "))


def one_line(text: str) -> str:
    """`harmless` text on one line."""
    return harmless(BREAKS.sub(" ", text)).strip()


def decimal(seconds: float) -> str:
    """A time with three decimals, or with up to six if it needs them."""
    text = f"{seconds:.6f}"
    return text[:-3] + text[-3:].rstrip("0")


class Label(NamedTuple):
    """A labelled part of one recording; integer times stay integers, as they may count samples."""

    start: float  # seconds
    end: float
    text: str = "speech"
    recording: str = ""
    channel: int | None = None
    speaker: str = ""
    tier: str = ""  # in files that have several
    markup: str = ""  # the text as WebVTT, if some of it is bold, italic or underlined
    score: float | None = None  # 0..1, of a detector
    spoken: bool = False  # a word of a transcript: speech, also if it is the name of another sound, like "music"

    @property
    def words(self) -> str:
        """The text, empty if it is only a placeholder for speech."""
        return "" if self.text.lower() in SPEECH else self.text

    @property
    def caption(self) -> str:
        """Speaker and text for formats with one place for both: `Ann: hi`, `Ann`, `hi` or `speech`."""
        return ": ".join(part for part in (self.speaker, self.words) if part) or self.text or "speech"

    @property
    def content(self) -> str:
        """The text, or else the speaker, or else `speech`."""
        return self.words or self.speaker or self.text or "speech"


@dataclass(frozen=True)
class Document:
    """The labels of one channel of one recording."""

    recording: str  # its path, as given
    channel: int | None  # from 1; None if channels were mixed
    duration: float  # seconds
    segments: list[Segment]
    label: str = "speech"
    shared: bool = False  # whether the output holds other recordings, too
    about: dict[str, Any] = field(default_factory=dict)  # model, version, settings
    first: int = 1  # the number of its first segment; above 1 if it continues another document
    speakers: tuple[str, ...] = ()  # in the order of appearance; empty if the file names none
    labels: tuple[Label, ...] = ()  # all labels of a file; `segments` are those of speech
    scores: tuple[float, ...] = ()  # of `segments`, from a detector: means over their frames without padding
    time: Callable[[float], str] = decimal  # how `CLOCKED` formats write times

    @property
    def name(self) -> str:
        """The recording's path, with characters replaced that could harm a terminal or a parser."""
        return printable(self.recording)

    @property
    def uri(self) -> str:
        """The recording's name without folder and extension, as one word, as RTTM and UEM need it."""
        path = Path(self.name)
        plain = path.stem if path.suffix.lower() in EXTENSIONS else path.name
        return "_".join(plain.replace('"', "'").split()).lstrip(";") or "_"  # ;; begins a comment

    @property
    def rows(self) -> tuple[Label, ...]:
        """The labels to write: those of a file, or else one for each segment."""
        scores: tuple[float | None, ...] = self.scores or (None,) * len(self.segments)
        pairs = zip(self.segments, scores, strict=True)
        return self.labels or tuple(Label(*span, self.label, score=score) for span, score in pairs)


def speech_of(documents: Iterable[Document], channel: Channel = "mix") -> list[Segment]:
    """The speech of all `documents`: segments in order, merged where they overlap.

    With `"mix"` that of all channels; with a number that of this channel, counted from 1, and of documents that
    belong to no channel.
    """
    wanted = (document for document in documents if not isinstance(channel, int) or document.channel in (None, channel))
    return merge(segment for document in wanted for segment in document.segments)


@dataclass(frozen=True)
class Format:
    """A label format: how it is read and written, and what it can hold.

    Every format holds segments of speech. `holds` lists what else: `text`, `speakers`, or both in
    one place (`captions`), `tiers`, and labels without a duration (`points`).
    """

    name: str
    extension: str
    read: Callable[[str], list[Document]]  # raises `FormatError` without the name of the file
    write: Callable[[Document], str]
    holds: frozenset[str] = frozenset()  # of: text, speakers, captions, points
    many: bool = True  # whether one file can hold several recordings
    numbered: bool = False  # whether channel 1 may stand for all
    head: str = ""  # first lines of every file
    brackets: tuple[str, str, str] = ("", "", "")  # around and between several recordings
    fits: Callable[[list[str]], bool] = lambda lines: False  # whether the first lines of a file look like this format
    longest: float = math.inf  # seconds that a viewer reads at once; longer speech is cut when it is detected
    unicode: bool = False  # whether a file must be Unicode
    detected: Callable[[str], bool] = lambda text: False  # whether `vad detect` wrote the file with this text

    @property
    def suffix(self) -> str:
        """The last part of the extension, in lower case."""
        return "." + self.extension.lower().rpartition(".")[2]
