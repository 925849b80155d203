"""Rows of tables to labels: which column is the start, the end, the text; with a head or without."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence

from vad.errors import FormatError
from vad.formats.document import Label
from vad.formats.parsing import channel_of, check_span, is_time, seconds, short
from vad.formats.tiers import on_tier

# The names of columns in the files of other programs, without units and the word time; the first one wins.
NAMES = {
    "start": ("start", "onset", "begin", "starttime", "tmin", "xmin", "from"),
    "end": ("end", "offset", "stop", "endtime", "tmax", "xmax", "to"),
    "duration": ("duration", "dur", "length"),
    "text": ("label", "event_label", "text", "class", "annotation", "transcript", "word"),
    "recording": (
        *("file", "recording", "recording_id", "filename", "file_name"),
        *("audio", "audio_file", "audio_filepath", "path", "uri", "wav"),
    ),
    "channel": ("channel",),
    "speaker": ("speaker", "speaker_id"),
    "score": ("score",),
    "tier": ("tier",),  # of Praat's tables
}
UNNAMED = Label(0, 0)
UNITS = {"s", "sec", "seconds", "time"}


@functools.lru_cache(256)
def columns(names: tuple[str, ...]) -> Mapping[str, int]:
    """The index of each meaning in `NAMES` among the columns called `names`; meanings without a column are left out.

    `offset` is the start if there is a duration and no other start, as in NeMo's manifests.
    """
    plain = ["_".join(w for w in re.findall("[a-z]+", name.lower()) if w not in UNITS) for name in names]
    at = {}
    for meaning, synonyms in NAMES.items():
        known = [plain.index(synonym) for synonym in synonyms if synonym in plain]
        if known:
            at[meaning] = known[0]
    if "start" not in at and "duration" in at and "offset" in plain:
        at["start"] = plain.index("offset")
        if at["end"] == at["start"]:
            del at["end"]
    return at


def require_times(at: Mapping[str, int], names: tuple[str, ...]) -> None:
    """Raise `FormatError` if `columns` found no times among `names`."""
    if "start" in at and ("end" in at or "duration" in at):
        return
    if any("sample" in name.lower() for name in names):
        raise FormatError("gives times in samples; divide them by the sample rate and name them start and end")
    raise FormatError(f"needs the columns start and end (or duration), and has {short(', '.join(names))}")


def row_label(values: Sequence[object], at: Mapping[str, int], base: Label = UNNAMED) -> Label:
    """The label of a row; `base` has the values for columns that are missing."""
    if max(at.values()) >= len(values):
        raise FormatError(f"has {len(values)} columns, fewer than needed")
    start = seconds(values[at["start"]])
    end = seconds(values[at["end"]]) if "end" in at else start + seconds(values[at["duration"]])
    text, recording, speaker, tier = (_word(values, at.get(key)) for key in ("text", "recording", "speaker", "tier"))
    channel = channel_of(values[at["channel"]]) if "channel" in at else base.channel
    text = base.text if text is None else text
    score = _score(values[at["score"]]) if "score" in at else None
    label = Label(*check_span(start, end), text, recording or base.recording, channel, speaker or "", score=score)
    return on_tier(label, tier) if tier else label


def _score(value: object) -> float | None:
    """A score from 0 to 1; None for anything else."""
    try:
        score = float(value) if isinstance(value, (str, int, float)) else math.nan
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _word(values: Sequence[object], index: int | None) -> str | None:
    """The text at `index`; None if there is none."""
    value = None if index is None else values[index]
    return None if value is None else str(value)


def headless_label(fields: Sequence[str]) -> Label:
    """The label of a row in a table without head: `[recording] start end [label]`."""
    at = 0 if is_time(fields[0]) else 1
    if len(fields) < at + 2:
        raise FormatError(f"needs start and end in seconds, and is {short(' '.join(fields))}")
    start, end = check_span(seconds(fields[at]), seconds(fields[at + 1]))
    text = fields[at + 2].strip() if len(fields) > at + 2 else ""
    return Label(start, end, text or "speech", fields[0] if at else "")
