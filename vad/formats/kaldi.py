"""Kaldi's `segments`: utterance, recording, start and end.

The name of an utterance follows Kaldi's advice: speaker, recording, and its times in milliseconds, so that
names sort like utterances; a second utterance with the same name gets a number. A recording of Kaldi has one
channel, so each channel is a recording of its own (`call.ch2`).
"""

from collections import Counter

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, decimal
from vad.formats.parsing import (
    build_documents,
    cells,
    check_span,
    each_line,
    is_number,
    seconds,
    speech_labels,
    word,
    words,
)


def write(document: Document) -> str:
    lines, times = [], Counter[str]()
    recording = f"{document.uri}.ch{document.channel}" if document.channel else document.uri
    for x in speech_labels(document):
        parts = (word(x.speaker), recording, f"{round(1000 * x.start):08}", f"{round(1000 * x.end):08}")
        name = "-".join(part for part in parts if part)
        times[name] += 1
        unique = f"{name}-{times[name]}" if times[name] > 1 else name
        lines.append(f"{unique} {recording} {decimal(x.start)} {decimal(x.end)}\n")
    return "".join(sorted(lines))


def read(text: str) -> list[Document]:
    return build_documents(each_line(text, _parse))


def _parse(line: str) -> Label:
    fields = words(line)
    if len(fields) != 4:
        raise FormatError(f"has {len(fields)} fields, where segments have 4: utterance, recording, start, end")
    start, end = check_span(seconds(fields[2]), seconds(fields[3]))
    return Label(start, end, recording=fields[1])


def fits(lines: list[str]) -> bool:
    fields = cells(lines[0]) if lines else []
    return len(fields) == 4 and all(map(is_number, fields[2:])) and not any(map(is_number, fields[:2]))


KALDI = Format("kaldi", ".segments", read, write, fits=fits)
