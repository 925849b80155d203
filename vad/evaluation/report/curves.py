"""Pictures of the results at every threshold: ROC, DET, and rates over the threshold."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from vad.evaluation.frames import Curve
from vad.evaluation.overlap import Floats
from vad.evaluation.report.svg import Axes, Tick, picture, text
from vad.settings import CostWeights

POINTS = 400  # of a drawn line
SIZE = (460, 382)
BOX = (78, 14, 356, 310)
NARROW = 0.0005  # the smallest rate on the normal axes of DET
TENTHS = [Tick(n / 5, f"{20 * n} %") for n in range(6)]
PROBIT = [Tick(p / 100, f"{p:g} %") for p in (0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 80)]


def roc(curve: Curve, point: tuple[float, float]) -> str:
    """Hit over false alarm rate; `point` is (false alarm, miss) of the segments."""
    axes = Axes(*BOX, x=(0, 1))
    alarm, hit = _thinned(curve.false_alarm, curve.hit)
    parts = [
        axes.frame(TENTHS, TENTHS, "false alarm", "detected speech"),
        axes.line([0, 1], [0, 1], "chance"),
        axes.line(alarm, hit, "first"),
        *_mark(axes, point[0], 1 - point[1]),
        text(axes.left + axes.width - 10, axes.top + axes.height - 12, f"AUC {curve.roc_auc:.3f}", "end", "strong"),
    ]
    return picture(*SIZE, parts, f"ROC curve, area {curve.roc_auc:.3f}")


def det(curve: Curve, point: tuple[float, float]) -> str:
    """Miss over false alarm rate, on axes of normal deviates (Martin et al., 1997), which enlarge low rates."""
    axes = Axes(*BOX, x=(NARROW, 0.9), y=(NARROW, 0.9), warp=_probit)
    alarm, miss = _thinned(curve.false_alarm, 1 - curve.hit)
    seen = (np.maximum(alarm, miss) < 0.9) & (np.minimum(alarm, miss) > NARROW)
    rate = curve.eer[0]
    parts = [
        axes.frame(PROBIT[::2] + PROBIT[-1:], PROBIT, "false alarm", "miss"),
        axes.line([NARROW, 0.9], [NARROW, 0.9], "chance"),
        axes.line(alarm[seen], miss[seen], "first"),
        axes.dot(max(rate, NARROW), max(rate, NARROW), "equal", f"equal error rate {rate:.1%}"),
        *(_mark(axes, *point) if min(point) >= NARROW and max(point) <= 0.9 else ()),
        text(axes.left + axes.width - 10, axes.top + 22, f"equal error rate {100 * rate:.1f} %", "end", "strong"),
    ]
    return picture(*SIZE, parts, f"DET curve, equal error rate {rate:.1%}")


def thresholds(curve: Curve, weights: CostWeights, chosen: dict[str, float]) -> str:
    """Miss, false alarm and cost over the threshold; `chosen` are the thresholds in use, by name."""
    low, high = float(curve.threshold[-1]), float(curve.threshold[1])
    span = (min(low, 0.0), max(high, 1.0))
    at = np.linspace(*span, POINTS)
    miss, alarm = curve.at(at)
    cost = (weights.miss * miss + weights.false_alarm * alarm) / sum(weights)
    best = int(np.argmin(cost))
    axes = Axes(*BOX, x=span)
    labels = [Tick(v, f"{v:g}") for v in np.linspace(*span, 6).round(2)]
    parts = [
        axes.frame(labels, TENTHS, "threshold on the score"),
        axes.line(at, miss, "miss"),
        axes.line(at, alarm, "alarm"),
        axes.line(at, cost, "first"),
        axes.dot(at[best], cost[best], "equal", f"lowest cost {cost[best]:.1%} at {at[best]:.2f}"),
        *(axes.upright(value, "chosen") for value in chosen.values()),
        *(
            _label(axes, value, 20 + 20 * number, f"{name} {value:g}")
            for number, (name, value) in enumerate(chosen.items())
        ),
    ]
    return picture(*SIZE, parts, "miss, false alarm and cost over the threshold")


def _label(axes: Axes, x: float, y: float, content: str) -> str:
    """Text beside an upright line at `x`, on the side with more room; `y` is in pixels below the top."""
    right = float(axes.across(x)) < axes.left + axes.width / 2
    at = float(axes.across(x)) + (5 if right else -5)
    return text(at, axes.top + y, content, "start" if right else "end", "halo")


def _mark(axes: Axes, x: float, y: float) -> list[str]:
    """A dot at the rates of the segments, unless they are undefined."""
    if np.isnan([x, y]).any():
        return []
    return [axes.dot(x, y, "here", "the segments, with hysteresis and shortest durations")]


def _thinned(xs: Floats, ys: Floats) -> tuple[Floats, Floats]:
    """About `POINTS` of the points, evenly spaced along the curve."""
    length = np.abs(np.diff(xs, prepend=xs[0])) + np.abs(np.diff(ys, prepend=ys[0]))
    steps = np.cumsum(length)
    keep = np.unique(np.searchsorted(steps, np.linspace(0, steps[-1], POINTS)).clip(0, len(xs) - 1))
    keep = np.union1d(keep, [0, len(xs) - 1])
    return xs[keep], ys[keep]


def _probit(rates: ArrayLike) -> Floats:
    """Normal deviates of rates, limited to a range without 0 and 1."""
    kept = np.clip(np.asarray(rates, float), NARROW / 2, 1 - NARROW / 2)
    deviates: Floats = np.vectorize(NormalDist().inv_cdf, otypes=[float])(kept)
    return deviates
