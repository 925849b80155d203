"""A corpus folder: speech with labels, noise, music and room responses, ready to be mixed.

`speech.jsonl`, `noise.jsonl`, `music.jsonl` and `rir.jsonl` hold a line per recording: `file`,
`start` and `duration` in seconds within that file, and for speech `speaker`, `source`, `split`
(`train` or `dev`) and `speech`, a list of `[start, end]`. `teacher.npz` may hold further
opinions, `FILE:NAME`, as score * 255 per frame of the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vad.audio import read
from vad.errors import RecipeError
from vad.features import Float32
from vad.grid import Grid
from vad.training.recipe import CorpusSettings

INDICES = {"speech": "speech.jsonl", "noise": "noise.jsonl", "music": "music.jsonl", "room": "rir.jsonl"}


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


def read_corpus(folder: Path, split: str, grid: Grid, settings: CorpusSettings) -> Corpus:
    """Read the recordings of `split`; noise, music and rooms are shared by both splits.

    Every tenth background belongs to `dev`, so that dev mixtures hold noise never trained on.
    Raises `RecipeError` where the folder holds no speech of that split.
    """
    sounds = _Sounds(folder, grid)
    teachers = _read_teachers(folder / "teacher.npz")
    lines = [line for line in read_index(folder / INDICES["speech"]) if line["split"] == split]
    if not lines:
        raise RecipeError(f"{folder}: no speech of split {split!r} in speech.jsonl")
    speech = [
        Clip(line["source"], line["speaker"], samples, _target(line, len(samples), teachers, grid, settings))
        for line in lines
        if len(samples := sounds.cut(line)) > 0
    ]
    ambient = [
        line for kind in ("noise", "music") for line in read_index(folder / INDICES[kind]) if not _may_hold_speech(line)
    ]
    kept = [line for n, line in enumerate(ambient) if (n % 10 == 0) == (split == "dev")]
    backgrounds = [samples for line in kept if len(samples := sounds.cut(line)) >= grid.sample_rate // 10]
    rooms = [_room(sounds.whole(line["file"])) for line in read_index(folder / INDICES["room"])]
    return Corpus(grid, speech, backgrounds, rooms)


class _Sounds:
    """Samples by index line; the file read last is kept, as its lines stand together."""

    def __init__(self, folder: Path, grid: Grid) -> None:
        self._folder, self._grid = folder, grid
        self._name, self._samples = "", np.empty(0, np.int16)

    def whole(self, name: str) -> NDArray[np.int16]:
        if name != self._name:
            sound = read(self._folder / name, self._grid.sample_rate)
            self._name, self._samples = name, (np.clip(sound, -1, 1) * 32767).astype(np.int16)
        return self._samples

    def cut(self, line: dict[str, Any]) -> NDArray[np.int16]:
        start = self._grid.to_samples(line["start"])
        return self.whole(line["file"])[start : start + self._grid.to_samples(line["duration"])].copy()


def read_index(path: Path) -> list[dict[str, Any]]:
    """The lines of an index; `RecipeError` where it is missing or not JSON lines."""
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror}; a corpus folder holds this index") from error
    except json.JSONDecodeError as error:
        raise RecipeError(f"{path}: not JSON lines ({error})") from error


def _read_teachers(path: Path) -> dict[str, list[NDArray[np.uint8]]]:
    """The opinions on each file, `{file: [(frame,) uint8, ...]}`."""
    teachers: dict[str, list[NDArray[np.uint8]]] = {}
    if path.exists():
        with np.load(path) as opinions:
            for key in opinions:
                teachers.setdefault(key.rpartition(":")[0], []).append(opinions[key])
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
    opinions = [t[start : start + frames] for t in teachers.get(line["file"], [])]
    if not opinions:
        return silver
    mean = np.mean([np.pad(o, (0, frames - len(o)), "edge") for o in opinions], 0) / 255
    trust = (line["agree"] - settings.trust_from) / (settings.trust_to - settings.trust_from)
    weight = settings.silver_weight * min(1.0, max(0.0, trust))
    target: Float32 = (weight * silver + (1 - weight) * mean).astype(np.float32)
    return target


def _may_hold_speech(line: dict[str, Any]) -> bool:
    """Voices or singing by name, or by the teachers' ear: not a sure negative."""
    named = line.get("may_contain_voices") or line.get("may_contain_singing")
    return bool(named) or line.get("teacher_speech", 0.0) > 0.05


def _room(response: NDArray[np.int16]) -> Float32:
    """A response that begins at its direct sound and has an energy of one."""
    direct = int(np.argmax(np.abs(response)))
    tail = response[direct:].astype(np.float32)
    return tail / np.float32(np.sqrt(np.sum(np.square(tail))) + 1e-3)
