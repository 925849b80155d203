"""Label formats, one file each (a family that differs by a character shares one)."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, printable, speech_of
from vad.formats.encoding import read_text

# Each is called so in capitals, in the file of its name or the one named below.
_NAMES = "text json jsonl csv tsv rttm textgrid audacity srt vtt lab uem elan ctm kaldi lhotse pyannote"
_FILES = {"tsv": "csv", "srt": "subtitles", "vtt": "subtitles"}
# Where the extension says little, the content decides, the more peculiar formats first.
_BY_CONTENT = "vtt srt textgrid elan jsonl json rttm ctm uem kaldi csv tsv text"
VAGUE = {".txt", ".json", ".jsonl"}


class _Formats(Mapping[str, Format]):
    """The formats by name, each loaded when it is asked for: all of them would be a tenth of a short run."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)

    def __getitem__(self, name: str) -> Format:
        if name not in self._names:
            raise KeyError(name)
        found: Format = getattr(importlib.import_module(f"vad.formats.{_FILES.get(name, name)}"), name.upper())
        return found

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
    """What a file holds, and in which format."""

    format: Format
    documents: list[Document]  # at least one


def by_extension(path: Path) -> Format:
    """The format to write that a file name asks for, by its longest extension; `.txt` is plain text.

    Raises `FormatError` naming the valid extensions where it asks for none of them.
    """
    fitting = [f for f in FORMATS.values() if path.name.lower().endswith(f.extension.lower()) and path.suffix]
    if not fitting:
        valid = ", ".join(dict.fromkeys(f.extension for f in FORMATS.values()))
        raise FormatError(f"{path}: no label format has this extension ({valid}); name the format")
    return max(fitting, key=lambda f: len(f.extension))


def holds_labels(path: Path, format: str | None = None) -> bool:
    """Whether a file is called as label files are, or as those of one format."""
    kinds = [FORMATS[format]] if format and format in FORMATS else FORMATS.values()
    return _extension(path) in {kind.suffix for kind in kinds}


def _extension(path: Path) -> str:
    """The last extension without that of gzip, or the name, if that is all: Kaldi's `segments`."""
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return (inner.suffix or f".{inner.name}").lower()


def read_labels(path: Path, format: str | None = None) -> list[Document]:
    """The labels in a file: a document for each channel of each recording that it names, at least one.

    `format` is one of `FORMATS`; without it the extension says it, and where that is unknown or
    shared by several formats, the content. The name of a recording is as the file gives it, empty
    where the format gives none. A document's `labels` are all that the file says, in order; its
    `segments` are in order and apart from each other: labels that overlap or touch are one stretch
    of speech, labels of non-speech are left out. The duration is the end of the last label where
    the file does not say it.

    Raises `FormatError` of one line that names the file where it cannot be read, or is not what it
    should be.
    """
    return load(path, format).documents


def load(source: Path | BinaryIO, format: str | None = None) -> Labels:
    """What `read_labels` gives, of a file or of an open one, and the format that it was."""
    path = source if isinstance(source, Path) else Path("standard input")
    if format is not None and format not in FORMATS:
        raise FormatError(f"{path}: there is no label format {format}; choose of {', '.join(FORMATS)}")
    try:
        text, unicode = read_text(source)
        kind = FORMATS[format] if format else _recognise(path, text)
        if kind.unicode and not unicode:
            raise FormatError(f"is not UTF-8, as {kind.name} must be; save it as UTF-8")
        return Labels(kind, kind.read(text))
    except RecursionError as error:
        raise FormatError(printable(f"{path}: is nested too deeply to hold labels")) from error
    except FormatError as error:
        raise FormatError(printable(f"{path}: {error}")) from error


def _recognise(path: Path, text: str) -> Format:
    """The format by the extension, else by the content."""
    extension = _extension(path)
    known = next((f for f in FORMATS.values() if f.extension.lower() == extension), None)
    if known and extension not in VAGUE:
        return known
    lines = [line for line in text[:100_000].split("\n") if line.strip() and not line.startswith(";;")][:5]
    found = next((FORMATS[name] for name in _BY_CONTENT.split() if FORMATS[name].fits(lines)), known)
    if not found:
        raise FormatError(f"is of no known label format; say which it is: {', '.join(FORMATS)}")
    return found
