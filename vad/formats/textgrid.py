"""Praat's TextGrid: a tier of intervals for each speaker; intervals without a label are empty.

The reader is our own and follows Praat's rule for the long and the short format: free-standing numbers
and quoted texts are values, all else is comment. praatio, which writes the files of the tests, takes a
label like "item [2]" for the structure of the file.
"""

import re
from collections.abc import Iterator

from vad.errors import FormatError
from vad.formats.document import Document, Format, Label, decimal, harmless
from vad.formats.parsing import build_documents, check_span, seconds, short
from vad.formats.tiers import lay_out, on_tier
from vad.segments import Segment, invert

VALUE = re.compile(r'"([^"]*(?:""[^"]*)*)"|(?<!\S)(-?[0-9]\S*)')


def write(document: Document) -> str:
    ends = [document.duration, *(label.end for label in document.rows)]
    end = max(ends)
    points = [label for label in document.rows if label.end <= label.start]
    tiers = lay_out(label for label in document.rows if label.end > label.start)
    written = [_tier(name, _intervals_of(labels, end), end) for name, labels in tiers.items()]
    named = (label._replace(tier=label.tier or label.speaker or "points") for label in points)
    written += [_tier(name, labels, end, "TextTier") for name, labels in lay_out(named).items() if points]
    body = "".join(f"    item [{number}]:\n{text}" for number, text in enumerate(written, 1))
    return (
        'File type = "ooTextFile"\n'
        'Object class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {decimal(end)}\n"
        f"tiers? <exists>\nsize = {len(written)}\nitem []:\n{body}"
    )


def _intervals_of(labels: list[Label], duration: float) -> list[Label]:
    """`labels`, and empty ones between them."""
    gaps = invert((Segment(label.start, label.end) for label in labels), duration)
    return sorted([*labels, *(Label(start, end, "") for start, end in gaps)])


def _tier(name: str, labels: list[Label], duration: float, kind: str = "IntervalTier") -> str:
    what, first, text = ("points", "number", "mark") if kind == "TextTier" else ("intervals", "xmin", "text")
    rows = []
    for number, label in enumerate(labels, 1):
        end = "" if kind == "TextTier" else f"            xmax = {decimal(label.end)}\n"
        content = _quoted(label.content if label.text else "")
        rows.append(
            f"        {what} [{number}]:\n"
            f"            {first} = {decimal(label.start)}\n{end}"
            f"            {text} = {content}\n"
        )
    return (
        f'        class = "{kind}"\n        name = {_quoted(name)}\n'
        f"        xmin = 0\n        xmax = {decimal(duration)}\n"
        f"        {what}: size = {len(labels)}\n{''.join(rows)}"
    )


def _quoted(text: str) -> str:
    return '"' + harmless(text).replace('"', '""') + '"'


class _Values:
    """Reads the values of a TextGrid, one after the other."""

    def __init__(self, text: str) -> None:
        self._text, self._values = text, VALUE.finditer(text)
        self._at = 0

    def _next(self) -> re.Match[str]:
        match = next(self._values, None)
        if match is None:
            raise FormatError("ends before the last interval; it may be truncated")
        self._at = match.start()
        return match

    def text(self) -> str:
        """The next value, a text in quotes."""
        match = self._next()
        if match[1] is None:
            raise FormatError(f"has the number {short(match[2])} in the place of a text in quotes")
        return match[1].replace('""', '"')

    def time(self) -> float:
        """The next value, a time or a count."""
        match = self._next()
        if match[2] is None:
            raise FormatError(f"has the text {short(match[1])} in the place of a number")
        return float(seconds(match[2]))

    @property
    def line(self) -> int:
        """The line of the last value, from 1 up."""
        return self._text.count("\n", 0, self._at) + 1


def read(text: str) -> list[Document]:
    values = _Values(text)
    try:
        if not values.text().startswith("ooTextFile") or not values.text().startswith("TextGrid"):
            raise FormatError("is no TextGrid; save it as a TextGrid text file in Praat")
        values.time()
        return build_documents(_labels(values), duration=values.time())
    except FormatError as error:
        raise FormatError(f"line {values.line}: {error}") from error


def _labels(values: _Values) -> Iterator[Label]:
    """The intervals and points of all tiers."""
    for _ in range(int(values.time())):
        kind, tier = values.text(), values.text()
        values.time(), values.time()
        for _ in range(int(values.time())):
            start = values.time()
            end = values.time() if kind == "IntervalTier" else start
            yield on_tier(Label(*check_span(start, end), values.text()), tier)


def fits(lines: list[str]) -> bool:
    return bool(lines) and "ooTextFile" in lines[0]


HOLDS = frozenset({"text", "speakers", "tiers", "points"})
TEXTGRID = Format("textgrid", ".TextGrid", read, write, HOLDS, many=False, fits=fits)
