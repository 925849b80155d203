"""Settings for a goal, and whether they hold on recordings that they were not tuned on."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from vad.errors import SettingError, VadError
from vad.evaluation.durations import Floats
from vad.evaluation.metrics import METRICS, rates
from vad.settings import COST_WEIGHTS, GOALS, CostWeights, Segmentation
from vad.tuning.search import TUNABLE, Trials, search

HARD = 1000.0  # what a limit exceeded by 100 % costs, beside a figure


@dataclass(frozen=True)
class Goal:
    """The figure that shall be low, pooled over all time, and what must not be exceeded.

    Raises `SettingError` for limits that are no shares, and for a goal that is reached by finding
    everything, or nothing.
    """

    minimize: str = "dcf"
    miss_at_most: float = math.inf
    false_alarm_at_most: float = math.inf
    weights: CostWeights = COST_WEIGHTS  # of the detection cost

    def __post_init__(self) -> None:
        if self.minimize not in GOALS:
            raise SettingError(f"minimize={self.minimize}: choose of {', '.join(GOALS)}")
        for name, limit in self.limits.items():
            if not 0 <= limit <= 1:
                raise SettingError(f"{name}_at_most={limit}: give a share from 0 to 1")
        for name, other, what in (("miss", "false_alarm", "everything"), ("false_alarm", "miss", "nothing")):
            if self.minimize == name and other not in self.limits:
                raise SettingError(f"minimize={name}: finding {what} would do; say {other}_at_most, too")

    @property
    def limits(self) -> dict[str, float]:
        """The figures that must not exceed something."""
        limits = {"miss": self.miss_at_most, "false_alarm": self.false_alarm_at_most}
        return {name: limit for name, limit in limits.items() if limit != math.inf}

    def figures(self, seconds: Floats) -> dict[str, float]:
        """The figures of a table; `seconds` `(recording, 4)` are summed."""
        all_of_it = rates(seconds.sum(0), self.weights)
        return {name: float(all_of_it[name]) for name in GOALS}

    def __call__(self, seconds: Floats) -> float:
        """What is to be made small: the figure, and beside it far more for every limit exceeded."""
        figures = self.figures(seconds)
        return figures[self.minimize] + HARD * self.excess(figures)

    def excess(self, figures: dict[str, float]) -> float:
        """By how much limits are exceeded, together."""
        return sum(max(0.0, figures[name] - limit) for name, limit in self.limits.items())

    @property
    def demands(self) -> list[str]:
        """The limits, each as in "miss at most 2 %"."""
        return [f"{METRICS[name].title} at most {100 * limit:g} %" for name, limit in self.limits.items()]

    def __str__(self) -> str:
        """As in "lowest miss (share of the speech that was not found), false alarm at most 2 %"."""
        meaning = METRICS[self.minimize].meaning.format(**self.weights._asdict())
        return ", ".join([f"lowest {METRICS[self.minimize].title} ({meaning})", *self.demands])


SLACK = 1e-9  # by which a limit may be exceeded
MetricValues = dict[str, float]


@dataclass(frozen=True)
class TuningResult:
    """What was found."""

    before: Segmentation
    after: Segmentation
    folds: list[Segmentation]  # each tuned without one part of the recordings; none for a single one
    figures: dict[
        str, MetricValues
    ]  # "before", "tuned", and with folds "left_out": each recording by the fold without it
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
) -> TuningResult:
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
        best = ", ".join(f"{METRICS[name].title} {100 * figures['tuned'][name]:.2f} %" for name in goal.limits)
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
    return TuningResult(before, after, chosen, figures, _notes(goal, figures))


def _notes(goal: Goal, figures: dict[str, MetricValues]) -> list[str]:
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
            f"on others, {METRICS[goal.minimize].title} is no lower than before "
            f"({100 * others[goal.minimize]:.1f} %, {100 * now[goal.minimize]:.1f} % before): "
            "keep the settings you have, or label more"
        )
    return notes
