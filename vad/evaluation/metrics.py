"""The figures: what each is called, what it means, and how it follows from what was scored_regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vad.evaluation.boundaries import FOUND
from vad.settings import CostWeights


@dataclass(frozen=True)
class Figure:
    """One figure of the tables."""

    title: str
    unit: str
    meaning: str
    needs: str = ""  # without what it is undefined
    better: int = 0  # 1 more, -1 less is better, 0 neither


SPEECH, OTHER, TIME = "speech to find", "time without speech", "time that counts"
BOTH, PAIRS = "scores of both speech and silence", "boundaries found"

# By unit: "%" for shares, "" for numbers from 0 to 1, "n" for what is scored_regions.
METRICS: dict[str, Figure] = {
    "deter": Figure("detection error rate", "%", "missed and falsely found time, per time of speech", SPEECH, -1),
    "miss": Figure("miss", "%", "share of the speech that was not found", SPEECH, -1),
    "false_alarm": Figure("false alarm", "%", "share of the other time that was taken for speech", OTHER, -1),
    "precision": Figure("precision", "%", "share of what was found that is speech", "speech found", 1),
    "recall": Figure("recall", "%", "share of the speech that was found", SPEECH, 1),
    "f1": Figure("F1", "%", "harmonic mean of precision and recall", "speech", 1),
    "accuracy": Figure("accuracy", "%", "share of the time that is decided rightly", TIME, 1),
    "dcf": Figure(
        "detection cost", "%", "DCF: {miss:g} miss + {false_alarm:g} false alarm", f"{SPEECH}, or no {OTHER}", -1
    ),
    "roc_auc": Figure("ROC-AUC", "", "chance that a frame of speech outscores another", BOTH, 1),
    "pr_auc": Figure("PR-AUC", "", "average precision over all thresholds", BOTH, 1),
    "eer": Figure("equal error rate", "%", "miss and false alarm at the threshold where they are equal", BOTH, -1),
    "onset_median": Figure("onset error, median", "ms", "distance of starts from where they should be", PAIRS, -1),
    "onset_p95": Figure("onset error, 95 %", "ms", "19 of 20 starts are nearer than this", PAIRS, -1),
    "onset_bias": Figure("onset bias", "ms", "median with its sign: above 0, starts come late", PAIRS),
    "offset_median": Figure("offset error, median", "ms", "the same for ends", PAIRS, -1),
    "offset_p95": Figure("offset error, 95 %", "ms", "19 of 20 ends are nearer than this", PAIRS, -1),
    "offset_bias": Figure("offset bias", "ms", "median with its sign: above 0, ends come late", PAIRS),
    "segments": Figure("segments", "n", "stretches of speech in the reference"),
    "found": Figure("segments found", "n", f"of them, {100 * FOUND:.0f} % or more of the time covered", better=1),
    "missed": Figure("segments missed", "n", "the others", better=-1),
    "phantom": Figure("phantom segments", "n", "found where nobody speaks", better=-1),
    "alarms_per_hour": Figure("false alarms per hour", "/h", "phantom segments per hour of sound", TIME, -1),
    "minutes": Figure("minutes", "min", "of sound that counts"),
    "speech": Figure("speech", "%", "share of the time, in the reference", TIME),
}


def rates(seconds: Any, weights: CostWeights) -> dict[str, Any]:
    """The figures that follow from durations; NaN where undefined.

    `seconds` `(..., 4)` are correctly found, missed, falsely found and correctly left. Formulas as
    in pyannote.metrics (Bredin, 2017); the detection cost is NIST's (OpenSAT).
    """
    hit, miss, alarm, quiet = np.moveaxis(np.asarray(seconds, float), -1, 0)
    total = hit + miss + alarm + quiet
    missed, alarmed = _share(miss, hit + miss), _share(alarm, alarm + quiet)
    return {
        "deter": _share(miss + alarm, hit + miss),
        "miss": missed,
        "false_alarm": alarmed,
        "precision": _share(hit, hit + alarm),
        "recall": _share(hit, hit + miss),
        "f1": _share(2 * hit, 2 * hit + miss + alarm),
        "accuracy": _share(hit + quiet, total),
        "dcf": weights.miss * missed + weights.false_alarm * alarmed,
        "minutes": total / 60,
        "speech": _share(hit + miss, total),
    }


def boundary_metrics(name: str, errors: Any) -> dict[str, float]:
    """Median and 95th percentile of `errors` `(pair,)` in seconds, and their bias, in milliseconds; NaN for none."""
    if not len(errors):
        return dict.fromkeys((f"{name}_median", f"{name}_p95", f"{name}_bias"), float("nan"))
    ms = 1000 * np.asarray(errors)
    median, most = np.percentile(np.abs(ms), [50, 95])
    return {f"{name}_median": float(median), f"{name}_p95": float(most), f"{name}_bias": float(np.median(ms))}


def _share(part: Any, whole: Any) -> Any:
    """`part / whole`, NaN where there is no whole."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
