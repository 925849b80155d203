"""Label formats, a file for each; formats that differ in a separator share one."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, printable, speech_of
from vad.formats.encoding import read_text

# A format `x` is the constant `X` of the module `x`, or of the module named here.
_NAMES = "text json jsonl csv tsv rttm textgrid audacity srt vtt lab uem elan ctm kaldi lhotse pyannote"
_FILES = {"tsv": "csv", "srt": "subtitles", "vtt": "subtitles"}
# If the extension does not decide, the content does; formats with the clearest marks come first.
_BY_CONTENT = "vtt srt textgrid elan jsonl json rttm ctm uem kaldi csv tsv text"
AMBIGUOUS = {".txt", ".json", ".jsonl"}


class _Formats(Mapping[str, Format]):
    """The formats by name, each imported on first use: to import all takes a tenth of a short run."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names, self._imported = tuple(names), dict[str, Format]()

    def __getitem__(self, name: str) -> Format:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._imported:
            module = importlib.import_module(f"vad.formats.{_FILES.get(name, name)}")
            self._imported[name] = getattr(module, name.upper())
        return self._imported[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


FORMATS = _Formats(_NAMES.split())

__all__ = [
    "FORMATS",
    "Document",
    "Format",
    "Label",
    "Labels",
    "by_extension",
    "holds_labels",
    "load",
    "printable",
    "read_labels",
    "speech_of",
]


class Labels(NamedTuple):
    """The labels of a file, and its format."""

    format: Format
    documents: list[Document]  # at least one
    detected: bool = False  # whether the file says that a detector of this package wrote it

    @property
    def channels(self) -> list[int | None]:
        """The channel of each document; None for channel 1 where the format must number it and there is no other."""
        counts = Counter(document.recording for document in self.documents)
        alone = [self.format.numbered and d.channel == 1 and counts[d.recording] == 1 for d in self.documents]
        return [None if lone else d.channel for lone, d in zip(alone, self.documents, strict=True)]

    @property
    def of_channels(self) -> list[Document]:
        """The documents with their `channels`."""
        return [replace(one, channel=channel) for one, channel in zip(self.documents, self.channels, strict=True)]


def by_extension(path: Path) -> Format:
    """The format to write, chosen by the longest extension of a file name; `.txt` is plain text.

    Raises `FormatError`, which lists the valid extensions, if the name has none of them.
    """
    fitting = [f for f in FORMATS.values() if path.name.lower().endswith(f.extension.lower()) and path.suffix]
    if not fitting:
        valid = ", ".join(dict.fromkeys(f.extension for f in FORMATS.values()))
        raise FormatError(f"{path}: no label format has this extension ({valid}); name the format")
    return max(fitting, key=lambda f: len(f.extension))


def holds_labels(path: Path, format: str | None = None) -> bool:
    """Whether a file has the extension of a label format, or of `format`."""
    kinds = [FORMATS[format]] if format and format in FORMATS else FORMATS.values()
    return _extension(path) in {kind.suffix for kind in kinds}


def _extension(path: Path) -> str:
    """The last extension except `.gz`; for a name without extension, like Kaldi's `segments`, a dot and the name."""
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return (inner.suffix or f".{inner.name}").lower()


def read_labels(path: Path, format: str | None = None) -> list[Document]:
    """Read a label file: a document for each channel of each recording, at least one.

    `format` is one of `FORMATS`. The default is the format of the extension or, if that is unknown
    or several formats share it, of the content. A recording has the name that the file gives it,
    empty if it gives none. The `labels` of a document are all labels of the file, in order; its
    `segments` are in order and do not overlap: labels of speech that overlap or touch are merged,
    labels of other sounds are left out. The duration is the end of the last label, unless the file
    states it.

    Raises `FormatError`, one line that names the file, if the file cannot be read or is damaged.
    """
    return load(path, format).documents


def load(source: Path | BinaryIO, format: str | None = None) -> Labels:
    """Read a file, or an open one, like `read_labels`; also returns the format."""
    path = source if isinstance(source, Path) else Path("standard input")
    if format is not None and format not in FORMATS:
        raise FormatError(f"{path}: there is no label format {format}; choose one of {', '.join(FORMATS)}")
    try:
        text, unicode = read_text(source)
        kind = FORMATS[format] if format else _recognise(path, text)
        if kind.unicode and not unicode:
            raise FormatError(f"is not UTF-8, as {kind.name} must be; save it as UTF-8")
        return Labels(kind, kind.read(text), kind.detected(text))
    except RecursionError as error:
        raise FormatError(printable(f"{path}: is nested too deeply to hold labels")) from error
    except FormatError as error:
        raise FormatError(printable(f"{path}: {error}")) from error


def _recognise(path: Path, text: str) -> Format:
    """The format of the extension, else of the content."""
    extension = _extension(path)
    known = next((f for f in FORMATS.values() if f.extension.lower() == extension), None)
    if known and extension not in AMBIGUOUS:
        return known
    lines = [line for line in text[:100_000].split("\n") if line.strip() and not line.startswith(";;")][:5]
    found = next((FORMATS[name] for name in _BY_CONTENT.split() if FORMATS[name].fits(lines)), known)
    if not found:
        raise FormatError(f"has no known label format; name the format: {', '.join(FORMATS)}")
    return found
