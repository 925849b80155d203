"""Checks of sound and labels before they are used for training."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vad.audio.decode import open_sound
from vad.audio.resample import to_int16
from vad.data.gather import FULL, Gathered, divide, gather
from vad.data.label_shift import Contrast, contrast
from vad.data.labelling import frame_levels
from vad.data.splitting import DEFAULT, Splitting
from vad.errors import AudioError, RecipeError
from vad.formats import speech_of
from vad.grid import Grid
from vad.labels.extent import OVERHANG, past_end
from vad.labels.matching import Matches
from vad.segments import clip, total

SILENT = -70.0  # dB relative to full scale; 5 % of the frames should be above it
CLIPPED = 1e-3  # share of samples at full scale
FAINT = 3.0  # dB between labelled speech and the rest below which the labels may be of other sound


@dataclass(frozen=True)
class CheckedRecording:
    """A recording with labels, and remarks about problems."""

    file: str
    duration: float  # seconds
    sample_rate: int
    channels: int
    speech: float  # seconds
    segments: int
    split: str  # "train", "dev", or both where it is divided in time
    remarks: list[str]


@dataclass
class CheckReport:
    """The result of a check; `error` is the reason why training would not start."""

    recordings: list[CheckedRecording] = field(default_factory=list)
    splits: dict[str, dict[str, float]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)  # labelled, but not in the UEM
    warnings: list[str] = field(default_factory=list)
    late: float = 0.0  # seconds by which the labels seem to lie after the sound, over all recordings
    error: str | None = None


def check(
    audio: Path,
    labels: Path | None = None,
    *,
    uem: Path | None = None,
    format: str | None = None,
    splitting: Splitting = DEFAULT,
) -> CheckReport:
    """Gather sound and labels as training would, then `inspect` them.

    The parameters are those of `gather`. An error that it raises becomes the `error` of the report.
    """
    warnings: list[str] = []
    try:
        gathered = gather(audio, labels, uem=uem, format=format, splitting=splitting, divided=False)
        warnings = [*gathered.matches.problems, *gathered.unreadable, *gathered.misread]
        divide(gathered, audio, uem, splitting)
    except RecipeError as error:
        return CheckReport(warnings=warnings, error=str(error))
    return inspect(gathered)


def inspect(gathered: Gathered, progress: Callable[[float], None] = lambda _: None) -> CheckReport:
    """Decode and check every recording; `progress` gets the share that is done."""
    matches = gathered.matches
    report = CheckReport(
        unlabelled=matches.unlabelled,
        orphans=matches.orphans,
        unlisted=gathered.unlisted,
        warnings=[*matches.problems, *gathered.unreadable, *gathered.warnings],
        splits={split: _split(gathered, split) for split in ("train", "dev")},
    )
    grid = Grid()
    digests: dict[str, str] = {}
    contrasts: Contrast | None = None
    paths = list(dict.fromkeys(str(region.file) for region in gathered.regions))
    for number, path in enumerate(paths, 1):
        sides = dict.fromkeys(r.split for r in gathered.regions if str(r.file) == path)
        try:
            checked, one = _check_recording(path, matches, "+".join(sides), digests, grid)
        except AudioError as error:
            report.warnings.append(str(error))
            continue
        report.recordings.append(checked)
        contrasts = contrasts + one if contrasts else one
        progress(number / len(paths))
    if contrasts:
        report.late = contrasts.late
        report.warnings += _check_corpus(report, contrasts)
    return report


def to_json(report: CheckReport) -> dict[str, Any]:
    """The report as plain values."""
    return {"ok": report.error is None, **asdict(report)}


def _split(gathered: Gathered, split: str) -> dict[str, float]:
    regions = [r for r in gathered.regions if r.split == split]
    return {
        "files": len({r.file for r in regions}),
        "speakers": len({r.speaker for r in regions}),
        "seconds": round(gathered.seconds(split), 3),
        "speech": round(gathered.speech(split), 3),
    }


def _check_recording(
    path: str, matches: Matches, split: str, digests: dict[str, str], grid: Grid
) -> tuple[CheckedRecording, Contrast]:
    """Decode and check one recording; `digests` has the names of the recordings before, by a hash of their samples."""
    remarks: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        sound = open_sound(path)
        blocks = [block[0] for block in sound.blocks(grid.sample_rate)]
    remarks += [str(warning.message).removeprefix(f"{path}: ") for warning in caught]
    samples = np.concatenate(blocks) if blocks else np.empty(0, np.float32)
    if not len(samples):
        raise AudioError(f"{path}: holds no sound")
    levels = frame_levels(samples, grid)
    segments = speech_of(matches.labelled[path])
    inside = clip(segments, sound.duration)
    speech = total(inside)
    if np.percentile(levels, 95) < SILENT:
        remarks.append(f"silent: hardly above {SILENT:.0f} dB relative to full scale")
    if (share := float(np.mean(np.abs(samples) >= 0.999))) > CLIPPED:
        remarks.append(f"clipped: {share:.1%} of its samples at full scale")
    left_out = len(inside) < len(segments)  # labels that begin past the end
    remarks += past_end(segments, sound.duration, 0.0 if left_out else OVERHANG)
    if not inside:
        remarks.append("has no speech, according to its labels")
    elif speech >= FULL * sound.duration and sound.duration > 10:
        remarks.append("labelled as speech throughout")
    shifted = contrast(levels, inside, grid)
    if late := shifted.late:
        remarks.append(f"labels seem {abs(late):.2f} s {'late' if late > 0 else 'early'}")
    key = hashlib.sha1(to_int16(samples).tobytes()).hexdigest()
    name = matches.places[path]
    if (first := digests.setdefault(key, name)) != name:
        remarks.append(f"the same sound as {first}")
    facts = (round(sound.duration, 3), sound.sample_rate, sound.channels, speech, len(inside), split)
    return CheckedRecording(name, *facts, remarks), shifted


def _check_corpus(report: CheckReport, contrasts: Contrast) -> list[str]:
    """Warnings about all recordings together."""
    lines = []
    for what in ("sample_rate", "channels"):
        values = sorted({getattr(r, what) for r in report.recordings})
        if len(values) > 1:
            unit = " Hz" if what == "sample_rate" else " channels"
            lines.append(f"recordings differ: {', '.join(f'{v}{unit}' for v in values)} (all become 16000 Hz mono)")
    if late := contrasts.late:
        way = "late" if late > 0 else "early"
        lines.append(
            f"over all recordings, labels seem {abs(late):.2f} s {way}: speech would stand out by "
            f"{contrasts.best:.1f} dB instead of {contrasts.here:.1f} dB"
        )
    elif not math.isnan(contrasts.here) and contrasts.here < FAINT:
        lines.append(
            f"labelled speech is {abs(contrasts.here):.1f} dB {'louder' if contrasts.here > 0 else 'quieter'} "
            "than the rest: there is much noise, or the labels belong to other recordings"
        )
    return lines
