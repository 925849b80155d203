"""A plot of tuning: metrics over the onset, and the settings among all that were tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vad.evaluation.metrics import METRICS
from vad.evaluation.overlap import Floats
from vad.plotting.style import DETECTED, FALSE_ALARM, MISSED, SOUND
from vad.settings import Segmentation
from vad.tuning.search import Trials
from vad.tuning.tune import Goal, TuningResult

COLOURS = {"miss": MISSED, "false_alarm": FALSE_ALARM, "dcf": DETECTED, "deter": DETECTED}
ONSETS = np.round(np.linspace(0.02, 0.98, 49), 2)


def draw(trials: Trials, goal: Goal, tuned: TuningResult) -> Figure:
    """Left the metrics over the onset, with all other settings as tuned; right all settings that were tried."""
    figure = Figure((10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    values = [goal.metrics(seconds) for seconds in trials.tried.values()]
    tried = np.array([[v["false_alarm"], v["miss"]] for v in values])
    _draw_curves(left, trials, goal, tuned)
    _draw_tried(right, 100 * tried, goal, tuned)
    return figure


def _draw_curves(axes: Axes, trials: Trials, goal: Goal, tuned: TuningResult) -> None:
    share = tuned.after.offset / max(tuned.after.onset, 1e-9)
    curve = [goal.metrics(trials(_with_onset(tuned.after, float(onset), share))) for onset in ONSETS]
    for name in dict.fromkeys(["miss", "false_alarm", goal.minimize]):
        wide = 1.8 if name == goal.minimize else 1.0
        axes.plot(ONSETS, [100 * f[name] for f in curve], color=COLOURS[name], lw=wide, label=METRICS[name].title)
    axes.axvline(tuned.before.onset, color="0.5", ls=":", label=f"before, {tuned.before.onset:g}")
    axes.axvline(tuned.after.onset, color="0.2", ls="--", label=f"tuned, {tuned.after.onset:g}")
    top = 100 * max(*(f[goal.minimize] for f in tuned.metrics.values()), 0.02)
    axes.set(
        xlabel=f"onset, with the offset at {share:.0%} of it", ylabel="%", xlim=(0, 1), ylim=(0, min(100, 3 * top))
    )
    axes.set_title("The onset, all else as tuned", loc="left")
    axes.legend()


def _draw_tried(axes: Axes, tried: Floats, goal: Goal, tuned: TuningResult) -> None:
    axes.plot(*tried.T, ".", color=SOUND, ms=3, alpha=0.5, mew=0, label=f"{len(tried)} settings tried")
    marks = {
        "before": ("s", "0.3", "before"),
        "tuned": ("o", DETECTED, "tuned"),
        "left_out": ("D", MISSED, "on others"),
    }
    for kind, values in tuned.metrics.items():
        mark, colour, name = marks[kind]
        x, y = 100 * values["false_alarm"], 100 * values["miss"]
        axes.plot([x], [y], mark, color=colour, ms=6, mec="w", mew=0.8, label=name)
    for (name, limit), constraint in zip(goal.limits.items(), goal.constraints, strict=True):
        line = axes.axhline if name == "miss" else axes.axvline
        line(100 * limit, color=COLOURS[name], ls="--", lw=0.8, label=constraint)
    across, up = (min(100, 200 * max(f[n] for f in tuned.metrics.values()) + 2) for n in ("false_alarm", "miss"))
    axes.set(xlabel="false alarm, %", ylabel="miss, %", xlim=(0, across), ylim=(0, up))
    axes.set_title("Miss and false alarm", loc="left")
    axes.legend()


def _with_onset(settings: Segmentation, onset: float, share: float) -> Segmentation:
    return replace(settings, onset=onset, offset=round(onset * share, 3))
