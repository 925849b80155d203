"""Label formats, one file each (a family that differs by a character shares one)."""

from __future__ import annotations

from pathlib import Path

from vad.errors import FormatError
from vad.formats.audacity import AUDACITY
from vad.formats.csv import CSV, TSV
from vad.formats.document import Document, Format, printable
from vad.formats.json import JSON
from vad.formats.jsonl import JSONL
from vad.formats.lab import LAB
from vad.formats.rttm import RTTM
from vad.formats.subtitles import SRT, VTT
from vad.formats.text import TEXT
from vad.formats.textgrid import TEXTGRID
from vad.formats.uem import UEM

FORMATS: dict[str, Format] = {
    f.name: f for f in (TEXT, JSON, JSONL, CSV, TSV, RTTM, TEXTGRID, AUDACITY, SRT, VTT, LAB, UEM)
}

__all__ = ["FORMATS", "Document", "Format", "by_extension", "printable"]


def by_extension(path: Path) -> Format:
    """The format that a file name asks for; `.txt` is plain text.

    Raises `FormatError` naming the valid extensions where it asks for none of them.
    """
    for known in FORMATS.values():
        if known.extension.lower() == path.suffix.lower():
            return known
    valid = ", ".join(dict.fromkeys(f.extension for f in FORMATS.values()))
    raise FormatError(f"{path}: no label format has this extension ({valid}); say --format")
