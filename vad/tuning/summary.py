"""What tuning found, as text, JSON, and options to paste."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

from vad.evaluation.evaluate import Evaluation
from vad.evaluation.tables import COLUMNS, aligned, shown, summary
from vad.settings import GOALS, Segmentation
from vad.tuning.search import TUNABLE
from vad.tuning.tune import Goal, TuningResult

ROWS = {"before": "before", "tuned": "tuned", "left_out": "tuned, on others"}


def to_options(settings: Segmentation, default: Segmentation, preset: str = "default") -> str:
    """The options of `vad detect` that make `settings`, where `preset` makes `default`."""
    given = [] if preset == "default" else [f"--preset {preset}"]
    names = [name for name, value in asdict(settings).items() if value != getattr(default, name)]
    if "onset" in names and "offset" not in names:
        names.insert(1, "offset")  # an onset alone may move it
    return " ".join([*given, *(f"--{name.replace('_', '-')} {getattr(settings, name):g}" for name in names)])


def to_text(tuned: TuningResult, heard: Evaluation, goal: Goal, options: str) -> str:
    """Figures and settings, before and after, and the options."""
    rows = [["", *(f"{COLUMNS[name]} %" for name in GOALS)]]
    for kind, figures in tuned.figures.items():
        rows.append([ROWS[kind], *(shown(name, figures[name], sign=False) for name in GOALS)])
    settings = [["", "before", "tuned", *(["in the folds"] if tuned.folds else [])]]
    for name in TUNABLE:
        values = [f"{getattr(s, name):g}" for s in (tuned.before, tuned.after)]
        each = [getattr(s, name) for s in tuned.folds]
        between = [" .. ".join(f"{v:g}" for v in sorted({min(each), max(each)}))] if each else []
        settings.append([name, *values, *between])
    about = [summary(heard), f"goal: {goal}"]
    blocks = [about, aligned(rows), aligned(settings), [options or "The settings are good as they are."]]
    return "\n\n".join("\n".join(block) for block in blocks)


def to_json(tuned: TuningResult, heard: Evaluation, goal: Goal, options: str) -> str:
    """The same; shares as numbers from 0 to 1, null for no limit."""
    content = {
        **heard.about,
        "recordings": len(heard.whole.recordings),
        "minutes": round(heard.whole.pooled["minutes"], 3),
        "goal": str(goal),
        "before": _finite(tuned.before),
        "tuned": _finite(tuned.after),
        "folds": [_finite(settings) for settings in tuned.folds],
        "figures": {
            kind: {name: round(value, 6) for name, value in figures.items()} for kind, figures in tuned.figures.items()
        },
        "options": options,
        "notes": tuned.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def _finite(settings: Segmentation) -> dict[str, Any]:
    return {name: None if value == math.inf else value for name, value in asdict(settings).items()}
