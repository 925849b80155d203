"""Goals, settings tuned for a goal, and cross-validation of the settings on recordings left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from vad.errors import SettingError, VadError
from vad.evaluation.metrics import METRICS, rates
from vad.evaluation.overlap import Floats
from vad.evaluation.results import MetricValues
from vad.evaluation.tables import meaning
from vad.settings import COST_WEIGHTS, GOALS, CostWeights, Segmentation
from vad.tuning.search import TUNABLE, Trials, search

PENALTY = 1000.0  # cost of exceeding a limit by 100 %
SLACK = 1e-9  # by which a limit may be exceeded


@dataclass(frozen=True)
class Goal:
    """The metric to minimise, pooled over the time of all recordings, and limits for others.

    Raises `SettingError` for limits outside 0..1, and for a goal that detecting everything, or
    nothing, would reach.
    """

    minimize: str = "dcf"
    miss_at_most: float = math.inf
    false_alarm_at_most: float = math.inf
    weights: CostWeights = COST_WEIGHTS  # of the detection cost

    def __post_init__(self) -> None:
        if self.minimize not in GOALS:
            raise SettingError(f"minimize={self.minimize}: choose one of {', '.join(GOALS)}", "minimize")
        for name, limit in self.limits.items():
            if not 0 <= limit <= 1:
                raise SettingError(f"{name}_at_most={limit}: give a share from 0 to 1", f"{name}_at_most")
        for name, other, what in (("miss", "false_alarm", "everything"), ("false_alarm", "miss", "nothing")):
            if self.minimize == name and other not in self.limits:
                raise SettingError(
                    f"minimize={name}: detecting {what} would reach this goal; set {other}_at_most, too", "minimize"
                )

    @property
    def limits(self) -> MetricValues:
        """The metrics with a limit, and their limits."""
        limits = {"miss": self.miss_at_most, "false_alarm": self.false_alarm_at_most}
        return {name: limit for name, limit in limits.items() if limit != math.inf}

    def metrics(self, seconds: Floats) -> MetricValues:
        """The metrics in `GOALS`, of `seconds` `(recording, 4)` summed over the recordings."""
        values = rates(seconds.sum(0), self.weights)
        return {name: float(values[name]) for name in GOALS}

    def __call__(self, seconds: Floats) -> float:
        """The cost to minimise: the metric, plus a penalty for every limit that is exceeded."""
        values = self.metrics(seconds)
        return values[self.minimize] + PENALTY * self.excess(values)

    def excess(self, values: MetricValues) -> float:
        """By how much the limits are exceeded, in total."""
        return sum(max(0.0, values[name] - limit) for name, limit in self.limits.items())

    @property
    def constraints(self) -> list[str]:
        """The limits as text, like "miss at most 2 %"."""
        return [f"{METRICS[name].title} at most {100 * limit:g} %" for name, limit in self.limits.items()]

    def __str__(self) -> str:
        """Like "lowest miss (share of the speech that was not detected), false alarm at most 2 %"."""
        what = f"lowest {METRICS[self.minimize].title} ({meaning(self.minimize, self.weights)})"
        return ", ".join([what, *self.constraints])


@dataclass(frozen=True)
class TuningResult:
    """Settings before and after tuning, and their metrics."""

    before: Segmentation
    after: Segmentation
    folds: list[Segmentation]  # each tuned without one part of the recordings; empty for a single recording
    metrics: dict[str, MetricValues]  # "before", "tuned", and with folds "left_out": see `tune`
    notes: list[str] = field(default_factory=list)  # warnings about the settings


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
    """Find settings for `goal`, starting from `before`; only settings in `free` change.

    Cross-validation: the recordings are divided into `folds` parts at random by `seed`. Each part
    is evaluated with settings tuned on the other parts: the metrics called "left_out". `progress`
    gets the number of finished searches, of `folds + 1`. Raises `VadError` if no settings keep
    the limits of the goal, or the references hold no speech or nothing else.
    """
    if folds < 2:
        raise SettingError(f"folds={folds}: give at least 2", "folds")
    if seed < 0:
        raise SettingError(f"seed={seed}: give 0 or more", "seed")
    first = goal.metrics(trials(before))
    if np.isnan(list(first.values())).any():
        lacking = "speech" if np.isnan(first["miss"]) else "time without speech"
        raise VadError(f"the references hold no {lacking}: settings cannot be tuned on them")
    after = search(trials, goal, before, free)
    metrics = {"before": first, "tuned": goal.metrics(trials(after))}
    if goal.excess(metrics["tuned"]) > SLACK:
        best = ", ".join(f"{METRICS[name].title} {100 * metrics['tuned'][name]:.2f} %" for name in goal.limits)
        raise VadError(f"no settings reach {' and '.join(goal.constraints)}; the nearest come to {best}")
    progress(1)
    count = len(trials.recordings)
    parts = np.array_split(np.random.default_rng(seed).permutation(count), min(folds, count)) if count > 1 else []
    chosen, left_out = [], np.zeros((count, 4))
    for done, part in enumerate(parts, 2):
        chosen.append(search(trials, goal, before, free, np.setdiff1d(np.arange(count), part)))
        left_out[part] = trials(chosen[-1])[part]
        progress(done)
    if chosen:
        metrics["left_out"] = goal.metrics(left_out)
    return TuningResult(before, after, chosen, metrics, _notes(goal, metrics))


def _notes(goal: Goal, metrics: dict[str, MetricValues]) -> list[str]:
    """Reasons not to trust the settings."""
    if "left_out" not in metrics:
        return ["a single recording cannot be cross-validated: how the settings do on others is unknown"]
    now, others = metrics["before"], metrics["left_out"]
    notes = [
        f"{constraint} does not hold on others, where it is {100 * others[name]:.1f} %; aim lower, or label more"
        for (name, limit), constraint in zip(goal.limits.items(), goal.constraints, strict=True)
        if others[name] > limit + SLACK
    ]
    if goal.excess(now) <= SLACK and others[goal.minimize] >= now[goal.minimize]:
        notes.append(
            f"on others, {METRICS[goal.minimize].title} is no lower than before "
            f"({100 * others[goal.minimize]:.1f} %, {100 * now[goal.minimize]:.1f} % before): "
            "keep the settings you have, or label more"
        )
    return notes
