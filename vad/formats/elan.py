"""ELAN's annotations (EAF), a tier for each speaker.

The standard library reads it: pympi-ling, which writes the files of the tests, reads from paths only,
requires attributes that are not about time, and raises any exception. ELAN writes no document type, so
files with one (XML bombs need it) are refused before they are parsed.
"""

import io
from collections.abc import Iterator

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


def _annotations(text: str) -> Iterator[Label]:
    """The annotations that have start and end times, of all tiers.

    An annotation whose time slots have no value is part of one on the parent tier, which has both.
    """
    from xml.etree.ElementTree import iterparse

    events = iterparse(io.StringIO(text), ("start", "end"))
    if next(events)[1].tag != "ANNOTATION_DOCUMENT":
        raise FormatError("is XML, but no ANNOTATION_DOCUMENT; save it again in ELAN")
    slots: dict[str | None, str | None] = {}
    tier = participant = ""
    for event, element in events:
        if event == "start":
            if element.tag == "TIER":
                tier, participant = element.get("TIER_ID") or "", element.get("PARTICIPANT") or ""
            continue
        if element.tag == "TIME_SLOT":
            slots[element.get("TIME_SLOT_ID")] = element.get("TIME_VALUE")
        elif element.tag == "ALIGNABLE_ANNOTATION":
            begin, end = slots.get(element.get("TIME_SLOT_REF1")), slots.get(element.get("TIME_SLOT_REF2"))
            if begin is not None and end is not None:
                label = _label(element.get("ANNOTATION_ID"), begin, end, element.findtext("ANNOTATION_VALUE"))
                yield _attributed(on_tier(label, tier), participant)
        if element.tag in ("TIME_SLOT", "ANNOTATION"):
            element.clear()


def _label(name: str | None, begin: str, end: str, text: str | None) -> Label:
    try:
        return Label(*check_span(seconds(begin) / 1000, seconds(end) / 1000), text or "")
    except FormatError as error:
        raise FormatError(f"annotation {short(name)}: {error}") from error


def _attributed(label: Label, participant: str) -> Label:
    """`label` with its speaker: the participant of its tier, or else the name of the tier."""
    speaker = participant or label.speaker or label.tier
    return label._replace(speaker="" if speaker.lower() in SPEECH else speaker)


def detected(text: str) -> bool:
    """Whether `vad detect` is the author."""
    return f'AUTHOR="{AUTHOR}"' in text[:1000]


def fits(lines: list[str]) -> bool:
    return any("<ANNOTATION_DOCUMENT" in line for line in lines)


ELAN = Format(
    "elan", ".eaf", read, write, frozenset({"text", "speakers"}), many=False, fits=fits, unicode=True, detected=detected
)
