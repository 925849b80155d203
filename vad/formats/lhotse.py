"""Lhotse's supervisions, as JSON lines; channels count from 0."""

import json

from vad.formats.document import Document, Format, harmless
from vad.formats.jsonl import fits, read


def write(document: Document) -> str:
    lines = []
    channel = (document.channel or 1) - 1
    stretches = (label for label in document.rows if label.end > label.start)
    for number, label in enumerate(stretches, document.first):
        row = {
            "id": f"{document.uri}-{channel}-{number:06}",
            "recording_id": document.uri,
            "start": label.start,
            "duration": round(label.end - label.start, 6),
            "channel": channel,
        }
        if label.words:
            row["text"] = harmless(label.text)
        if label.speaker:
            row["speaker"] = harmless(label.speaker)
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines)


HOLDS = frozenset({"text", "speakers"})
LHOTSE = Format("lhotse", ".supervisions.jsonl", read, write, HOLDS, numbered=True, fits=fits, unicode=True)
