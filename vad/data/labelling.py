"""Automatic labels of recordings, by their energy or by a detector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vad.audio.decode import read
from vad.batch.inputs import Input
from vad.batch.task import Analysis, load
from vad.errors import AudioError
from vad.features import Float32
from vad.formats import Document
from vad.grid import Grid
from vad.segmenter import Segmenter
from vad.segments import Segment, clip
from vad.settings import Segmentation

MIN_RANGE = 20.0  # dB between floor and level; with less, energy does not separate speech from the rest
MIN_RMS = 1e-5  # RMS, -100 dB; digital silence is below
# Onset and offset as shares of the way from floor to level.
HYSTERESIS = Segmentation(onset=0.4, offset=0.3, min_speech=0.06, min_silence=0.1, pad_start=0.02, pad_end=0.02)


def frame_levels(samples: Float32, grid: Grid) -> Float32:
    """The level of each frame in dB below full scale: `(sample,)` to `(frame,)`."""
    whole = np.pad(samples, (0, -len(samples) % grid.hop)).reshape(-1, grid.hop)
    rms = np.sqrt(np.mean(np.square(whole, dtype=np.float64), 1))
    levels: Float32 = (20 * np.log10(np.maximum(rms, MIN_RMS))).astype(np.float32)
    return levels


def detect_by_energy(samples: Float32, grid: Grid, name: str) -> list[Segment]:
    """Segments of speech in a clean recording `(sample,)`, by hysteresis between its floor and its level.

    Floor and level are the 5th and the 95th percentile of the frame levels. Raises `AudioError`
    if they are closer than `MIN_RANGE`: the recording is not clean, or has no pauses.
    """
    if not len(samples):
        raise AudioError(f"{name}: holds no sound")
    levels = frame_levels(samples, grid)
    floor, level = (float(x) for x in np.percentile(levels, (5, 95)))
    if level - floor < MIN_RANGE:
        raise AudioError(
            f"{name}: {level - floor:.0f} dB between noise floor and speech; labels by energy need {MIN_RANGE:.0f}, "
            "use a detector in place of it"
        )
    segmenter = Segmenter(HYSTERESIS, grid)
    scores = np.clip((levels - floor) / (level - floor), 0, 1)
    return clip(segmenter.push(scores) + segmenter.finish(), len(samples) / grid.sample_rate)


def label_by_energy(one: Input) -> Document:
    """Label a clean recording; raises `AudioError` if it is not clean."""
    grid = Grid()
    samples = read(Path(one.path), grid.sample_rate)
    about = {"model": {"name": "energy", "version": "1"}}
    return Document(
        one.path, None, len(samples) / grid.sample_rate, detect_by_energy(samples, grid, one.path), about=about
    )


@dataclass(frozen=True)
class DetectorLabeller:
    """Labels recordings with the detector `model`, at its own thresholds."""

    model: str

    def __call__(self, one: Input) -> Document:
        """Label a recording."""
        detector = load(self.model)
        found = Analysis(self.model, detector.settings())(one)[0]
        about = {"model": detector.description.identity}
        return Document(found.name, None, found.duration, found.segments, about=about)
