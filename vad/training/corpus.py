"""A corpus folder: speech with labels, noise, music and room responses, ready to be mixed.

`speech.jsonl` holds a line per recording: `file` (beside the index, or an absolute path), `start`
and `duration` in seconds within that file, `split` (`train` or `dev`) and `speech`, a list of
`[start, end]` from the recording's own start; it may say `speaker`, `source`, `licence`, and
`agree`, how far the labels are to be trusted. `noise.jsonl` and `music.jsonl` (without labels)
and `rir.jsonl` (room responses: `file`) may be missing. `teacher.npz` may hold further opinions on
the speech, `FILE:NAME`, as score * 255 per frame of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vad.audio.decode import read
from vad.data.index import INDICES, read_index
from vad.errors import RecipeError
from vad.features import Float32
from vad.grid import Grid
from vad.training.recipe import CorpusSettings
from vad.training.samples import Cut, decoded

STRETCH = 15.0  # seconds; longer backgrounds are divided, so that a part of one can be drawn more often


@dataclass(frozen=True)
class Clip:
    """A recording: its samples, and how probably each of its frames is speech."""

    source: str
    speaker: str
    samples: NDArray[np.int16]  # (sample,)
    target: Float32  # (frame,), 0..1


@dataclass(frozen=True)
class Corpus:
    """Everything that mixtures are made of; `int16` samples at the rate of the grid."""

    grid: Grid
    speech: list[Clip]
    backgrounds: list[NDArray[np.int16]]
    rooms: list[Float32]


def read_corpus(folder: Path, split: str, grid: Grid, settings: CorpusSettings, cache: Path) -> Corpus:
    """The recordings of `split`; noise, music and rooms are shared by both splits.

    Every tenth background belongs to `dev`, so that dev mixtures hold noise never trained on; fewer
    than ten serve both. Samples are decoded once and kept in the folder `cache`. Raises
    `RecipeError` where the folder holds no speech of that split, or what is in it is damaged.
    """
    lines = [line for line in wanted(read_index(folder / INDICES["speech"]), settings) if line["split"] == split]
    if not lines:
        raise RecipeError(f"{folder / INDICES['speech']}: no speech of split {split!r}; training needs train and dev")
    ambient = [
        line
        for kind in ("noise", "music")
        for line in read_index(folder / INDICES[kind], missing_ok=True)
        if not _may_hold_speech(line)
    ]
    if len(ambient) >= 10:
        ambient = [line for n, line in enumerate(ambient) if (n % 10 == 0) == (split == "dev")]
    ambient = wanted(ambient, settings)
    sounds = decoded([_cut(folder, line) for line in lines + ambient], grid.sample_rate, cache / split)
    teachers = _read_teachers(folder / "teacher.npz")
    speech = [
        Clip(
            line.get("source", ""),
            line.get("speaker", ""),
            samples,
            _target(line, len(samples), teachers, grid, settings),
        )
        for line, samples in zip(lines, sounds, strict=False)
        if len(samples)
    ]
    if not speech:
        raise RecipeError(f"{folder}: no recording of split {split!r} can be read")
    backgrounds = [part for samples in sounds[len(lines) :] for part in _stretches(samples, grid)]
    rooms = [
        _room(folder / line["file"], grid.sample_rate) for line in read_index(folder / INDICES["rir"], missing_ok=True)
    ]
    return Corpus(grid, speech, backgrounds, rooms)


def wanted(lines: list[dict[str, Any]], settings: CorpusSettings) -> list[dict[str, Any]]:
    """The lines of an index but for the sources that the recipe leaves out."""
    return [line for line in lines if line.get("source") not in settings.without]


def _cut(folder: Path, line: dict[str, Any]) -> Cut:
    return Cut(str(folder / line["file"]), float(line["start"]), float(line["duration"]))


def _stretches(samples: NDArray[np.int16], grid: Grid) -> list[NDArray[np.int16]]:
    """A background in parts of equal length, none longer than `STRETCH`; none at all if under 0.1 s."""
    if len(samples) < grid.sample_rate // 10:
        return []
    return np.array_split(samples, -(-len(samples) // grid.to_samples(STRETCH)))


def _read_teachers(path: Path) -> dict[str, list[NDArray[np.uint8]]]:
    """The opinions on each file, `{file: [(frame,) uint8, ...]}`; `RecipeError` where they are none."""
    teachers: dict[str, list[NDArray[np.uint8]]] = {}
    if not path.exists():
        return teachers
    try:
        with np.load(path) as opinions:
            for key, scores in opinions.items():
                if scores.ndim != 1 or scores.dtype != np.uint8:
                    raise ValueError(f"{key} is no list of bytes")
                teachers.setdefault(key.rpartition(":")[0], []).append(scores)
    except (OSError, EOFError, ValueError, TypeError, AttributeError, BadZipFile) as error:
        raise RecipeError(f"{path}: not opinions on the speech ({error}); make it anew, or remove it") from error
    return teachers


def _target(
    line: dict[str, Any],
    samples: int,
    teachers: dict[str, list[NDArray[np.uint8]]],
    grid: Grid,
    settings: CorpusSettings,
) -> Float32:
    """Soft labels: silver and the teachers' mean, weighted by how well they agree."""
    frames = grid.frame_count(samples)
    silver = np.zeros(frames, np.float32)
    for start, end in line["speech"]:
        silver[grid.to_frames(start) : grid.to_frames(end)] = 1
    start = grid.to_frames(line["start"])
    opinions = [t[start : start + frames] for t in teachers.get(line["file"], []) if len(t) > start]
    if not opinions:
        return silver
    mean = np.mean([np.pad(o, (0, frames - len(o)), "edge") for o in opinions], 0) / 255
    trust = (line.get("agree", 1.0) - settings.trust_from) / (settings.trust_to - settings.trust_from)
    weight = settings.silver_weight * min(1.0, max(0.0, trust))
    target: Float32 = (weight * silver + (1 - weight) * mean).astype(np.float32)
    return target


def _may_hold_speech(line: dict[str, Any]) -> bool:
    """Voices by name, or by the teachers' ear: not a sure negative. Singing is one: it is not speech."""
    if line.get("may_contain_singing"):
        return False
    return bool(line.get("may_contain_voices")) or line.get("teacher_speech", 0.0) > 0.05


def _room(path: Path, sample_rate: int) -> Float32:
    """A response that begins at its direct sound and has an energy of one."""
    response = read(path, sample_rate)
    if not response.any():
        raise RecipeError(f"{path}: a room response without sound; take its line out of {INDICES['rir']}")
    tail = response[int(np.argmax(np.abs(response))) :]
    return tail / np.float32(np.sqrt(np.sum(np.square(tail))) + 1e-9)
