"""LAB, as WaveSurfer and music annotation tools write it: start, end and label, separated by spaces."""

from vad.formats.document import Document, Format


def write(document: Document) -> str:
    return "".join(f"{start:.3f} {end:.3f} {document.label}\n" for start, end in document.segments)


LAB = Format("lab", ".lab", write, many=False)
