"""UEM, NIST's list of the scored regions of recordings."""

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, decimal
from vad.formats.parsing import build_documents, cells, channel_of, check_span, each_line, is_number, seconds, words


def write(document: Document) -> str:
    return "".join(
        f"{document.uri} {document.channel or 1} {decimal(start)} {decimal(end)}\n" for start, end in document.segments
    )


def read(text: str) -> list[Document]:
    return build_documents(each_line(text, _parse, ";;"))


def _parse(line: str) -> Label:
    fields = words(line)
    if len(fields) != 4:
        raise FormatError(f"has {len(fields)} fields, where UEM has 4: recording, channel, start, end")
    start, end = check_span(seconds(fields[2]), seconds(fields[3]))
    return Label(start, end, recording=fields[0], channel=channel_of(fields[1]))


def fits(lines: list[str]) -> bool:
    fields = cells(lines[0]) if lines else []
    if len(fields) != 4 or not all(map(is_number, fields[2:])):
        return False
    return fields[1].isdigit() or fields[1].upper() in ("NA", "<NA>")


UEM = Format("uem", ".uem", read, write, numbered=True, fits=fits)
