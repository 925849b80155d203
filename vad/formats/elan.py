"""ELAN's annotations (EAF); only read.

By the standard library: pympi-ling, which writes the files of the tests, reads from a path alone,
demands attributes that have nothing to do with time, and raises whatever comes. Files of ELAN have
no document type, so that one with it (an XML bomb needs it) is refused before it is parsed.
"""

import io
from collections.abc import Iterator

from vad.errors import FormatError
from vad.formats.document import Document, Format
from vad.formats.labels import Label, documents, seconds, short, stretch


def read(text: str) -> list[Document]:
    from xml.etree.ElementTree import ParseError

    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise FormatError("has a document type, which ELAN never writes; save it anew in ELAN")
    try:
        return documents(_annotations(text))
    except (ParseError, ValueError) as error:
        raise FormatError(f"is no XML, or cut short ({error})") from error


def _annotations(text: str) -> Iterator[Label]:
    """The annotations of all tiers that have times of their own.

    A time slot without a value lies within an annotation of the parent tier, which has both.
    """
    from xml.etree.ElementTree import iterparse

    events = iterparse(io.StringIO(text), ("start", "end"))
    if next(events)[1].tag != "ANNOTATION_DOCUMENT":
        raise FormatError("is XML, but no ANNOTATION_DOCUMENT; save it anew in ELAN")
    slots: dict[str | None, str | None] = {}
    speaker = ""
    for event, element in events:
        if event == "start":
            if element.tag == "TIER":
                speaker = element.get("PARTICIPANT") or element.get("TIER_ID") or ""
            continue
        if element.tag == "TIME_SLOT":
            slots[element.get("TIME_SLOT_ID")] = element.get("TIME_VALUE")
        elif element.tag == "ALIGNABLE_ANNOTATION":
            begin, end = slots.get(element.get("TIME_SLOT_REF1")), slots.get(element.get("TIME_SLOT_REF2"))
            if begin is not None and end is not None:
                yield _label(element.get("ANNOTATION_ID"), begin, end, element.findtext("ANNOTATION_VALUE"), speaker)
        if element.tag in ("TIME_SLOT", "ANNOTATION"):
            element.clear()


def _label(name: str | None, begin: str, end: str, text: str | None, speaker: str) -> Label:
    try:
        return Label(*stretch(seconds(begin) / 1000, seconds(end) / 1000), text or "", speaker=speaker)
    except FormatError as error:
        raise FormatError(f"annotation {short(name)}: {error}") from error


def fits(lines: list[str]) -> bool:
    return any("<ANNOTATION_DOCUMENT" in line for line in lines)


ELAN = Format("elan", ".eaf", read, fits=fits, unicode=True)
