"""What labels a recording for `vad data label`: loudness, or a detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vad.audio.decode import read
from vad.batch.inputs import Input
from vad.batch.task import Analysis, load
from vad.data.silver import find_loud
from vad.formats import Document
from vad.grid import Grid


def by_loudness(one: Input) -> Document:
    """The labels of a clean recording; raises `AudioError` where it is none."""
    grid = Grid()
    samples = read(Path(one.path), grid.sample_rate)
    about = {"model": {"name": "loudness", "version": "1"}}
    return Document(one.path, None, len(samples) / grid.sample_rate, find_loud(samples, grid, one.path), about=about)


@dataclass(frozen=True)
class ByDetector:
    """Labels by the weights of `model`, at its own thresholds."""

    model: str

    def __call__(self, one: Input) -> Document:
        """What the detector finds in a recording."""
        detector = load(self.model)
        found = Analysis(self.model, detector.settings())(one)[0]
        about = {"model": detector.description.identity}
        return Document(found.name, None, found.duration, found.segments, about=about)
