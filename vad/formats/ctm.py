"""CTM, NIST's time-marked words, as recognizers and aligners write them."""

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, decimal
from vad.formats.parsing import (
    build_documents,
    cells,
    channel_of,
    check_span,
    each_line,
    in_transcript,
    is_number,
    names_sound,
    seconds,
    word,
    words,
)


def write(document: Document) -> str:
    return "".join(
        f"{document.uri} {document.channel or 1} {decimal(x.start)} {decimal(x.end - x.start)} {word(x.content)}\n"
        for x in map(in_transcript, document.rows)
    )


def read(text: str) -> list[Document]:
    return build_documents(each_line(text, _parse, ";;"))


def _parse(line: str) -> Label | None:
    """`RECORDING CHANNEL START DURATION WORD [CONFIDENCE]`; alternatives have marks without times."""
    fields = words(line)
    if len(fields) < 5:
        raise FormatError(f"has {len(fields)} fields, where CTM has 5: recording, channel, start, duration, word")
    if fields[2] == fields[3] == "*":
        return None
    begin = seconds(fields[2])
    start, end = check_span(begin, begin + seconds(fields[3]))
    return Label(start, end, fields[4], fields[0], channel_of(fields[1]), spoken=names_sound(fields[4]))


def fits(lines: list[str]) -> bool:
    fields = cells(lines[0]) if lines else []
    if len(fields) not in (5, 6) or not all(map(is_number, fields[2:4])):
        return False
    return channel_of(fields[1]) in (1, 2) and not (is_number(fields[0]) and "." in fields[0])


CTM = Format("ctm", ".ctm", read, write, frozenset({"text", "points"}), numbered=True, fits=fits)
