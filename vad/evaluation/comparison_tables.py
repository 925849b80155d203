"""A comparison as text: a table with a row per detector, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable

from vad.evaluation.compare import Comparison
from vad.evaluation.metrics import METRICS
from vad.evaluation.tables import align, group_values, markdown, metric_columns, provenance
from vad.formats import printable
from vad.formats.csv import safe_cell
from vad.formats.json import to_text

OMITTED = ("minutes", "speech")  # columns that would be the same in every row


def summary(comparison: Comparison) -> str:
    """How much sound was compared, in a line."""
    labelled = len(next(iter(comparison.groups.values())).recordings) if comparison.groups else 0
    minutes, count = comparison.seconds / 60, comparison.recordings
    line = f"{minutes:.2f} min of sound, {labelled} of {count} recordings with a reference"
    reference = comparison.about.get("reference")
    return printable(f"{line}: {reference}") if reference else line


def table_rows(comparison: Comparison) -> list[list[str]]:
    """The rows of the table, head first: accuracy where there is a reference, else agreement; speech and speed."""
    names = list(comparison.processor)
    hours = comparison.seconds / 3600
    if comparison.groups:
        table = metric_columns("system", comparison.groups.items(), OMITTED)
        if any(differs := [_difference(comparison, name) for name in names]):
            table = [[*row, cell] for row, cell in zip(table, [f"DCF to {printable(names[0])}", *differs], strict=True)]
    else:
        same = [[f"{100 * share / comparison.seconds:.1f}" for share in row] for row in comparison.agreement]
        heads = ["system", *(f"as {printable(name)} %" for name in names)]
        table = [heads, *([name, *row] for name, row in zip(map(printable, names), same, strict=True))]
    more = [["speech %", "segm./h", "s per hour"]]
    for name in names:
        share = comparison.speech[name] / comparison.seconds
        rates = (comparison.segments[name] / hours, comparison.processor[name] / hours)
        more.append([f"{100 * share:.1f}", f"{rates[0]:.0f}", f"{rates[1]:.2f}"])
    return [[*one, *other] for one, other in zip(table, more, strict=True)]


def _difference(comparison: Comparison, name: str) -> str:
    """How much higher the detection cost is than that of the first, with its interval; empty for the first."""
    value, low, high = (100 * v for v in comparison.difference(name, "dcf"))
    first = name == next(iter(comparison.groups))
    return "" if first or math.isnan(low) else f"{value:+.1f} ({low:+.1f} .. {high:+.1f})"


def to_json(comparison: Comparison) -> str:
    """All results per detector; shares from 0 to 1, null for undefined metrics."""
    names = list(comparison.processor)
    hours = comparison.seconds / 3600
    systems = {
        name: {
            "speech": comparison.speech[name] / comparison.seconds,
            "segments_per_hour": comparison.segments[name] / hours,
            "seconds_per_hour": comparison.processor[name] / hours,
            "agreement": dict(zip(names, (comparison.agreement[number] / comparison.seconds).tolist(), strict=True)),
            **(group_values(comparison.groups[name]) if comparison.groups else {}),
            **({"differences": _differences(comparison, name)} if comparison.groups else {}),
        }
        for number, name in enumerate(names)
    }
    return to_text(
        {
            **provenance(comparison.about, comparison.settings),
            "seconds": comparison.seconds,
            "recordings": comparison.recordings,
            "systems": systems,
            "problems": comparison.problems,
        }
    )


def _differences(comparison: Comparison, name: str) -> dict[str, list[float]]:
    """How much higher each metric is than that of the first, with its interval; defined metrics only."""
    each = {metric: comparison.difference(name, metric) for metric in METRICS}
    return {metric: list(values) for metric, values in each.items() if not math.isnan(sum(values))}


def to_csv(comparison: Comparison) -> str:
    """The table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [safe_cell(name), *cells] for name, *cells in table_rows(comparison)
    )
    return text.getvalue()


WRITERS: dict[str, Callable[[Comparison], str]] = {
    "table": lambda comparison: "\n".join([summary(comparison), "", *align(table_rows(comparison))]) + "\n",
    "json": to_json,
    "csv": to_csv,
    "markdown": lambda comparison: f"{summary(comparison)}\n\n{markdown(table_rows(comparison))}\n",
}
