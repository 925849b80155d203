"""Settings for a goal, and whether they hold on recordings that they were not tuned on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from vad.errors import SettingError, VadError
from vad.evaluation.metrics import FIGURES
from vad.settings import Segmentation
from vad.tuning.goal import Goal
from vad.tuning.search import TUNABLE, search
from vad.tuning.trials import Trials

SLACK = 1e-9  # by which a limit may be exceeded
Figures = dict[str, float]


@dataclass(frozen=True)
class Tuned:
    """What was found."""

    before: Segmentation
    after: Segmentation
    folds: list[Segmentation]  # each tuned without one part of the recordings; none for a single one
    figures: dict[str, Figures]  # "before", "tuned", and with folds "left_out": each recording by the fold without it
    notes: list[str] = field(default_factory=list)  # what one should know before using the settings


def tune(
    trials: Trials,
    goal: Goal,
    before: Segmentation,
    free: Collection[str] = TUNABLE,
    *,
    folds: int = 5,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Tuned:
    """Find settings for `goal`, where `before` is what is used now and only settings in `free` change.

    Cross-validation: the recordings are divided into `folds` parts at random by `seed`, and each
    part is measured with what is found on the others. `progress` is told how many of the
    `folds + 1` searches are done. Raises `VadError` where no settings keep to the limits of the
    goal, or the recordings are all speech or hold none.
    """
    if folds < 2:
        raise SettingError(f"folds={folds}: give at least 2")
    if seed < 0:
        raise SettingError(f"seed={seed}: give 0 or more")
    first = goal.figures(trials(before))
    if np.isnan(list(first.values())).any():
        lacking = "speech" if np.isnan(first["miss"]) else "time without speech"
        raise VadError(f"the references hold no {lacking}: settings cannot be tuned on them")
    after = search(trials, goal, before, free)
    figures = {"before": first, "tuned": goal.figures(trials(after))}
    if goal.excess(figures["tuned"]) > SLACK:
        best = ", ".join(f"{FIGURES[name].title} {100 * figures['tuned'][name]:.2f} %" for name in goal.limits)
        raise VadError(f"no settings reach {' and '.join(goal.demands)}; the nearest come to {best}")
    progress(1)
    count = len(trials.recordings)
    parts = np.array_split(np.random.default_rng(seed).permutation(count), min(folds, count)) if count > 1 else []
    chosen, left_out = [], np.zeros((count, 4))
    for done, part in enumerate(parts, 2):
        chosen.append(search(trials, goal, before, free, np.setdiff1d(np.arange(count), part)))
        left_out[part] = trials(chosen[-1])[part]
        progress(done)
    if chosen:
        figures["left_out"] = goal.figures(left_out)
    return Tuned(before, after, chosen, figures, _notes(goal, figures))


def _notes(goal: Goal, figures: dict[str, Figures]) -> list[str]:
    """Whether the settings can be trusted."""
    if "left_out" not in figures:
        return ["a single recording cannot be cross-validated: how the settings do on others is unknown"]
    now, others = figures["before"], figures["left_out"]
    notes = [
        f"{demand} does not hold on others, where it is {100 * others[name]:.1f} %; aim lower, or label more"
        for (name, limit), demand in zip(goal.limits.items(), goal.demands, strict=True)
        if others[name] > limit + SLACK
    ]
    if goal.excess(now) <= SLACK and others[goal.minimize] >= now[goal.minimize]:
        notes.append(
            f"on others, {FIGURES[goal.minimize].title} is no lower than before "
            f"({100 * others[goal.minimize]:.1f} %, {100 * now[goal.minimize]:.1f} % before): "
            "keep the settings you have, or label more"
        )
    return notes
