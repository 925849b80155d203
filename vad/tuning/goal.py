"""What settings shall be good at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vad.errors import SettingError
from vad.evaluation.durations import Floats
from vad.evaluation.metrics import FIGURES, rates
from vad.settings import COST_WEIGHTS, GOALS, CostWeights

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
        return [f"{FIGURES[name].title} at most {100 * limit:g} %" for name, limit in self.limits.items()]

    def __str__(self) -> str:
        """As in "lowest miss (share of the speech that was not found), false alarm at most 2 %"."""
        meaning = FIGURES[self.minimize].meaning.format(**self.weights._asdict())
        return ", ".join([f"lowest {FIGURES[self.minimize].title} ({meaning})", *self.demands])
