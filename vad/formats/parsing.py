"""Functions that all readers share: fields of a line to labels, and labels to documents."""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from vad.clock import CLOCK, parse_clock
from vad.errors import FormatError
from vad.formats.document import SPEECH, Document, Label, one_line, printable
from vad.segments import Segment, merge

# Labels that mean non-speech, in lower case and without brackets, blanks, hyphens and underscores: codes, which
# are no words, and names, which are no speaker's. From HTK and Kaldi; TIMIT; WebMAUS and Praat's users; RATS and
# OpenSAT; AVA-Speech and corpora of noise; Verbmobil; subtitles.
CODES = frozenset(["", "sil", "sp", "eps", "h#", "pau", "epi", "p:", "#", "...", "\u2026", "ns", "nt", "\u266a"])
SOUNDS = frozenset(
    [
        *("silence", "silent", "pause", "nonspeech", "notspeech", "nospeech"),
        *("noise", "noises", "backgroundnoise", "music", "applause"),
        *("breath", "breathing", "inhale", "exhale"),
    ]
)
NON_SPEECH = CODES | SOUNDS
DAY = 86_400
PLACES = 6  # decimals of the times of labels
ROUNDING = 1e-6  # seconds; segments nearer to each other than this are merged

words = re.compile(r"[^ \t\f\v]+").findall  # str.split() would split names at a no-break space, too


@dataclass
class _Channel:
    """The labels of one channel of one recording, while they are read."""

    duration: float = 0.0
    spans: list[Segment] = field(default_factory=list)
    speakers: dict[str, None] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)


def build_documents(
    labels: Iterable[Label], recording: str = "", channel: int | None = None, duration: float = 0.0
) -> list[Document]:
    """A document for each channel of each recording that has labels.

    Labels without a text are left out. Without any label, the result is one document without
    segments, for `recording` and `channel`. The duration is the end of the last label, or
    `duration` if that is longer. Raises `FormatError` if times seem to count samples: they are
    integers, and the recording would last more than a day.
    """
    found: dict[tuple[str, int | None], _Channel] = {}
    whole, last = True, 0.0
    for label in labels:
        key = (label.recording, label.channel)
        if key not in found:
            found[key] = _Channel(duration)
        here = found[key]
        start, end = float(label.start), float(label.end)
        here.duration = max(here.duration, end)
        whole = whole and isinstance(label.start, int) and isinstance(label.end, int)
        last = max(last, end)
        speaker = _speaker(label.speaker)
        if label.text.strip():
            here.labels.append(label._replace(start=round(start, PLACES), end=round(end, PLACES), speaker=speaker))
        if end > start and means_speech(label):
            here.spans.append(Segment(start, end))
            if speaker:
                here.speakers[speaker] = None
    if whole and last > DAY:
        raise FormatError(
            f"has only whole numbers up to {last:.0f}, which look like samples or milliseconds; write them in seconds"
        )
    if not found:
        found[recording, channel] = _Channel(duration)
    return [
        Document(
            *(name, number, one.duration, merge(one.spans, ROUNDING)),
            speakers=tuple(one.speakers),
            labels=tuple(sorted(one.labels, key=operator.itemgetter(0, 1))),
        )
        for (name, number), one in found.items()
    ]


@functools.lru_cache(4096)
def _speaker(name: str) -> str:
    """`name`, empty if it is a placeholder; the cache shares one object between equal names."""
    return "" if name.lower() in SPEECH else name


@functools.lru_cache(4096)
def is_speech(text: str) -> bool:
    """Whether a label with this text means speech."""
    return _plain(text) not in NON_SPEECH


def means_speech(label: Label) -> bool:
    """Whether a label means speech."""
    return label.spoken or is_speech(label.text)


def other_sounds(document: Document) -> list[Label]:
    """The labels of `document` that have a duration and mean no speech."""
    return [x for x in document.labels if x.end > x.start and not means_speech(x)]


def names_sound(text: str) -> bool:
    """Whether `text` is the name of another sound without brackets, like "music": in a transcript it is a word."""
    return text.strip().lower() in SOUNDS


def in_transcript(label: Label) -> Label:
    """`label` as transcripts have it: the names of other sounds in brackets."""
    return label if label.spoken or not names_sound(label.text) else label._replace(text=f"[{label.text}]", markup="")


def _plain(text: str) -> str:
    """`text` as it is compared with `NON_SPEECH`."""
    return re.sub(r"^!|[\s_<>()\[\]{}-]", "", text.lower())


def speech_labels(document: Document) -> list[Label]:
    """The labels of `document` that mean speech and have a duration."""
    return [x for x in document.rows if x.end > x.start and (means_speech(x) or not document.labels)]


def speaker_label(start: float, end: float, name: str, recording: str, channel: int | None) -> Label:
    """A label of a format whose `name` is the speaker, who may be called NS or SP, or what another sound is."""
    if _plain(name) in SOUNDS or (name[:1] in "<([{" and not is_speech(name)):
        return Label(start, end, name, recording, channel)
    return Label(start, end, "speech", recording, channel, _speaker(name))


def word(text: str) -> str:
    """`text` as one word, for formats that separate fields by blanks."""
    return "_".join(one_line(text).split())


def seconds(value: object) -> float:
    """A time, from text or a number; an integer stays an `int`. Raises `FormatError`."""
    try:
        if not isinstance(value, (str, int, float)) or isinstance(value, bool) or "_" in str(value):
            raise ValueError
        if isinstance(value, str) and ":" in value:
            return parse_clock(value.strip())
        whole = isinstance(value, int) or (isinstance(value, str) and value.isdigit())
        time = float(value)
        if not math.isfinite(time):
            raise OverflowError
        if time < 0:
            raise FormatError(f"the time {time:g} is negative; times count from the recording's beginning")
        return int(value) if whole else time + 0.0  # no -0.0
    except OverflowError:
        raise FormatError(f"the time {short(value)} is not finite; give seconds") from None
    except ValueError:
        raise FormatError(f"{short(value)} is not a time in seconds") from None


def check_span(start: float, end: float) -> tuple[float, float]:
    """Return both times; raise `FormatError` if the end is infinite or before the start."""
    if not end < math.inf:
        raise FormatError(f"the time {end} is not finite; give seconds")
    if end < start:
        raise FormatError(f"ends at {end:g} s, before it starts at {start:g} s; swap the two or correct one")
    return start, end


def is_number(text: str) -> bool:
    """Whether `text` is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def is_time(text: str) -> bool:
    """Whether `text` is a number of seconds, or a time like `00:01:30.500`."""
    return is_number(text) or CLOCK.fullmatch(text) is not None


def cells(line: str) -> list[str]:
    """The fields of a line, separated by tabs or, if it has none, by blanks."""
    return line.split("\t") if "\t" in line else words(line)


def channel_of(value: object) -> int | None:
    """A channel from 1 up; the letters A and B are 1 and 2, any other text is None."""
    text = str(value).strip().upper()
    if text in ("A", "B"):
        return "AB".index(text) + 1
    return int(text) or None if text.isascii() and text.isdigit() and len(text) < 6 else None


def short(value: object) -> str:
    """`value` as an error message can show it."""
    text = printable(str(value)[:41])
    return f"'{text[:40]}...'" if len(text) > 40 else f"'{text}'"


def each_line(text: str, parse: Callable[[str], Label | None], comment: str | None = None) -> Iterator[Label]:
    """The labels that `parse` returns for the lines that are not blank and do not begin with `comment`."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or (comment and line.startswith(comment)):
            continue
        try:
            label = parse(line)
        except FormatError as error:
            raise FormatError(f"line {number}: {error}") from error
        if label:
            yield label
