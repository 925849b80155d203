"""A corpus folder: speech with labels, noise, music and room responses, ready to be mixed.

`speech.jsonl` holds a line per recording: `file` (beside the index, or an absolute path), `start`
and `duration` in seconds within that file, `split` (`train` or `dev`) and `speech`, a list of
`[start, end]` from the recording's own start; it may say `speaker`, `source`, `licence`, and
`agree`, how far the labels are to be trusted. `noise.jsonl` and `music.jsonl` (without labels)
and `rir.jsonl` (room responses: `file`) may be missing. `teacher.npz` may hold further opinions on
the speech, `FILE:NAME`, as score * 255 per frame of the file. `real.jsonl`, which may be missing,
holds real recordings as `speech.jsonl` does, all of them for training; their targets are the opinions
of `real.npz`, each frame weighted by how far these agree, or the labels where it has none of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from vad.audio.decode import read
from vad.data.corpus_index import INDICES, read_index
from vad.errors import RecipeError
from vad.features import Float32
from vad.grid import Grid
from vad.training.audio_cache import Cut, decoded
from vad.training.settings import CorpusSettings

REAL = "real.jsonl"
BACKGROUNDS = ("noise", "music")
STRETCH = 15.0  # seconds; longer backgrounds are divided, so that a part of one can be drawn more often


@dataclass(frozen=True)
class Clip:
    """A recording: its samples, and how probably each of its frames is speech."""

    source: str
    speaker: str
    samples: NDArray[np.int16]  # (sample,)
    target: Float32  # (frame,), 0..1
    weight: Float32  # (frame,), 0..1: how far the target is to be believed
    real: bool = False  # a recording of more than one clean talker
    file: str = ""  # that it is a part of


@dataclass(frozen=True)
class Corpus:
    """Everything that mixtures are made of; `int16` samples at the rate of the grid."""

    grid: Grid
    speech: list[Clip]
    backgrounds: list[NDArray[np.int16]]
    rooms: list[Float32]
    real: list[Clip] = field(default_factory=list)  # recordings to be used as they are


def read_corpus(folder: Path, split: str, grid: Grid, settings: CorpusSettings, cache: Path) -> Corpus:
    """The recordings of `split`; noise, music and rooms are shared by both splits.

    Every tenth background belongs to `dev`, so that dev mixtures hold noise never trained on; fewer
    than ten serve both. Samples are decoded once and kept in the folder `cache`. Raises
    `RecipeError` where the folder holds no speech of that split, or what is in it is damaged.
    """
    lines = [line for line in wanted(read_index(folder / INDICES["speech"]), settings) if line["split"] == split]
    if not lines:
        raise RecipeError(f"{folder / INDICES['speech']}: no speech of split {split!r}; training needs train and dev")
    ambient = wanted(_backgrounds(folder, split, settings), settings)
    real = wanted(read_index(folder / REAL, missing_ok=True), settings) if split == "train" else []
    cuts = [_cut(folder, line) for line in lines + ambient + real]
    cache = Path(settings.cache) if settings.cache else cache
    sounds = decoded(cuts, grid.sample_rate, cache / split)
    first_real = len(lines) + len(ambient)
    targets = _Targets(_read_teachers(folder / "teacher.npz"), grid, settings)
    speech = [targets.clip(line, samples) for line, samples in zip(lines, sounds, strict=False) if len(samples)]
    if not speech:
        raise RecipeError(f"{folder}: no recording of split {split!r} can be read")
    opinions = _Targets(_read_teachers(folder / "real.npz"), grid, settings)
    readable = [(line, samples) for line, samples in zip(real, sounds[first_real:], strict=True) if len(samples)]
    as_they_are = [opinions.real_clip(line, samples) for line, samples in readable]
    clean = [
        clip for clip, (line, _) in zip(as_they_are, readable, strict=True) if line.get("agree", 0.0) > settings.real
    ]
    backgrounds = [part for samples in sounds[len(lines) : first_real] for part in _stretches(samples, grid)]
    rooms = [
        _room(folder / line["file"], grid.sample_rate) for line in read_index(folder / INDICES["rir"], missing_ok=True)
    ]
    return Corpus(grid, speech + clean, backgrounds, rooms, as_they_are)


def _backgrounds(folder: Path, split: str, settings: CorpusSettings) -> list[dict[str, Any]]:
    """The lines of noise and music that belong to `split` and hold no speech."""
    lines = [
        line
        for kind in BACKGROUNDS
        for line in read_index(folder / INDICES[kind], missing_ok=True)
        if not may_hold_speech(line, settings)
    ]
    if len(lines) < 10:
        return lines
    return [line for n, line in enumerate(lines) if (n % 10 == 0) == (split == "dev")]


def wanted(lines: list[dict[str, Any]], settings: CorpusSettings) -> list[dict[str, Any]]:
    """The lines of an index but for the sources that the recipe leaves out."""
    used = [line for line in lines if line.get("source") not in settings.without]
    return [line for line in used if line.get("source") in settings.only] if settings.only else used


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


class _Targets:
    """Makes the targets of recordings, from their labels and from the `teachers` of their files."""

    def __init__(self, teachers: dict[str, list[NDArray[np.uint8]]], grid: Grid, settings: CorpusSettings) -> None:
        self._teachers, self._grid, self._settings = teachers, grid, settings

    def clip(self, line: dict[str, Any], samples: NDArray[np.int16]) -> Clip:
        """Soft labels: silver and the teachers' mean, weighted by how well they agree."""
        s = self._settings
        target, opinions = self._silver(line, len(samples)), self._opinions(line, len(samples))
        if len(opinions):
            trust = (line.get("agree", 1.0) - s.trust_from) / (s.trust_to - s.trust_from)
            weight = s.silver_weight * min(1.0, max(0.0, trust))
            target = (weight * target + (1 - weight) * opinions.mean(0)).astype(np.float32)
        source, speaker = line.get("source", ""), line.get("speaker", "")
        return Clip(source, speaker, samples, target, np.ones_like(target), file=line["file"])

    def real_clip(self, line: dict[str, Any], samples: NDArray[np.int16]) -> Clip:
        """The mean of the teachers, which counts the less the further they are from each other."""
        target, opinions = self._silver(line, len(samples)), self._opinions(line, len(samples))
        weight = np.ones_like(target)
        if len(opinions):
            target, weight = opinions.mean(0), 1 - 0.9 * np.ptp(opinions, axis=0)
        return Clip(line.get("source", ""), line.get("speaker", ""), samples, target, weight, real=True)

    def _silver(self, line: dict[str, Any], samples: int) -> Float32:
        """The labels, `(frame,)`."""
        silver = np.zeros(self._grid.frame_count(samples), np.float32)
        for start, end in line["speech"]:
            silver[self._grid.to_frames(start) : self._grid.to_frames(end)] = 1
        return silver

    def _opinions(self, line: dict[str, Any], samples: int) -> Float32:
        """The scores of the teachers that have some, `(teacher, frame)`."""
        frames, start = self._grid.frame_count(samples), self._grid.to_frames(line["start"])
        found = [t[start : start + frames] for t in self._teachers.get(line["file"], []) if len(t) > start]
        filled = [np.pad(o, (0, frames - len(o)), "edge") for o in found]
        return np.array(filled, np.float32).reshape(len(found), frames) / np.float32(255)


def may_hold_speech(line: dict[str, Any], settings: CorpusSettings) -> bool:
    """Voices by name, or by the teachers' opinion: not a sure negative. Singing is one: it is not speech."""
    if line.get("may_contain_singing"):
        return False
    doubtful = line.get("teacher_speech", 0.0) > 0.05 and line.get("source") not in settings.never_speech
    return bool(line.get("may_contain_voices")) or doubtful


def _room(path: Path, sample_rate: int) -> Float32:
    """A response that begins at its direct sound and has an energy of one."""
    response = read(path, sample_rate)
    if not response.any():
        raise RecipeError(f"{path}: a room response without sound; take its line out of {INDICES['rir']}")
    tail = response[int(np.argmax(np.abs(response))) :]
    return tail / np.float32(np.sqrt(np.sum(np.square(tail))) + 1e-9)
