"""LAB, as WaveSurfer and music annotation tools write it: start, end and label, separated by spaces."""

from vad.formats.columns import bare
from vad.formats.document import Document, Format
from vad.formats.labels import Label, documents, each_line, is_number, words

HTK = 1e-7  # seconds; HTK counts in units of 100 ns
SMALLEST = 100_000  # of HTK's units: 10 ms, its usual frame; in seconds it would be more than a day


def write(document: Document) -> str:
    return "".join(f"{start:.3f} {end:.3f} {document.label}\n" for start, end in document.segments)


def read(text: str) -> list[Document]:
    labels = list(each_line(text, _parse))
    whole = all(isinstance(label.start, int) and isinstance(label.end, int) for label in labels)
    if whole and max((label.end for label in labels), default=0) >= SMALLEST:
        labels = [label._replace(start=label.start * HTK, end=label.end * HTK) for label in labels]
    return documents(labels)


def _parse(line: str) -> Label:
    """`START END [LABEL]`; HTK may give a score after the label."""
    start, end, *rest = [*words(line), ""]
    return bare(["", start, end, " ".join(word for word in rest if not is_number(word))])


LAB = Format("lab", ".lab", read, write, many=False)
