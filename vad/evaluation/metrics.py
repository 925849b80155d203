"""The metrics: title, unit and meaning of each, and the formulas that give them from durations and errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vad.evaluation.boundaries import HIT_COVERAGE
from vad.settings import CostWeights


@dataclass(frozen=True)
class Metric:
    """One metric of the tables."""

    title: str
    unit: str
    meaning: str
    needs: str = ""  # what must be there for the metric to be defined
    better: int = 0  # 1 higher, -1 lower is better, 0 neither


SPEECH, OTHER, TIME = "speech in the reference", "time without speech", "scored time"
BOTH, PAIRS = "scores of both speech and non-speech", "pairs of boundaries"
COST = "DCF: {miss:g} miss + {false_alarm:g} false alarm"

# By unit: "%" for shares, "" for numbers from 0 to 1, "n" for counts.
METRICS: dict[str, Metric] = {
    "deter": Metric("detection error rate", "%", "missed time and false alarm time, per time of speech", SPEECH, -1),
    "miss": Metric("miss", "%", "share of the speech that was not detected", SPEECH, -1),
    "false_alarm": Metric("false alarm", "%", "share of the other time that was detected as speech", OTHER, -1),
    "precision": Metric("precision", "%", "share of the detected time that is speech", "detected speech", 1),
    "recall": Metric("recall", "%", "share of the speech that was detected", SPEECH, 1),
    "f1": Metric("F1", "%", "harmonic mean of precision and recall", "speech", 1),
    "accuracy": Metric("accuracy", "%", "share of the time that is classified correctly", TIME, 1),
    "dcf": Metric("detection cost", "%", COST, f"{SPEECH}, or no {OTHER}", -1),
    "roc_auc": Metric("ROC-AUC", "", "chance that a frame of speech scores higher than another", BOTH, 1),
    "pr_auc": Metric("PR-AUC", "", "average precision over all thresholds", BOTH, 1),
    "eer": Metric("equal error rate", "%", "miss and false alarm at the threshold where they are equal", BOTH, -1),
    "onset_pairs": Metric("onset pairs", "n", "starts in the reference and detected that are each other's nearest"),
    "onset_median": Metric("onset error, median", "ms", "distance between the starts of a pair", PAIRS, -1),
    "onset_p95": Metric("onset error, 95 %", "ms", "95 % of the paired starts are nearer than this", PAIRS, -1),
    "onset_bias": Metric("onset bias", "ms", "median with its sign: above 0, paired starts are detected late", PAIRS),
    "offset_pairs": Metric("offset pairs", "n", "ends in the reference and detected that are each other's nearest"),
    "offset_median": Metric("offset error, median", "ms", "distance between the ends of a pair", PAIRS, -1),
    "offset_p95": Metric("offset error, 95 %", "ms", "95 % of the paired ends are nearer than this", PAIRS, -1),
    "offset_bias": Metric("offset bias", "ms", "median with its sign: above 0, paired ends are detected late", PAIRS),
    "segments": Metric("segments", "n", "speech segments in the reference"),
    "hit_segments": Metric("segments hit", "n", f"those detected for {100 * HIT_COVERAGE:.0f} % or more", better=1),
    "missed_segments": Metric("segments missed", "n", "the others", better=-1),
    "false_alarm_segments": Metric("false-alarm segments", "n", "detected segments without any speech", better=-1),
    "false_alarms_per_hour": Metric("false alarms per hour", "/h", "false-alarm segments per hour of sound", TIME, -1),
    "minutes": Metric("minutes", "min", "of scored sound"),
    "speech": Metric("speech", "%", "share of the time, in the reference", TIME),
}


def rates(seconds: Any, weights: CostWeights) -> dict[str, Any]:
    """The metrics that follow from durations; NaN where undefined.

    `seconds` `(..., 4)` are hit, miss, false alarm and correct rejection. Formulas as in
    pyannote.metrics (Bredin, 2017); the detection cost is NIST's (OpenSAT).
    """
    hit, miss, alarm, rejection = np.moveaxis(np.asarray(seconds, float), -1, 0)
    total = hit + miss + alarm + rejection
    miss_rate, alarm_rate = _share(miss, hit + miss), _share(alarm, alarm + rejection)
    return {
        "deter": _share(miss + alarm, hit + miss),
        "miss": miss_rate,
        "false_alarm": alarm_rate,
        "precision": _share(hit, hit + alarm),
        "recall": _share(hit, hit + miss),
        "f1": _share(2 * hit, 2 * hit + miss + alarm),
        "accuracy": _share(hit + rejection, total),
        "dcf": weights.miss * miss_rate + weights.false_alarm * alarm_rate,
        "minutes": total / 60,
        "speech": _share(hit + miss, total),
    }


def boundary_metrics(name: str, errors: Any) -> dict[str, float]:
    """The number of `errors` `(pair,)`, which are seconds; in milliseconds their median and 95th percentile, without
    sign, and their bias. NaN for none."""
    ms = 1000 * np.asarray(errors) if len(errors) else np.array([np.nan])
    median, p95 = np.percentile(np.abs(ms), [50, 95])
    values = {"pairs": len(errors), "median": median, "p95": p95, "bias": np.median(ms)}
    return {f"{name}_{key}": float(value) for key, value in values.items()}


def _share(part: Any, whole: Any) -> Any:
    """`part / whole`, NaN where there is no whole."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
