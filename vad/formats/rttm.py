"""RTTM, the Rich Transcription format of NIST (2009), as diarization tools read it."""

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, decimal
from vad.formats.parsing import (
    build_documents,
    channel_of,
    check_span,
    each_line,
    seconds,
    short,
    speaker_label,
    speech_labels,
    word,
    words,
)

SPEECH_TYPES = {"SPEAKER", "SPEECH", "SAD"}
TYPES = SPEECH_TYPES | {"SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER"}
TYPES |= {"EDIT", "IP", "SU", "CB", "A/P", "SPKR-INFO"}


def write(document: Document) -> str:
    return "".join(
        f"SPEAKER {document.uri} {document.channel or 1} {decimal(x.start)} {decimal(x.end - x.start)} "
        f"<NA> <NA> {word(x.speaker) or document.label} <NA> <NA>\n"
        for x in speech_labels(document)
    )


def read(text: str) -> list[Document]:
    return build_documents(each_line(text, _parse, ";;"))


def _parse(line: str) -> Label | None:
    """`TYPE FILE CHANNEL START DURATION TEXT SUBTYPE NAME ...`; only types in `SPEECH_TYPES` are labels."""
    kind, *fields = words(line)
    if kind not in TYPES:
        raise FormatError(f"{short(kind)} is no type of RTTM; lines begin with SPEAKER")
    if kind not in SPEECH_TYPES:
        return None
    if len(fields) < 4:
        raise FormatError(f"has {len(fields) + 1} fields, where RTTM has 9 or 10")
    begin = seconds(fields[2])
    start, end = check_span(begin, begin + seconds(fields[3]))
    name = fields[6] if len(fields) > 6 else "<NA>"
    return speaker_label(start, end, name, fields[0], channel_of(fields[1]))


def fits(lines: list[str]) -> bool:
    fields = words(lines[0]) if lines else []
    return len(fields) > 4 and fields[0] in TYPES


RTTM = Format("rttm", ".rttm", read, write, frozenset({"speakers"}), numbered=True, fits=fits)
