"""RTTM, the Rich Transcription format of NIST (2009), as diarization tools read it."""

from vad.formats.document import Document, Format


def write(document: Document) -> str:
    return "".join(
        f"SPEAKER {document.uri} {document.channel or 1} {start:.3f} {end - start:.3f} "
        f"<NA> <NA> {document.label} <NA> <NA>\n"
        for start, end in document.segments
    )


RTTM = Format("rttm", ".rttm", write)
