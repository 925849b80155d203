"""A comparison as text: one table with a row per detector, or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable

from vad.evaluation.compare import Comparison
from vad.evaluation.metrics import METRICS
from vad.evaluation.tables import aligned, as_markdown, group_values, rows
from vad.formats import printable

WITHOUT = ("minutes", "speech")  # columns that would say the same of all


def summary(found: Comparison) -> str:
    """What was heard, in a line."""
    measured = len(next(iter(found.groups.values())).recordings) if found.groups else 0
    return f"{found.seconds / 60:.2f} min of sound, {measured} of {found.heard} recordings with a reference"


def standings(found: Comparison) -> list[list[str]]:
    """The table, its head first: accuracy where there is a reference, else agreement; speech and speed."""
    names = list(found.spent)
    hours = found.seconds / 3600
    if found.groups:
        table = rows("system", found.groups.items(), WITHOUT)
        if any(differs := [_difference(found, name) for name in names]):
            table = [[*row, cell] for row, cell in zip(table, [f"DCF to {printable(names[0])}", *differs], strict=True)]
    else:
        same = [[f"{100 * share / found.seconds:.1f}" for share in row] for row in found.agreed]
        heads = ["system", *(f"as {printable(name)} %" for name in names)]
        table = [heads, *([name, *row] for name, row in zip(map(printable, names), same, strict=True))]
    more = [["found %", "segm./h", "s per hour"]]
    for name in names:
        share, count, spent = found.speech[name] / found.seconds, found.segments[name], found.spent[name]
        more.append([f"{100 * share:.1f}", f"{count / hours:.0f}", f"{spent / hours:.2f}"])
    return [[*one, *other] for one, other in zip(table, more, strict=True)]


def _difference(found: Comparison, name: str) -> str:
    """By how much the detection cost is higher than that of the first, with its interval; empty for the first."""
    value, low, high = (100 * v for v in found.difference(name, "dcf"))
    first = name == next(iter(found.groups))
    return "" if first or math.isnan(low) else f"{value:+.1f} ({low:+.1f} .. {high:+.1f})"


def to_json(found: Comparison) -> str:
    """Everything, per detector; shares from 0 to 1, null for what is undefined."""
    names = list(found.spent)
    hours = found.seconds / 3600
    systems = {
        name: {
            "speech": found.speech[name] / found.seconds,
            "segments_per_hour": found.segments[name] / hours,
            "seconds_per_hour": found.spent[name] / hours,
            "agreement": dict(zip(names, (found.agreed[number] / found.seconds).tolist(), strict=True)),
            **(group_values(found.groups[name]) if found.groups else {}),
            **({"differences": _differences(found, name)} if found.groups else {}),
        }
        for number, name in enumerate(names)
    }
    content = {"seconds": found.seconds, "recordings": found.heard, "systems": systems, "problems": found.problems}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _differences(found: Comparison, name: str) -> dict[str, list[float]]:
    """By how much each figure is higher than that of the first, and between what it lies; those that are defined."""
    each = {figure: found.difference(name, figure) for figure in METRICS}
    return {figure: list(values) for figure, values in each.items() if not math.isnan(sum(values))}


def to_csv(found: Comparison) -> str:
    """The table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(standings(found))
    return text.getvalue()


WRITERS: dict[str, Callable[[Comparison], str]] = {
    "table": lambda found: "\n".join([summary(found), "", *aligned(standings(found))]) + "\n",
    "json": to_json,
    "csv": to_csv,
    "markdown": lambda found: f"{summary(found)}\n\n{as_markdown(standings(found))}\n",
}
