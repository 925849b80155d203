"""Subtitles with a cue per label: SubRip (SRT) and WebVTT.

The readers are our own: the packages srt and webvtt-py are the references in the tests, but srt takes
minutes for a damaged file of a few kilobytes, and webvtt-py 14 s for a million cues. Bold, italics and
underlines are kept between the two formats, other markup is left out. Reading is linear in the length of
the file: no two neighbouring repetitions in a pattern match the same character.
"""

import html
import itertools
import re
from collections.abc import Iterator

from vad.clock import parse_clock, timestamp
from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, harmless, one_line
from vad.formats.parsing import build_documents, check_span, in_transcript, names_sound

CUE = re.compile(r"\s*([0-9:.,]+)\s*-->\s*([0-9:.,]+)(?:\s.*)?")
SRT_TAG = re.compile(r"(</?(?:[bius]|font|c|v|ruby|rt|lang)(?:[\s.][^<>]*)?>|\{\\[^{}]*\})", re.IGNORECASE)
VTT_TAG = re.compile("(<[^<>]*>)")
VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
DETECTED = "NOTE detected by vad"  # a comment of WebVTT
KEPT = {f"<{slash}{letter}>" for slash in ("", "/") for letter in "biu"}


def write_srt(document: Document) -> str:
    return "".join(
        f"{number}\n{_srt_time(label.start)} --> {_srt_time(label.end)}\n{_srt_text(label)}\n\n"
        for number, label in enumerate(_cues_of(document), document.first)
    )


def write_vtt(document: Document) -> str:
    note = f"{DETECTED}\n\n" if document.about else ""
    return note + "".join(
        f"{timestamp(label.start)} --> {timestamp(label.end)}\n{_vtt_text(label)}\n\n" for label in _cues_of(document)
    )


def _cues_of(document: Document) -> list[Label]:
    """The labels that can be shown: a cue lasts at least a millisecond."""
    return [in_transcript(label) for label in document.rows if round(1000 * label.end) > round(1000 * label.start)]


def _srt_text(label: Label) -> str:
    if label.markup:
        label = label._replace(text=html.unescape(label.markup))
    return _body(label.caption)


def _vtt_text(label: Label) -> str:
    text = label.markup or _escape(label.words if label.speaker else label.content)
    if not label.speaker:
        return _body(text)
    return f"<v {_escape(one_line(label.speaker))}>{_body(text or _escape(label.speaker))}"


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _body(text: str) -> str:
    """`text` without blank lines and arrows, which would end a cue."""
    lines = [line for line in harmless(text).replace("-->", "->").split("\n") if line.strip()]
    return "\n".join(lines)


def _srt_time(seconds: float) -> str:
    return timestamp(seconds).replace(".", ",")


def read_srt(text: str) -> list[Document]:
    if text.strip() and "-->" not in text:
        raise FormatError("has no line like 00:00:01,500 --> 00:00:02,000")
    return build_documents(_label(cue, content, SRT_TAG) for cue, content in _cues(text.split("\n")))


def read_vtt(text: str) -> list[Document]:
    if not text.startswith("WEBVTT"):
        raise FormatError("line 1: WebVTT begins with WEBVTT")
    return build_documents(label for cue, content in _cues(text.split("\n")) for label in _voices(cue, content))


def _cues(lines: list[str]) -> Iterator[tuple[tuple[float, float], str]]:
    """The times of each line with `-->`, and the lines after it up to a blank line."""
    times: tuple[float, float] | None = None
    content: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if "-->" in line:
            if times:  # a cue without a blank line at its end
                yield times, "\n".join(content)
            times, content = _times(line, number), []
        elif times and not line.strip():
            yield times, "\n".join(content)
            times = None
        elif times:
            content.append(line)


def _voices(cue: tuple[float, float], content: str) -> Iterator[Label]:
    """A label for each voice that a cue of WebVTT names, or one label if it names none."""
    first, *rest = VOICE.split(content)
    if first.strip() or not rest:
        yield _label(cue, first, VTT_TAG, entities=True)
    for speaker, text in zip(rest[::2], rest[1::2], strict=True):
        name = html.unescape(speaker).strip()
        label = _label(cue, text, VTT_TAG, entities=True)
        yield label._replace(speaker=name, text="speech" if label.text == name else label.text)


def _label(cue: tuple[float, float], content: str, tag: re.Pattern[str], entities: bool = False) -> Label:
    """A label with the plain text of `content`, and with its markup if any of that is kept."""
    pieces = tag.split(content)
    tags = [piece.lower() if piece.lower() in KEPT else "" for piece in pieces[1::2]]
    texts = [html.unescape(piece) if entities else piece for piece in pieces[::2]]
    markup = ""
    if any(tags):
        both = itertools.zip_longest(map(_escape, texts), tags, fillvalue="")
        markup = "".join(itertools.chain.from_iterable(both)).strip()
    plain = "".join(texts).strip()
    return Label(*cue, plain, markup=markup, spoken=names_sound(plain) and not plain.isupper())  # as in APPLAUSE


def _times(line: str, number: int) -> tuple[float, float]:
    match = CUE.fullmatch(line)
    try:
        start, end = (parse_clock(time.replace(",", ".")) for time in (match.groups() if match else ()))
    except ValueError:
        raise FormatError(f"line {number}: write times like 00:00:01,500 --> 00:00:02,000") from None
    try:
        return check_span(start, end)
    except FormatError as error:
        raise FormatError(f"line {number}: {error}") from error


def detected_srt(text: str) -> bool:
    """Whether every cue says "speech": SRT has no place for a comment, and subtitles have words."""
    return {line for line in text.split("\n") if line and "-->" not in line and not line.isdigit()} == {"speech"}


def detected_vtt(text: str) -> bool:
    """Whether there is the comment of `write_vtt`."""
    return f"\n{DETECTED}\n" in text


def fits(lines: list[str]) -> bool:
    return any("-->" in line for line in lines[:2])


def fits_vtt(lines: list[str]) -> bool:
    return bool(lines) and lines[0].startswith("WEBVTT")


SRT_HOLDS = frozenset({"text", "captions"})
VTT_HOLDS = SRT_HOLDS | {"speakers"}
LONGEST = 7.0  # seconds; what guides for subtitling allow, like Netflix's
SRT = Format(
    "srt", ".srt", read_srt, write_srt, SRT_HOLDS, many=False, fits=fits, longest=LONGEST, detected=detected_srt
)
VTT = Format(
    *("vtt", ".vtt", read_vtt, write_vtt, VTT_HOLDS),
    many=False,
    head="WEBVTT\n\n",
    fits=fits_vtt,
    longest=LONGEST,
    detected=detected_vtt,
)
