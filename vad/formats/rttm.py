"""RTTM, the Rich Transcription format of NIST (2009), as diarization tools read it."""

from vad.errors import FormatError
from vad.formats.document import Document, Format
from vad.formats.labels import Label, channel_of, documents, each_line, seconds, short, stretch, words

SPOKEN = {"SPEAKER", "SPEECH", "SAD"}
KNOWN = SPOKEN | {"SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER"}
KNOWN |= {"EDIT", "IP", "SU", "CB", "A/P", "SPKR-INFO"}


def write(document: Document) -> str:
    return "".join(
        f"SPEAKER {document.uri} {document.channel or 1} {start:.3f} {end - start:.3f} "
        f"<NA> <NA> {document.label} <NA> <NA>\n"
        for start, end in document.segments
    )


def read(text: str) -> list[Document]:
    return documents(each_line(text, _parse, ";;"))


def _parse(line: str) -> Label | None:
    """`TYPE FILE CHANNEL START DURATION TEXT SUBTYPE NAME ...`; other types than `SPOKEN` say nothing."""
    kind, *fields = words(line)
    if kind not in KNOWN:
        raise FormatError(f"{short(kind)} is no type of RTTM; a line begins with SPEAKER")
    if kind not in SPOKEN:
        return None
    if len(fields) < 4:
        raise FormatError(f"has {len(fields) + 1} fields, where RTTM has 9 or 10")
    begin = seconds(fields[2])
    start, end = stretch(begin, begin + seconds(fields[3]))
    name = fields[6] if len(fields) > 6 else "<NA>"
    return Label(start, end, name, fields[0], channel_of(fields[1]), name)


def fits(lines: list[str]) -> bool:
    fields = words(lines[0]) if lines else []
    return len(fields) > 4 and fields[0] in KNOWN


RTTM = Format("rttm", ".rttm", read, write, fits=fits)
