"""An evaluation as text: a table for the terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vad.evaluation.evaluate import Evaluation
from vad.evaluation.metrics import METRICS
from vad.evaluation.results import CONFIDENCE, Group, MetricValues
from vad.formats import printable
from vad.settings import EvaluationSettings

COLUMNS = {  # of the tables with a row per recording, and their heads
    "minutes": "min",
    "speech": "speech",
    "deter": "DetER",
    "miss": "miss",
    "false_alarm": "alarm",
    "f1": "F1",
    "dcf": "DCF",
    "roc_auc": "AUC",
    "onset_median": "onset",
    "offset_median": "offset",
    "missed": "missed",
    "phantom": "phantom",
}
THRESHOLD_FREE = ("roc_auc", "pr_auc", "eer")  # of scores, where there are some
FEW = 50  # recordings that a terminal shows; of more, those with the most errors
SIGNS = {"%": " %", "ms": " ms", "/h": "/h", "min": "", "n": "", "": ""}
DIGITS = {"%": 1, "ms": 0, "/h": 1, "min": 2, "n": 0, "": 3}


def shown(name: str, value: float, sign: bool = True) -> str:
    """A figure with its unit as a person reads it; a dash where it is undefined."""
    if math.isnan(value):
        return "-"
    unit = METRICS[name].unit
    digits = 1 if unit == "n" and value != int(value) else DIGITS[unit]  # a mean of what is scored_regions
    number = round(100 * value if unit == "%" else value, digits) + 0.0  # no -0
    text = f"{number:.{digits}f}"
    return text + (SIGNS[unit] if sign else "")


def meaning(name: str, settings: EvaluationSettings) -> str:
    """What a figure says."""
    return METRICS[name].meaning.format(**settings.weights._asdict())


def undefined(group: Group) -> dict[str, str]:
    """Why figures are undefined, by their names."""
    return {name: f"no {METRICS[name].needs}" for name, value in group.pooled.items() if math.isnan(value)}


def summary(evaluation: Evaluation) -> str:
    """What was measured, in a line."""
    figures, count = evaluation.whole.pooled, len(evaluation.whole.recordings)
    recordings = "1 recording" if count == 1 else f"{count} recordings"
    return f"{recordings}, {shown('minutes', figures['minutes'])} min, speech {shown('speech', figures['speech'])}"


def to_table(evaluation: Evaluation) -> str:
    """For the terminal: every figure of the whole, then a row per group and recording."""
    whole = evaluation.whole
    blocks = [[summary(evaluation)], aligned(metric_rows(whole), left=(0, -1))]
    if evaluation.groups:
        blocks.append(aligned(rows("group", evaluation.groups.items())))
    if len(whole.recordings) > 1:
        shown_ones, left = whole.each, []
        if len(shown_ones) > FEW:
            shown_ones = sorted(shown_ones, key=lambda one: -float(one[1].recordings[0].seconds[1:3].sum()))[:FEW]
            left = [f"... and {len(whole.each) - FEW} recordings with less time in error (all: --format csv)"]
        blocks.append([*aligned(rows("recording", shown_ones)), *left])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def to_markdown(evaluation: Evaluation) -> str:
    """The same as tables of Markdown, all recordings."""
    whole = evaluation.whole
    tables = [metric_rows(whole)]
    if evaluation.groups:
        tables.append(rows("group", evaluation.groups.items()))
    tables.append(rows("recording", whole.each))
    return "\n\n".join([summary(evaluation), *map(as_markdown, tables)]) + "\n"


def as_markdown(content: list[list[str]]) -> str:
    """Rows, of which the first is the head, as a table of Markdown."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in content]
    head, *body = (f"| {' | '.join(row)} |" for row in escaped)
    return "\n".join([head, "|---" + "|---:" * (len(content[0]) - 1) + "|", *body])


def to_csv(evaluation: Evaluation) -> str:
    """A row for the whole, for the mean, and for each group and recording; shares as numbers from 0 to 1."""
    whole = evaluation.whole
    lines = [("whole", "", whole.pooled), ("mean", "", whole.mean)]
    lines += [("group", name, group.pooled) for name, group in evaluation.groups.items()]
    lines += [("recording", name, alone.pooled) for name, alone in whole.each]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["of", "name", *METRICS])
    for kind, name, figures in lines:
        writer.writerow([kind, name, *("" if math.isnan(v) else f"{v:.9g}" for v in figures.values())])
    return text.getvalue()


def to_json(evaluation: Evaluation) -> str:
    """All there is; null for what is undefined, and why."""
    whole = evaluation.whole
    settings = whole.settings
    content = {
        **evaluation.about,
        "collar": settings.collar,
        "dcf_weights": {"miss": settings.weights.miss, "false_alarm": settings.weights.false_alarm},
        "bootstrap": {"resamples": settings.resamples, "seed": settings.seed, "percent": CONFIDENCE},
        **group_values(whole),
        "groups": {name: group_values(group) for name, group in evaluation.groups.items()},
        "recordings": [
            {"name": name, "duration": alone.recordings[0].duration, **_finite(alone.pooled)}
            for name, alone in whole.each
        ],
        "notes": evaluation.notes,
        "problems": evaluation.problems,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


WRITERS: dict[str, Callable[[Evaluation], str]] = {
    "table": to_table,
    "json": to_json,
    "csv": to_csv,
    "markdown": to_markdown,
}


def group_values(group: Group) -> dict[str, Any]:
    """The figures of a group as JSON has them."""
    return {
        "pooled": _finite(group.pooled),
        "mean": _finite(group.mean),
        "intervals": group.intervals,
        "undefined": undefined(group),
    }


def _finite(figures: MetricValues) -> dict[str, float | None]:
    """Figures with null for those that are undefined."""
    return {name: None if math.isnan(value) else value for name, value in figures.items()}


def metric_rows(group: Group) -> list[list[str]]:
    """A row per figure of a group: its value, where it lies, the mean over recordings, and what it says."""
    several = len(group.recordings) > 1
    scored = any(m.ranks is not None for m in group.recordings)
    head = ["", "all", f"{CONFIDENCE:.0f} % interval", "mean", "what it is"]
    content = [head if several else [head[0], head[1], head[-1]]]
    for name, value in group.pooled.items():
        if name in ("minutes", "speech") or (name in THRESHOLD_FREE and not scored):
            continue
        low, high = group.intervals.get(name, (math.nan, math.nan))
        between = "" if math.isnan(low) else f"{shown(name, low, False)} .. {shown(name, high, False)}"
        why = f"undefined: no {METRICS[name].needs}" if math.isnan(value) else meaning(name, group.settings)
        middle = [between, shown(name, group.mean[name])] if several else []
        content.append([METRICS[name].title, shown(name, value), *middle, why])
    return content


def rows(what: str, groups: Iterable[tuple[str, Group]], without: Sequence[str] = ()) -> list[list[str]]:
    """A row per group with the figures of `COLUMNS`; those that no group has are left out, like `without`."""
    named = [(printable(name), group.pooled) for name, group in groups]
    columns = [c for c in COLUMNS if c not in without and any(not math.isnan(figures[c]) for _, figures in named)]
    head = [what, *(_headed(c) for c in columns)]
    return [head, *([name, *(shown(c, figures[c], False) for c in columns)] for name, figures in named)]


def _headed(column: str) -> str:
    unit = METRICS[column].unit
    return COLUMNS[column] + (f" {unit}" if unit in ("%", "ms") else "")


def aligned(content: list[list[str]], left: Sequence[int] = (0,)) -> list[str]:
    """Rows as lines with straight columns; those in `left` are flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(*content, strict=True)]
    wanted = {index % len(widths) for index in left}
    return [
        "  ".join(
            cell.ljust(width) if index in wanted else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in content
    ]
