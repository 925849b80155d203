"""Praat's TextGrid: one interval tier that covers the recording, empty where nothing is labelled.

It is read here, by Praat's own rule, which holds for the long and the short format alike: numbers
and quoted texts that stand free are values, all else is comment. praatio, which writes the files of
the tests, takes a label like "item [2]" for the structure of the file.
"""

import re
from collections.abc import Iterator

from vad.errors import FormatError
from vad.formats.document import Document, Format
from vad.formats.labels import Label, documents, seconds, short, stretch
from vad.segments import invert

VALUE = re.compile(r'"([^"]*(?:""[^"]*)*)"|(?<!\S)(-?[0-9]\S*)')


def write(document: Document) -> str:
    labelled = [(s, document.label) for s in document.segments]
    labelled += [(s, "") for s in invert(document.segments, document.duration)]
    intervals = "".join(
        f"        intervals [{number}]:\n"
        f"            xmin = {start:.3f}\n"
        f"            xmax = {end:.3f}\n"
        f'            text = "{label}"\n'
        for number, ((start, end), label) in enumerate(sorted(labelled), 1)
    )
    return (
        'File type = "ooTextFile"\n'
        'Object class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {document.duration:.3f}\n"
        "tiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
        '        class = "IntervalTier"\n        name = "speech"\n'
        f"        xmin = 0\n        xmax = {document.duration:.3f}\n"
        f"        intervals: size = {len(labelled)}\n{intervals}"
    )


class _Values:
    """The values of a TextGrid, one after the other."""

    def __init__(self, text: str) -> None:
        self._text, self._values = text, VALUE.finditer(text)
        self._at = 0

    def _next(self) -> re.Match[str]:
        match = next(self._values, None)
        if match is None:
            raise FormatError("ends before the last interval; it may be cut short")
        self._at = match.start()
        return match

    def text(self) -> str:
        """The next value, a text in quotes."""
        match = self._next()
        if match[1] is None:
            raise FormatError(f"has the number {short(match[2])} where a text in quotes belongs")
        return match[1].replace('""', '"')

    def time(self) -> float:
        """The next value, a time or a count."""
        match = self._next()
        if match[2] is None:
            raise FormatError(f"has the text {short(match[1])} where a number belongs")
        return float(seconds(match[2]))

    @property
    def line(self) -> int:
        """The line of the last value, counted from 1."""
        return self._text.count("\n", 0, self._at) + 1


def read(text: str) -> list[Document]:
    values = _Values(text)
    try:
        if not values.text().startswith("ooTextFile") or not values.text().startswith("TextGrid"):
            raise FormatError("is no TextGrid; save it as such in Praat, as text")
        values.time()
        return documents(_intervals(values), duration=values.time())
    except FormatError as error:
        raise FormatError(f"line {values.line}: {error}") from error


def _intervals(values: _Values) -> Iterator[Label]:
    """The intervals of all tiers; points are no stretches."""
    for _ in range(int(values.time())):
        kind = values.text()
        values.text(), values.time(), values.time()
        for _ in range(int(values.time())):
            if kind == "IntervalTier":
                start, end = stretch(values.time(), values.time())
                yield Label(start, end, values.text())
            else:
                values.time(), values.text()


def fits(lines: list[str]) -> bool:
    return bool(lines) and "ooTextFile" in lines[0]


TEXTGRID = Format("textgrid", ".TextGrid", read, write, many=False, fits=fits)
