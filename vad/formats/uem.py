"""UEM, NIST's list of the stretches of a recording that count."""

from vad.formats.document import Document, Format


def write(document: Document) -> str:
    return "".join(
        f"{document.uri} {document.channel or 1} {start:.3f} {end:.3f}\n" for start, end in document.segments
    )


UEM = Format("uem", ".uem", write)
