"""Tables with a row per segment, separated by commas or tabs.

Spreadsheets take a cell that begins with `=`, `+`, `-` or `@` for a formula. The writer puts an apostrophe
before such names and texts, except numbers, and the reader takes it away again.
"""

import csv
import io
import re

from vad.errors import FormatError
from vad.formats.columns import columns, headless_label, require_times, row_label
from vad.formats.document import Document, Format, harmless
from vad.formats.parsing import build_documents, is_number, words

COLUMNS = ("file", "channel", "start", "end", "duration", "label", "speaker", "score")


FORMULA = re.compile("'*[=+@-]")


def safe_cell(text: str) -> str:
    """`text` with an apostrophe before it if a spreadsheet could take it for a formula."""
    return f"'{text}" if FORMULA.match(text) and not is_number(text) else text


def plain_cell(cell: str) -> str:
    """The text of a cell that `safe_cell` returned."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def write(document: Document, separator: str = ",") -> str:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=separator, lineterminator="\n")
    for x in document.rows:
        times = map(document.time, (x.start, x.end, x.end - x.start))
        name, label, speaker = map(safe_cell, (document.name, harmless(x.text), harmless(x.speaker)))
        rows.writerow([name, document.channel, *times, label, speaker, x.score])
    return text.getvalue()


def write_tabs(document: Document) -> str:
    return write(document, "\t")


def separator_of(text: str) -> str | None:
    """What separates the cells of the first line that is not blank: a tab, a semicolon or a comma; None for none."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    return next((mark for mark in "\t;," if mark in first), None)


def read(text: str) -> list[Document]:
    """A table with any of the usual separators, with or without a head that names the columns."""
    separator = separator_of(text)
    if separator:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    else:
        spaced = (" ".join(words(line)) for line in text.split("\n"))
        rows = csv.reader(spaced, delimiter=" ", quoting=csv.QUOTE_NONE)
    at, labels = None, []
    try:
        for cells in rows:
            if not "".join(cells).strip():
                continue
            row = [plain_cell(cell) for cell in (points(cells) if separator == ";" else cells)]
            if at is None:
                at = _head(row)
                if at:
                    continue
            labels.append(row_label(row, at) if at else headless_label(row))
    except (csv.Error, FormatError) as error:
        raise FormatError(f"line {rows.line_num}: {error}") from error
    return build_documents(labels)


def _head(row: list[str]) -> dict[str, int]:
    """The indices of the columns; empty if the first row is no head, as it holds numbers."""
    if any(map(is_number, row)):
        return {}
    at = columns(tuple(row))
    require_times(at, tuple(row))
    return dict(at)


def points(row: list[str]) -> list[str]:
    """`row` with decimal points in place of decimal commas, which go with semicolons."""
    return [re.sub(r"^(\s*\d+),(\d+\s*)$", r"\1.\2", field) for field in row]


def _fits(lines: list[str], separators: str) -> bool:
    first = lines[0] if lines else ""
    separator = next((mark for mark in separators if mark in first), None)
    if separator is None:
        return False
    fields = first.split(separator)
    at = columns(tuple(fields)) if not any(map(is_number, fields)) else {}
    return "start" in at or (separator == "," and any(map(is_number, fields[:2])))


def fits(lines: list[str]) -> bool:
    return _fits(lines, ";,")


def fits_tabs(lines: list[str]) -> bool:
    return _fits(lines, "\t")


HOLDS = frozenset({"text", "speakers", "points"})
CSV = Format("csv", ".csv", read, write, HOLDS, head=",".join(COLUMNS) + "\n", fits=fits)
TSV = Format("tsv", ".tsv", read, write_tabs, HOLDS, head="\t".join(COLUMNS) + "\n", fits=fits_tabs)
