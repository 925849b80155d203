"""Groups of recordings: by folder, or by a column of a table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path, PurePath

from vad.batch.inputs import Input
from vad.errors import FormatError, SettingError
from vad.formats import printable
from vad.formats.columns import columns
from vad.formats.csv import plain_cell, points, separator_of
from vad.formats.encoding import read_text
from vad.formats.parsing import is_number
from vad.labels.matching import Names

NONE = "(not in the table)"
MIN_STEP = 1e-6


def by_folder(names: Iterable[str]) -> dict[str, str]:
    """The folder of each recording's name."""
    return {name: PurePath(name).parent.as_posix() for name in names}


def by_column(names: Iterable[str], table: Path, column: str, step: float | None = None) -> dict[str, str]:
    """The value of `column` for each recording, from a CSV or TSV file with a head; `NONE` if it is not listed.

    The column file, recording, path or the like names the recordings, else the first one. With
    `step`, numbers (like an SNR) are grouped in ranges of this width. Raises `FormatError` for a
    table that cannot be read, an ambiguous name, and rows that contradict each other; `SettingError`
    for an invalid step, and if the table has no such column or names none of the recordings.
    """
    if step is not None and not MIN_STEP <= step < math.inf:
        raise SettingError(f"step={step}: give the width of a range, {MIN_STEP:g} or more", "step")
    names = list(names)
    known = Names([Input(name, Path(name)) for name in names])
    try:
        text, _ = read_text(table)
        text = text.lstrip("\n")
        separator = separator_of(text) or ","
        head, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except FormatError as error:
        raise FormatError(printable(f"{table}: {error}")) from error
    except (csv.Error, ValueError) as error:  # ValueError: no line at all
        raise FormatError(f"{table}: not a table; give CSV or TSV whose first line names its columns") from error
    if column not in head:
        raise SettingError(f"{table}: has no column {column!r}; its columns are {', '.join(head)}")
    at, name_at = head.index(column), columns(tuple(head)).get("recording", 0)
    listed: dict[str, str] = {}
    for row in rows if separator != ";" else map(points, rows):
        if len(row) > max(at, name_at):
            for name in known.find_one(plain_cell(row[name_at]), table)[0]:
                if listed.setdefault(name, row[at]) != row[at]:
                    raise FormatError(f"{table}: {name} has several rows, with {column} {listed[name]} and {row[at]}")
    groups = {name: _range(listed[name], step) if name in listed else NONE for name in names}
    if set(groups.values()) == {NONE}:
        raise SettingError(f"{table}: names none of the recordings, which are called like {names[0]}")
    order = sorted(set(groups.values()), key=_number_first)
    return dict(sorted(groups.items(), key=lambda item: order.index(item[1])))


def _range(value: str, step: float | None) -> str:
    """`value`, or for a number the range of width `step` that holds it."""
    if step is None or not is_number(value) or not math.isfinite(float(value) / step):
        return " ".join(value.split())
    low = math.floor(_exact(value) / _exact(step)) * step
    return f"{low:g} to {low + step:g}"


def _exact(number: str | float) -> Fraction:
    """A number as it is written: 0.3 is three times 0.1, which it is not in binary."""
    return Fraction(str(float(number)))


def _number_first(group: str) -> tuple[float, str]:
    """Sort key: groups that begin with a number come first, in its order."""
    first = group.split(maxsplit=1)[0] if group.split() else ""
    return (float(first) if is_number(first) else math.inf, group)
