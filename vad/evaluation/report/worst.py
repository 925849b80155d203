"""The worst stretches: those with the most time in error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vad.evaluation.frames import frame_mask
from vad.evaluation.overlap import cut_pieces, to_spans
from vad.evaluation.results import RecordingResult
from vad.grid import Grid
from vad.segments import Segment

LENGTH = 12.0  # seconds of a stretch
MAX_PER_RECORDING = 3
TENTHS = Grid(10, 1)  # stretches start at multiples of 0.1 s


@dataclass(frozen=True)
class Stretch:
    """A part of a recording, and the errors in it."""

    recording: RecordingResult
    start: float  # seconds
    end: float
    missed: list[Segment]
    alarms: list[Segment]

    @property
    def error(self) -> float:
        """Seconds in error."""
        return sum(s.duration for s in [*self.missed, *self.alarms])


def worst_stretches(recordings: list[RecordingResult], count: int, collar: float = 0.0) -> list[Stretch]:
    """The `count` stretches with the most time in error, the worst first; fewer if there are fewer errors."""
    found = [stretch for one in recordings for stretch in _worst_of(one, collar)]
    return sorted(found, key=lambda s: -s.error)[:count]


def _worst_of(one: RecordingResult, collar: float) -> list[Stretch]:
    """Up to `MAX_PER_RECORDING` stretches of a recording, without overlap."""
    missed, alarms = _errors(one, collar, True), _errors(one, collar, False)
    steps = TENTHS.to_frames(one.duration)
    length = min(TENTHS.to_frames(LENGTH), steps)
    errors = frame_mask(missed, steps, TENTHS) | frame_mask(alarms, steps, TENTHS)
    if not length or not (missed or alarms):
        return []
    sums = np.cumsum(np.append(0, errors))
    within = sums[length:] - sums[:-length]
    found = []
    for _ in range(MAX_PER_RECORDING):
        at = int(np.argmax(within))
        if within[at] <= 0:
            break
        start = TENTHS.to_seconds(at)
        end = min(start + LENGTH, one.duration)
        found.append(Stretch(one, start, end, clip_to(missed, start, end), clip_to(alarms, start, end)))
        within[max(at - length + 1, 0) : at + length] = 0
    return [stretch for stretch in found if stretch.error >= 0.1]


def _errors(one: RecordingResult, collar: float, missed: bool) -> list[Segment]:
    """The scored time that was missed, or else is a false alarm."""
    pieces = cut_pieces(to_spans(one.reference), to_spans(one.hypothesis), to_spans(one.scored_regions), collar)
    which = (pieces.reference == missed) & (pieces.hypothesis != missed) & pieces.scored
    starts, ends = pieces.start[which], pieces.start[which] + pieces.width[which]
    return [Segment(*span) for span in zip(starts.tolist(), ends.tolist(), strict=True)]


def clip_to(segments: list[Segment], start: float, end: float) -> list[Segment]:
    """The parts of `segments` between `start` and `end`."""
    return [Segment(max(s.start, start), min(s.end, end)) for s in segments if s.start < end and s.end > start]
