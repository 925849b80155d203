"""JSON: an object per recording with model, settings and duration; an array for several.

It also reads lists of objects or pairs with start and end, as detectors return them, and the JSON
of pyannote and Whisper.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

from vad.errors import FormatError
from vad.formats.columns import UNNAMED, columns, require_times, row_label
from vad.formats.document import Document, Format, Label, harmless
from vad.formats.parsing import PLACES, build_documents, channel_of, is_speech, seconds, short

HOLDS = frozenset({"text", "speakers", "points"})
LISTS = ("segments", "content", "timeline", "diarization", "supervisions", "speech", "output")


def write(document: Document) -> str:
    content = {
        "file": document.name,
        "channel": document.channel,
        "duration": round(document.duration, PLACES),
        "label": document.label,
        **document.about,
        "segments": [label_object(label, document) for label in document.rows],
    }
    return to_text(content)


def label_object(label: Label, document: Document) -> dict[str, Any]:
    """A label as an object; with text and speaker if they differ from those of the document, and its score if any."""
    row: dict[str, Any] = {"start": label.start, "end": label.end}
    if label.text != document.label:
        row["label"] = harmless(label.text)
    if label.speaker:
        row["speaker"] = harmless(label.speaker)
    if label.score is not None:
        row["score"] = label.score
    return row


def detected(text: str) -> bool:
    """Whether a model and its settings stand at the beginning, as `vad detect` and `vad stream` write them."""
    return all(f'"{key}": {{' in text[:2000] for key in ("model", "settings"))


def finite(value: Any) -> Any:
    """`value` with null for infinity and NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_text(value: Any) -> str:
    """`value` as JSON for people and programs: indented, with a line feed at the end."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read(text: str) -> list[Document]:
    return read_value(parse(text))


def parse(text: str) -> Any:
    """The value of a JSON text; raises `FormatError`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"line {error.lineno}: is no JSON, or truncated ({error.msg})") from error
    except ValueError as error:  # a number of thousands of digits
        raise FormatError(f"is no JSON with labels ({short(error)})") from error


def read_value(value: Any) -> list[Document]:
    """The documents of a JSON value: an entry, a recording, or a list of either."""
    if isinstance(value, list):
        if any(find_list(inner) is not None for inner in value):
            return [document for inner in value for document in read_value(inner)]
        return build_documents(_entries(value))
    inner = find_list(value)
    if inner is None:
        return build_documents([entry(value)])
    if isinstance(inner, dict):
        return read_value(inner)
    base = _owner(value)
    return build_documents(
        _entries(inner, base), base.recording, base.channel, float(seconds(value.get("duration") or 0))
    )


def _owner(value: dict[str, Any]) -> Label:
    """The values that a recording gives for all its entries."""
    names = tuple(value)
    at = columns(names)
    recording = value[names[at["recording"]]] if "recording" in at else ""
    text = value.get("label")
    return UNNAMED._replace(
        text=text if isinstance(text, str) else "speech",
        recording=recording if isinstance(recording, str) else "",
        channel=channel_of(value.get("channel")),
    )


def find_list(value: Any) -> list[Any] | dict[str, Any] | None:
    """The list, or object, with the entries of a recording; None if `value` is no recording."""
    if not isinstance(value, dict):
        return None
    return next((value[key] for key in LISTS if isinstance(value.get(key), (list, dict))), None)


def _entries(values: list[Any], base: Label = UNNAMED) -> Iterator[Label]:
    for number, value in enumerate(values, 1):
        try:
            yield entry(value, base)
        except FormatError as error:
            raise FormatError(f"entry {number}: {error}") from error


def entry(value: Any, base: Label = UNNAMED) -> Label:
    """The label of an object or a pair; `base` has the values for keys that are missing."""
    if isinstance(value, list) and len(value) >= 2:
        return row_label(value, {"start": 0, "end": 1}, base)
    if not isinstance(value, dict):
        raise FormatError(f"needs an object with start and end in seconds, and is {short(value)}")
    if isinstance(value.get("segment"), dict):  # pyannote, whose label is the speaker or, for other sounds, their kind
        value = {**value, **value["segment"]}
        if "speaker" not in value and is_speech(str(value.get("label"))):
            value["speaker"] = value.pop("label", None)
    names = tuple(value)
    at = columns(names)
    require_times(at, names)
    label = row_label(tuple(value.values()), at, base)
    if "recording_id" in value:  # lhotse, which counts channels from 0
        label = label._replace(channel=_from_zero(value.get("channel")))
    return label


def _from_zero(channel: Any) -> int | None:
    """A channel from 1 up, of a channel from 0 up or a list of one; None for several."""
    if isinstance(channel, list) and len(channel) == 1:
        channel = channel[0]
    return channel + 1 if isinstance(channel, int) and channel >= 0 else None


def fits(lines: list[str]) -> bool:
    return bool(lines) and lines[0].lstrip()[0] in "[{"


JSON = Format(
    "json", ".json", read, write, HOLDS, brackets=("[\n", ",\n", "]\n"), fits=fits, unicode=True, detected=detected
)
