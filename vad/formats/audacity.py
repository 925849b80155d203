"""Audacity's label track: start, end and label, separated by tabs."""

from vad.formats.document import Document, Format, one_line
from vad.formats.text import read


def write(document: Document) -> str:
    return "".join(f"{x.start:.6f}\t{x.end:.6f}\t{one_line(x.caption)}\n" for x in document.rows)


AUDACITY = Format("audacity", ".txt", read, write, frozenset({"text", "captions", "points"}), many=False)
