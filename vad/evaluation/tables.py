"""An evaluation as text: a table for the terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vad import __version__
from vad.evaluation.evaluate import Evaluation
from vad.evaluation.metrics import METRICS
from vad.evaluation.results import CONFIDENCE, Group
from vad.formats import printable
from vad.formats.csv import safe_cell
from vad.formats.json import to_text
from vad.settings import CostWeights, EvaluationSettings
from vad.wording import pluralize

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
    "missed_segments": "missed",
    "false_alarm_segments": "alarms",
}
THRESHOLD_FREE = ("roc_auc", "pr_auc", "eer")  # metrics of scores
MOST_RECORDINGS = 50  # in a table for the terminal; of more, those with the most time in error
SIGNS = {"%": " %", "ms": " ms", "/h": "/h", "min": "", "n": "", "": ""}
DIGITS = {"%": 1, "ms": 0, "/h": 1, "min": 2, "n": 0, "": 3}


def show(name: str, value: float, sign: bool = True) -> str:
    """A metric as a person reads it, with its unit if `sign`; a dash where it is undefined."""
    if math.isnan(value):
        return "-"
    unit = METRICS[name].unit
    digits = 1 if unit == "n" and value != int(value) else DIGITS[unit]  # the mean of a count
    number = round(100 * value if unit == "%" else value, digits) + 0.0  # no -0
    text = f"{number:.{digits}f}"
    return text + (SIGNS[unit] if sign else "")


def meaning(name: str, weights: CostWeights) -> str:
    """What a metric means; `weights` are those of the detection cost."""
    return METRICS[name].meaning.format(**weights._asdict())


def summary(evaluation: Evaluation) -> str:
    """What was evaluated, in a line."""
    values, recordings = evaluation.whole.pooled, pluralize(len(evaluation.whole.recordings), "recording")
    line = f"{recordings}, {show('minutes', values['minutes'])} min, speech {show('speech', values['speech'])}"
    reference = evaluation.about.get("reference")
    return printable(f"{line}, reference {reference}") if reference else line


def to_table(evaluation: Evaluation) -> str:
    """For the terminal: every metric of the whole, then a row per group and recording."""
    whole = evaluation.whole
    blocks = [[summary(evaluation)], align(metric_rows(whole), left=(0, -1))]
    if evaluation.groups:
        blocks.append(align(metric_columns("group", evaluation.groups.items())))
    if len(whole.recordings) > 1:
        listed, more = whole.each, []
        if len(listed) > MOST_RECORDINGS:
            listed = sorted(listed, key=lambda one: -float(one[1].recordings[0].seconds[1:3].sum()))[:MOST_RECORDINGS]
            left = pluralize(len(whole.each) - MOST_RECORDINGS, "recording")
            more = [f"... and {left} with less time in error (all: --format csv)"]
        blocks.append([*align(metric_columns("recording", listed)), *more])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def to_markdown(evaluation: Evaluation) -> str:
    """The same as tables of Markdown, with all recordings."""
    whole = evaluation.whole
    tables = [metric_rows(whole)]
    if evaluation.groups:
        tables.append(metric_columns("group", evaluation.groups.items()))
    tables.append(metric_columns("recording", whole.each))
    return "\n\n".join([summary(evaluation), *map(markdown, tables)]) + "\n"


def markdown(content: list[list[str]]) -> str:
    """Rows as a table of Markdown; the first row is the head."""
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
    for kind, name, values in lines:
        writer.writerow([kind, safe_cell(name), *("" if math.isnan(v) else f"{v:.9g}" for v in values.values())])
    return text.getvalue()


def to_json(evaluation: Evaluation) -> str:
    """The whole evaluation; null for undefined metrics, and why they are undefined."""
    whole = evaluation.whole
    return to_text(
        {
            **provenance(evaluation.about, whole.settings),
            **group_values(whole),
            "groups": {name: group_values(group) for name, group in evaluation.groups.items()},
            "recordings": [
                {"name": name, "duration": alone.recordings[0].duration, **alone.pooled} for name, alone in whole.each
            ],
            "notes": evaluation.notes,
            "problems": evaluation.problems,
        }
    )


def provenance(about: dict[str, Any], settings: EvaluationSettings) -> dict[str, Any]:
    """What every JSON result begins with: the version, `about` (models, settings, files), and how it was measured."""
    return {
        "vad": __version__,
        **about,
        "collar": settings.collar,
        "dcf_weights": settings.weights._asdict(),
        "bootstrap": {"resamples": settings.resamples, "seed": settings.seed, "percent": CONFIDENCE},
    }


WRITERS: dict[str, Callable[[Evaluation], str]] = {
    "table": to_table,
    "json": to_json,
    "csv": to_csv,
    "markdown": to_markdown,
}


def group_values(group: Group) -> dict[str, Any]:
    """The metrics of a group, for JSON."""
    undefined = {name: f"no {METRICS[name].needs}" for name, value in group.pooled.items() if math.isnan(value)}
    return {"pooled": group.pooled, "mean": group.mean, "intervals": group.intervals, "undefined": undefined}


def metric_rows(group: Group) -> list[list[str]]:
    """A row per metric of a group, head first: its value, interval, mean over recordings, and meaning."""
    several = len(group.recordings) > 1
    scored = any(r.scores is not None for r in group.recordings)
    head = ["", "all", f"{CONFIDENCE:.0f} % interval", "mean", "what it is"]
    content = [head if several else [head[0], head[1], head[-1]]]
    for name, value in group.pooled.items():
        if name in ("minutes", "speech") or (name in THRESHOLD_FREE and not scored):
            continue
        low, high = group.intervals.get(name, (math.nan, math.nan))
        between = "" if math.isnan(low) else f"{show(name, low, False)} .. {show(name, high, False)}"
        undefined = f"undefined: no {METRICS[name].needs}"
        what = undefined if math.isnan(value) else meaning(name, group.settings.weights)
        extra = [between, show(name, group.mean[name])] if several else []
        content.append([METRICS[name].title, show(name, value), *extra, what])
    return content


def metric_columns(what: str, groups: Iterable[tuple[str, Group]], without: Sequence[str] = ()) -> list[list[str]]:
    """A row per group, head first, with the metrics of `COLUMNS` except those in `without` and those no group has."""
    named = [(printable(name), group.pooled) for name, group in groups]
    columns = [c for c in COLUMNS if c not in without and any(not math.isnan(values[c]) for _, values in named)]
    head = [what, *(_head(c) for c in columns)]
    return [head, *([name, *(show(c, values[c], False) for c in columns)] for name, values in named)]


def _head(column: str) -> str:
    unit = METRICS[column].unit
    return COLUMNS[column] + (f" {unit}" if unit in ("%", "ms") else "")


def align(content: list[list[str]], left: Sequence[int] = (0,)) -> list[str]:
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
