"""Kaldi's `segments`: utterance, recording, start and end; only read."""

from vad.errors import FormatError
from vad.formats.document import Document, Format
from vad.formats.labels import Label, cells, documents, each_line, is_number, seconds, stretch, words


def read(text: str) -> list[Document]:
    return documents(each_line(text, _parse))


def _parse(line: str) -> Label:
    fields = words(line)
    if len(fields) != 4:
        raise FormatError(f"has {len(fields)} fields, where segments have 4: utterance, recording, start, end")
    start, end = stretch(seconds(fields[2]), seconds(fields[3]))
    return Label(start, end, recording=fields[1])


def fits(lines: list[str]) -> bool:
    fields = cells(lines[0]) if lines else []
    return len(fields) == 4 and all(map(is_number, fields[2:])) and not any(map(is_number, fields[:2]))


KALDI = Format("kaldi", ".segments", read, fits=fits)
