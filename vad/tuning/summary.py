"""The result of tuning as text, as JSON, and as options to paste."""

from __future__ import annotations

import shlex
from dataclasses import asdict

from vad.evaluation.evaluate import Evaluation
from vad.evaluation.tables import COLUMNS, align, provenance, show, summary
from vad.formats import json
from vad.settings import GOALS, Segmentation
from vad.tuning.search import TUNABLE
from vad.tuning.tune import Goal, TuningResult

ROWS = {"before": "before", "tuned": "tuned", "left_out": "tuned, on others"}


def to_options(
    settings: Segmentation,
    default: Segmentation,
    preset: str = "default",
    model: str | None = None,
    latency: str | None = None,
) -> str:
    """The options of `vad detect` that give `settings`, where `preset` gives `default`.

    `model` and `latency` are those for which the settings were found; None: the default ones.
    """
    given = [] if model is None else [f"--model {shlex.quote(model)}"]
    given += [] if latency is None else [f"--latency {latency}"]
    given += [] if preset == "default" else [f"--preset {preset}"]
    names = [name for name, value in asdict(settings).items() if value != getattr(default, name)]
    if "onset" in names and "offset" not in names:
        names.insert(1, "offset")  # an onset alone may move it
    return " ".join([*given, *(f"--{name.replace('_', '-')} {getattr(settings, name):g}" for name in names)])


def to_text(tuned: TuningResult, evaluation: Evaluation, goal: Goal, options: str) -> str:
    """Metrics and settings, before and after, and the options; `evaluation` is that of the settings before."""
    rows = [["", *(f"{COLUMNS[name]} %" for name in GOALS)]]
    for kind, values in tuned.metrics.items():
        rows.append([ROWS[kind], *(show(name, values[name], sign=False) for name in GOALS)])
    settings = [["", "before", "tuned", *(["in the folds"] if tuned.folds else [])]]
    for name in TUNABLE:
        pair = [f"{getattr(s, name):g}" for s in (tuned.before, tuned.after)]
        each = [getattr(s, name) for s in tuned.folds]
        between = [" .. ".join(f"{v:g}" for v in sorted({min(each), max(each)}))] if each else []
        settings.append([name, *pair, *between])
    about = [summary(evaluation), f"goal: {goal}"]
    blocks = [about, align(rows), align(settings), [options or "The settings are good as they are."]]
    return "\n\n".join("\n".join(block) for block in blocks)


def to_json(tuned: TuningResult, evaluation: Evaluation, goal: Goal, options: str) -> str:
    """The same; shares as numbers from 0 to 1, null for no limit."""
    return json.to_text(
        {
            **provenance(evaluation.about, evaluation.whole.settings),
            "recordings": len(evaluation.whole.recordings),
            "minutes": round(evaluation.whole.pooled["minutes"], 3),
            "goal": str(goal),
            "before": asdict(tuned.before),
            "tuned": asdict(tuned.after),
            "folds": [asdict(settings) for settings in tuned.folds],
            "metrics": {
                kind: {name: round(value, 6) for name, value in values.items()}
                for kind, values in tuned.metrics.items()
            },
            "options": options,
            "notes": tuned.notes,
        }
    ).rstrip("\n")
