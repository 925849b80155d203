"""JSON lines: a line per segment; also reads `vad stream`, lhotse's supervisions and NeMo's manifests."""

import json

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label
from vad.formats.json import HOLDS, detected, entry, find_list, label_object, parse, read_value
from vad.formats.parsing import build_documents

OTHER_EVENTS = ("header", "start", "score")  # of a stream, besides its segments


def write(document: Document) -> str:
    return "".join(
        json.dumps(
            {
                "file": document.name,
                "channel": document.channel,
                "start": label.start,
                "end": label.end,
                "label": document.label,
                **label_object(label, document),
            },
            ensure_ascii=False,
        )
        + "\n"
        for label in document.rows
    )


def read(text: str) -> list[Document]:
    labels: list[Label] = []
    whole: list[Document] = []  # of lines that hold a recording with all its segments
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = parse(line)
            if isinstance(value, dict) and value.get("event") in OTHER_EVENTS:
                continue
            if find_list(value) is None:
                labels.append(entry(value))
            else:
                whole += read_value(value)
        except FormatError as error:
            raise FormatError(f"line {number}: {str(error).removeprefix('line 1: ')}") from error
    return whole + (build_documents(labels) if labels or not whole else [])


def fits(lines: list[str]) -> bool:
    return all(line.startswith("{") and line.endswith("}") for line in lines[:2]) and bool(lines)


JSONL = Format("jsonl", ".jsonl", read, write, HOLDS, fits=fits, unicode=True, detected=detected)
