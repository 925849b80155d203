"""A comparison as text: one table with a row per detector, or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from vad.evaluation.compare import Comparison
from vad.evaluation.tables import aligned, as_markdown, group_values, rows
from vad.formats import printable


def summary(found: Comparison) -> str:
    """What was heard, in a line."""
    measured = len(next(iter(found.groups.values())).recordings) if found.groups else 0
    return f"{found.seconds / 60:.2f} min of sound, {measured} of {found.heard} recordings with a reference"


def standings(found: Comparison) -> list[list[str]]:
    """The table, its head first: accuracy where there is a reference, else agreement; speech and speed."""
    names = list(found.spent)
    hours = found.seconds / 3600
    more = [
        ["found %", "segm./h", *([] if found.groups else [f"as {printable(name)} %" for name in names]), "s per hour"],
        *(
            [
                f"{100 * found.speech[name] / found.seconds:.1f}",
                f"{found.segments[name] / hours:.0f}",
                *([] if found.groups else [f"{100 * share / found.seconds:.1f}" for share in found.agreed[number]]),
                f"{found.spent[name] / hours:.2f}",
            ]
            for number, name in enumerate(names)
        ),
    ]
    measured = rows("system", found.groups.items(), WITHOUT) if found.groups else [["system"], *([n] for n in names)]
    return [[*one, *other] for one, other in zip(measured, more, strict=True)]


WITHOUT = ("minutes", "speech")  # columns that would say the same of all


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
        }
        for number, name in enumerate(names)
    }
    content = {"seconds": found.seconds, "recordings": found.heard, "systems": systems, "problems": found.problems}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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
