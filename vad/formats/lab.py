"""LAB, as WaveSurfer and music annotation tools write it: start, end and label, separated by spaces."""

from vad.formats.columns import headless_label
from vad.formats.document import Document, Format, Label, decimal, one_line
from vad.formats.parsing import build_documents, each_line, is_number, words

HTK = 1e-7  # seconds; HTK counts in units of 100 ns
SMALLEST = 100_000  # in HTK's units: 10 ms, its usual frame; in seconds this would be more than a day


def write(document: Document) -> str:
    return "".join(f"{decimal(x.start)} {decimal(x.end)} {one_line(x.caption)}\n" for x in document.rows)


def read(text: str) -> list[Document]:
    labels = list(each_line(text, _parse))
    whole = all(isinstance(label.start, int) and isinstance(label.end, int) for label in labels)
    if whole and max((label.end for label in labels), default=0) >= SMALLEST:
        labels = [label._replace(start=label.start * HTK, end=label.end * HTK) for label in labels]
    return build_documents(labels)


def _parse(line: str) -> Label:
    """`START END [LABEL]`; HTK, whose times are whole numbers, may give a score after the label."""
    start, end, *rest = [*words(line), ""]
    if start.isdigit() and end.isdigit() and len(rest) == 3 and is_number(rest[1]):
        del rest[1]
    return headless_label(["", start, end, " ".join(rest)])


LAB = Format("lab", ".lab", read, write, frozenset({"text", "captions", "points"}), many=False)
