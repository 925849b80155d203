"""ELAN's annotations (EAF), a tier for each speaker.

The standard library reads it: pympi-ling, which writes the files of the tests, reads from paths only,
requires attributes that are not about time, and raises any exception. ELAN writes no document type, so
files with one (XML bombs need it) are refused before they are parsed.
"""

import io
import itertools
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from vad.errors import FormatError
from vad.formats.document import SPEECH, Document, Format, Label, harmless, one_line
from vad.formats.parsing import build_documents, check_span, seconds, short
from vad.formats.tiers import lay_out, on_tier

AUTHOR = "vad detect"
# ELAN requires a date; a constant one gives equal files for equal labels.
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="%s" DATE="1970-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
"""
TAIL = """<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>
"""


def write(document: Document) -> str:
    from xml.sax.saxutils import escape, quoteattr

    slots: list[str] = []
    tiers: list[str] = []
    times: dict[int, str] = {}
    spans = [(label, round(1000 * label.start), round(1000 * label.end)) for label in document.rows]
    for time in sorted({time for _, start, end in spans if end > start for time in (start, end)}):
        times[time] = f"ts{len(times) + 1}"
        slots.append(f'<TIME_SLOT TIME_SLOT_ID="{times[time]}" TIME_VALUE="{time}"/>\n')
    number = 0
    rounded = (label._replace(start=start, end=end) for label, start, end in spans if end > start)
    for name, labels in lay_out(rounded).items():
        participant = quoteattr(one_line(labels[0].speaker)) if labels and labels[0].speaker else '""'
        tiers.append(f'<TIER LINGUISTIC_TYPE_REF="default-lt" PARTICIPANT={participant} TIER_ID={quoteattr(name)}>\n')
        for label in labels:
            number += 1
            first, last = times[int(label.start)], times[int(label.end)]
            tiers.append(
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="{first}" '
                f'TIME_SLOT_REF2="{last}"><ANNOTATION_VALUE>{escape(harmless(label.content))}</ANNOTATION_VALUE>'
                "</ALIGNABLE_ANNOTATION></ANNOTATION>\n"
            )
        tiers.append("</TIER>\n")
    head = HEAD % (AUTHOR if document.about else "")
    return f"{head}<TIME_ORDER>\n{''.join(slots)}</TIME_ORDER>\n{''.join(tiers)}{TAIL}"


def read(text: str) -> list[Document]:
    from xml.etree.ElementTree import ParseError

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FormatError("has a document type, which ELAN never writes; save it again in ELAN")
    try:
        return build_documents(_annotations(text))
    except (ParseError, ValueError) as error:
        raise FormatError(f"is no XML, or truncated ({error})") from error


class _Annotation(NamedTuple):
    """An annotation as it stands in the file."""

    name: str | None
    tier: str
    participant: str
    text: str
    refers_to: str | None  # the annotation whose time it shares; None if it has time slots
    slots: tuple[str | None, str | None]


def _annotations(text: str) -> Iterator[Label]:
    """The annotations of all tiers, each before those that refer to it.

    Annotations without times of their own, like words, glosses and translations, divide the time of
    the annotation they belong to evenly, as ELAN shows them.
    """
    slots, found = _parse(text)
    timed: deque[tuple[_Annotation, Label]] = deque()
    referring: dict[str | None, dict[str, list[_Annotation]]] = {}  # by the annotation referred to, and by tier
    runs: dict[str, list[_Annotation]] = {}  # of each tier, those since the last time slot with a value
    for one in found:
        if one.refers_to is not None:
            referring.setdefault(one.refers_to, {}).setdefault(one.tier, []).append(one)
            continue
        run = runs.setdefault(one.tier, [])
        run.append(one)
        begin, end = slots.get(run[0].slots[0]), slots.get(one.slots[1])
        if end is not None:
            if begin is not None:
                timed += _divide(run, *_span(one, begin, end))
            run.clear()
    while timed:
        one, label = timed.popleft()
        yield label
        for group in referring.pop(one.name, {}).values():
            timed += _divide(group, label.start, label.end, label.speaker)


def _parse(text: str) -> tuple[dict[str | None, str | None], list[_Annotation]]:
    """The values of the time slots, and all annotations."""
    from xml.etree.ElementTree import iterparse

    events = iterparse(io.StringIO(text), ("start", "end"))
    if next(events)[1].tag != "ANNOTATION_DOCUMENT":
        raise FormatError("is XML, but no ANNOTATION_DOCUMENT; save it again in ELAN")
    slots: dict[str | None, str | None] = {}
    found: list[_Annotation] = []
    tier = participant = ""
    for event, element in events:
        if event == "start":
            if element.tag == "TIER":
                tier, participant = element.get("TIER_ID") or "", element.get("PARTICIPANT") or ""
            continue
        if element.tag == "TIME_SLOT":
            slots[element.get("TIME_SLOT_ID")] = element.get("TIME_VALUE")
        elif element.tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
            content = element.findtext("ANNOTATION_VALUE") or ""
            refers_to = element.get("ANNOTATION_REF")
            ends = element.get("TIME_SLOT_REF1"), element.get("TIME_SLOT_REF2")
            found.append(_Annotation(element.get("ANNOTATION_ID"), tier, participant, content, refers_to, ends))
        if element.tag in ("TIME_SLOT", "ANNOTATION"):
            element.clear()
    return slots, found


def _span(one: _Annotation, begin: str, end: str) -> tuple[float, float]:
    try:
        return check_span(seconds(begin) / 1000, seconds(end) / 1000)
    except FormatError as error:
        raise FormatError(f"annotation {short(one.name)}: {error}") from error


def _divide(
    annotations: list[_Annotation], start: float, end: float, speaker: str = ""
) -> Iterator[tuple[_Annotation, Label]]:
    """`annotations` with their labels, which divide `[start, end)` evenly.

    The speaker is the participant of the tier, or else `speaker`, or else the name of the tier.
    """
    step = (end - start) / len(annotations)
    edges = [*(start + number * step for number in range(len(annotations))), end]
    for one, span in zip(annotations, itertools.pairwise(edges), strict=True):
        label = on_tier(Label(*span, one.text), one.tier)
        name = one.participant or label.speaker or speaker or label.tier
        yield one, label._replace(speaker="" if name.lower() in SPEECH else name)


def detected(text: str) -> bool:
    """Whether `vad detect` is the author."""
    return f'AUTHOR="{AUTHOR}"' in text[:1000]


def fits(lines: list[str]) -> bool:
    return any("<ANNOTATION_DOCUMENT" in line for line in lines)


ELAN = Format(
    "elan",
    ".eaf",
    read,
    write,
    frozenset({"text", "speakers", "tiers"}),
    many=False,
    fits=fits,
    unicode=True,
    detected=detected,
)
