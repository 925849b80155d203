"""JSON lines: a line per segment."""

import json

from vad.formats.document import Document, Format


def write(document: Document) -> str:
    return "".join(
        json.dumps(
            {
                "file": document.name,
                "channel": document.channel,
                "start": start,
                "end": end,
                "label": document.label,
            },
            ensure_ascii=False,
        )
        + "\n"
        for start, end in document.segments
    )


JSONL = Format("jsonl", ".jsonl", write)
