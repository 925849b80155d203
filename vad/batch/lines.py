"""Labels as lines of the user's own: a template, like `{start} {end}`, that is filled in for each segment."""

from __future__ import annotations

import re
from pathlib import Path

from vad.batch.inputs import Input
from vad.batch.naming import fill_template, name_fields
from vad.errors import FormatError
from vad.formats import Document, Format
from vad.segments import Segment

ESCAPES = {r"\t": "\t", r"\n": "\n", r"\\": "\\"}


class _Time(float):
    """Seconds that are written as the document wants, or as the number that a format like `.2f` asks for."""

    text: str

    def __format__(self, spec: str) -> str:
        return float.__format__(self, spec) if spec else self.text


def line_format(template: str) -> Format:
    r"""A label format with a line for each segment: `template` with its fields filled in.

    The fields are those of the name of the recording (file, dir, name, stem, ext), channel, number,
    start, end, duration, label and score, which is empty for silences; `\t` and `\n` are a tab and
    a line feed. Raises `SettingError`, which names the parameter `printf`, for another field.
    """
    plain = re.sub(r"\\[tn\\]", lambda found: ESCAPES[found[0]], template) + "\n"

    def write(document: Document) -> str:
        return "".join(fill_template(plain, fields, "printf") for fields in _fields(document))

    def read(text: str) -> list[Document]:
        raise FormatError("lines of --printf are not read")

    write(Document("a.wav", None, 1.0, [Segment(0.0, 1.0)], scores=(0.5,)))
    return Format(f"printf {template}", ".txt", read, write)


def _fields(document: Document) -> list[dict[str, object]]:
    """The values of the fields for each label."""
    name = {"file": document.name, **name_fields(Input(document.name, Path(document.name)))}
    name["channel"] = str(document.channel or "mix")
    return [
        name
        | {"number": number, "label": label.text, "score": "" if label.score is None else label.score}
        | {field: _time(document, value) for field, value in _times(label.start, label.end).items()}
        for number, label in enumerate(document.rows, document.first)
    ]


def _times(start: float, end: float) -> dict[str, float]:
    return {"start": start, "end": end, "duration": end - start}


def _time(document: Document, seconds: float) -> _Time:
    time = _Time(seconds)
    time.text = document.time(seconds)
    return time
