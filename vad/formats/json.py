"""JSON: an object per recording with model, settings and duration; several make an array."""

import json
import math
from typing import Any

from vad.formats.document import Document, Format


def write(document: Document) -> str:
    content = {
        "file": document.name,
        "channel": document.channel,
        "duration": document.duration,
        "label": document.label,
        **_finite(document.about),
        "segments": [{"start": start, "end": end} for start, end in document.segments],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _finite(value: Any) -> Any:
    """`value` with infinity, which JSON does not know, as null."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and math.isinf(value) else value


JSON = Format("json", ".json", write, brackets=("[\n", ",\n", "]\n"))
