"""Audacity's label track: start, end and label, separated by tabs."""

from vad.formats.document import Document, Format
from vad.formats.text import read


def write(document: Document) -> str:
    return "".join(f"{start:.6f}\t{end:.6f}\t{document.label}\n" for start, end in document.segments)


AUDACITY = Format("audacity", ".txt", read, write, many=False)
