"""What is worth knowing of sound and labels before hours are spent on training with them."""

from __future__ import annotations

import hashlib
import math
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vad.audio.decode import open_sound
from vad.data.gather import FULL, Gathered, gather
from vad.data.labelling import frame_levels
from vad.data.offset import Contrast, contrast
from vad.data.splitting import DEFAULT, Splitting
from vad.errors import AudioError, RecipeError
from vad.formats import speech_of
from vad.grid import Grid
from vad.labels.matching import Matches
from vad.segments import clip, total

SILENT = -70.0  # dB below full scale that a recording should exceed for a twentieth of its time
CLIPPED = 1e-3  # share of samples at full scale
FAINT = 3.0  # dB between labelled speech and the rest below which the labels may be of other sound


@dataclass(frozen=True)
class Checked:
    """A recording with labels, and what is odd about it."""

    file: str
    duration: float  # seconds
    sample_rate: int
    channels: int
    speech: float  # seconds
    segments: int
    split: str  # "train", "dev", or both where it is divided in time
    remarks: list[str]


@dataclass
class Report:
    """All that was found out; `error` is what would stop training."""

    recordings: list[Checked] = field(default_factory=list)
    splits: dict[str, dict[str, float]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)  # labelled, but of no part in the UEM
    warnings: list[str] = field(default_factory=list)
    error: str | None = None


def check(
    audio: Path,
    labels: Path | None = None,
    *,
    uem: Path | None = None,
    format: str | None = None,
    splitting: Splitting = DEFAULT,
) -> Report:
    """Gather sound and labels as training would, then listen to every recording.

    Takes what `gather` takes, and raises nothing that `gather` raises: that is the report's `error`.
    """
    try:
        gathered = gather(audio, labels, uem=uem, format=format, splitting=splitting)
    except RecipeError as error:
        return Report(error=str(error))
    matches = gathered.matches
    report = Report(
        unlabelled=matches.unlabelled,
        orphans=matches.orphans,
        unlisted=gathered.unlisted,
        warnings=[*matches.problems, *gathered.unreadable, *gathered.warnings],
        splits={split: _split(gathered, split) for split in ("train", "dev")},
    )
    grid = Grid()
    heard: dict[str, str] = {}
    together: Contrast | None = None
    for path in dict.fromkeys(str(region.file) for region in gathered.regions):
        sides = dict.fromkeys(r.split for r in gathered.regions if str(r.file) == path)
        try:
            checked, one = _listen(path, matches, "+".join(sides), heard, grid)
        except AudioError as error:
            report.warnings.append(str(error))
            continue
        report.recordings.append(checked)
        together = together + one if together else one
    if together:
        report.warnings += _together(report, together)
    return report


def to_json(report: Report) -> dict[str, Any]:
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


def _listen(path: str, matches: Matches, split: str, heard: dict[str, str], grid: Grid) -> tuple[Checked, Contrast]:
    """One recording, decoded to its end; `heard` knows those before by what they sound like."""
    remarks: list[str] = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        sound = open_sound(path)
        blocks = [block[0] for block in sound.blocks(grid.sample_rate)]
    remarks += [str(warning.message).removeprefix(f"{path}: ") for warning in said]
    samples = np.concatenate(blocks) if blocks else np.empty(0, np.float32)
    if not len(samples):
        raise AudioError(f"{path}: holds no sound")
    levels = frame_levels(samples, grid)
    segments = speech_of(matches.labelled[path])
    inside = clip(segments, sound.duration)
    speech = total(inside)
    if np.percentile(levels, 95) < SILENT:
        remarks.append(f"silent: hardly above {SILENT:.0f} dB of full scale")
    if (share := float(np.mean(np.abs(samples) >= 0.999))) > CLIPPED:
        remarks.append(f"clipped: {share:.1%} of its samples at full scale")
    if len(segments) > len(inside) or (segments and segments[-1].end > sound.duration + 0.1):
        remarks.append(f"labels go on for {segments[-1].end - sound.duration:.2f} s after its end")
    if not inside:
        remarks.append("nobody speaks in it, say the labels")
    elif speech >= FULL * sound.duration and sound.duration > 10:
        remarks.append("labelled as speech throughout")
    shifted = contrast(levels, inside, grid)
    if late := shifted.late:
        remarks.append(f"labels seem {abs(late):.2f} s {'late' if late > 0 else 'early'}")
    key = hashlib.sha1(np.round(samples * 32767).astype(np.int16).tobytes()).hexdigest()
    name = matches.places[path]
    if (first := heard.setdefault(key, name)) != name:
        remarks.append(f"the same sound as {first}")
    facts = (round(sound.duration, 3), sound.sample_rate, sound.channels, speech, len(inside), split)
    return Checked(name, *facts, remarks), shifted


def _together(report: Report, all_of_them: Contrast) -> list[str]:
    """What the recordings say only together."""
    said = []
    for what in ("sample_rate", "channels"):
        values = sorted({getattr(r, what) for r in report.recordings})
        if len(values) > 1:
            unit = " Hz" if what == "sample_rate" else " channels"
            said.append(f"recordings differ: {', '.join(f'{v}{unit}' for v in values)} (all become 16000 Hz mono)")
    if late := all_of_them.late:
        way = "late" if late > 0 else "early"
        said.append(
            f"taken together, labels seem {abs(late):.2f} s {way}: speech would stand out by {all_of_them.best:.1f} dB "
            f"instead of {all_of_them.here:.1f} dB"
        )
    elif not math.isnan(all_of_them.here) and all_of_them.here < FAINT:
        said.append(
            f"labelled speech is {abs(all_of_them.here):.1f} dB {'louder' if all_of_them.here > 0 else 'quieter'} "
            "than the rest: either there is much noise, or the labels belong to other sound"
        )
    return said
