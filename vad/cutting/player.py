"""Segments of a recording, played one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vad.audio.decode import open_native
from vad.audio.speaker import Speaker
from vad.cutting.reader import Reader
from vad.grid import Grid
from vad.segments import Segment

STEP = 0.1  # seconds between two positions


class Position(NamedTuple):
    """What is being played."""

    number: int  # of the segment, from 1
    seconds: float  # in the recording


def play(
    path: Path,
    segments: Sequence[Segment],
    gap: float = 0.0,
    device: str | int | None = None,
    name: str | None = None,
) -> Iterator[Position]:
    """Play `segments`, which are in order and do not touch, of the sound in `path`; the positions on the way.

    Between two of them are `gap` seconds of silence. `name` stands for the file in messages. Raises
    `AudioError` where the recording cannot be read or the `device`, as of `Speaker`, cannot be used.
    """
    sound = open_native(path, name)
    grid, step = Grid(sound.sample_rate), max(1, round(STEP * sound.sample_rate))
    silence = np.zeros((grid.to_samples(gap), sound.channels), np.float32)
    with sound, Reader(sound, path) as reader, Speaker(sound.sample_rate, sound.channels, device) as speaker:
        for number, segment in enumerate(segments, 1):
            at = grid.to_samples(segment.start)
            yield Position(number, segment.start)
            for block in reader.between(at, grid.to_samples(segment.end)):
                for first in range(0, len(block), step):
                    speaker.write(block[first : first + step])
                    at += len(block[first : first + step])
                    yield Position(number, at / sound.sample_rate)
            if number < len(segments):
                speaker.write(silence)
