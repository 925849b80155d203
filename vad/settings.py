"""Settings and their defaults, which are defined here alone. Imports the standard library only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from vad.errors import SettingError

DTYPES = ("uint8", "int16", "int32", "float32", "float64")  # of raw samples
LONGEST = 1_000_000  # seconds, for any duration

_EXTENSIONS = """
    3gp aac ac3 aif aifc aiff alac amr ape au avi caf flac flv m4a m4b m4v mka mkv mov mp2 mp3 mp4 mpeg mpg
    oga ogg opus snd sph ts tta voc w64 wav webm wma wmv wv
"""
EXTENSIONS = frozenset(f".{name}" for name in _EXTENSIONS.split())  # of audio and video files


@dataclass(frozen=True)
class Segmentation:
    """How scores become segments: two thresholds for scores of 0..1, and durations in seconds.

    Raises `SettingError` where a value is out of range or contradicts another.
    """

    onset: float = 0.5  # a score from here up starts speech; each model has its own default
    offset: float = 0.35  # a lower score ends speech; each model has its own default
    min_speech: float = 0.1  # shorter speech is dropped; a model may have its own default
    min_silence: float = 0.1  # shorter pauses are bridged
    pad_start: float = 0.0  # added before each segment
    pad_end: float = 0.0  # added after each segment
    max_speech: float = math.inf  # longer segments are cut, padding included

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if not 0 <= value <= LONGEST and not (value == math.inf and f.name == "max_speech"):
                raise SettingError(f"{f.name}={value}: give a number from 0 to {LONGEST}", f.name)
        if self.onset > 1:
            raise SettingError(f"onset={self.onset}: scores go from 0 to 1; give an onset between them", "onset")
        if self.offset > self.onset:
            raise SettingError(
                f"offset={self.offset} lies above onset={self.onset}; speech must end at a lower score than it starts",
                "offset",
            )
        shortest = self.pad_start + self.pad_end + max(self.min_speech, 0.1)
        if self.max_speech < shortest - 1e-9:
            raise SettingError(
                f"max_speech={self.max_speech} leaves no room for padding and min_speech; give at least {shortest:g}",
                "max_speech",
            )


# The settings of each preset; the model adds its own thresholds for the preset.
PRESETS: dict[str, dict[str, float]] = {
    "default": {},
    "recall": {"min_speech": 0.05, "pad_start": 0.1, "pad_end": 0.15},
    "precision": {"min_speech": 0.2},
    "asr": {"min_silence": 0.6, "pad_start": 0.2, "pad_end": 0.3, "max_speech": 30.0},
}


def to_segmentation(
    thresholds: Mapping[str, Mapping[str, float]], preset: str = "default", **changes: float | None
) -> Segmentation:
    """The settings of a `preset` with a model's `thresholds` for it, and with `changes` that are not None.

    An `onset` below the preset's offset lowers the offset, too. Raises `SettingError` for an unknown
    preset or setting, and for values out of range.
    """
    if preset not in PRESETS:
        raise SettingError(f"preset={preset!r}: valid are {', '.join(PRESETS)}", "preset")
    known = {f.name for f in fields(Segmentation)}
    if unknown := changes.keys() - known:
        raise SettingError(f"no setting {min(unknown)!r}; valid are {', '.join(sorted(known))}")
    base = {**thresholds.get(preset, thresholds["default"]), **PRESETS[preset], **thresholds.get(preset, {})}
    given = {name: float(value) for name, value in changes.items() if value is not None}
    if "onset" in given and "offset" not in given:
        given["offset"] = min(base["offset"], given["onset"])
    return Segmentation(**{**base, **given})


@dataclass(frozen=True)
class Raw:
    """The format of raw samples: little-endian, channels interleaved."""

    sample_rate: int = 16_000
    channels: int = 1
    dtype: str = "int16"


GOALS = ("dcf", "deter", "miss", "false_alarm")  # metrics that tuning can minimise

PRE_ROLL = 0.4  # seconds before the speech that files of live utterances begin; see docs/live.md

LIVE_FORMATS = ("jsonl", "text", "csv", "rttm", "srt")  # of labels that can be written event by event


class CostWeights(NamedTuple):
    """What a miss and a false alarm cost: the weights of NIST's detection cost function (OpenSAT)."""

    miss: float = 0.75
    false_alarm: float = 0.25


COST_WEIGHTS = CostWeights()


@dataclass(frozen=True)
class EvaluationSettings:
    """How detection is evaluated."""

    collar: float = 0.0  # seconds on each side of a reference boundary that are not scored
    weights: CostWeights = COST_WEIGHTS
    resamples: int = 1000  # of the recordings, for confidence intervals; 0 for none
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.collar < 60:
            raise SettingError(f"collar={self.collar}: give seconds from 0 to 60", "collar")
        if self.seed < 0:
            raise SettingError(f"seed={self.seed}: give 0 or more", "seed")
        if not all(0 <= w < math.inf for w in self.weights) or not any(self.weights):
            raise SettingError(
                f"weights={self.weights.miss:g} {self.weights.false_alarm:g}: give two weights from 0 up, not both 0",
                "weights",
            )


DEFAULT_EVALUATION = EvaluationSettings()


# The named latencies of a stream, in seconds.
LATENCIES: dict[str, float] = {"lowest": 0.04, "balanced": 0.3, "accurate": 0.5}


def parse_seconds(text: str) -> float:
    """The seconds in `"0.1"`, `"0.1s"` or `"100ms"`; raises `ValueError` for other text."""
    text = text.strip()
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


def parse_latency(latency: float | str) -> float:
    """The seconds of a name in `LATENCIES`, of `"100ms"`, `"0.1s"`, `"0.1"` or a number; raises `SettingError` else."""
    if isinstance(latency, str) and latency in LATENCIES:
        return LATENCIES[latency]
    try:
        seconds = parse_seconds(str(latency))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST:
        raise SettingError(
            f"latency={latency}: give seconds, like 0.1 or 100ms, or one of {', '.join(LATENCIES)}", "latency"
        )
    return seconds
