"""The worst stretches: those with the most time in error, and a picture of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vad.audio.decode import open_sound
from vad.errors import AudioError
from vad.evaluation.durations import Floats, cut_pieces, to_spans
from vad.evaluation.frames import frame_mask
from vad.evaluation.report.svg import Axes, Tick, picture, text
from vad.evaluation.results import RecordingResult
from vad.features import Float32
from vad.grid import Grid
from vad.segments import Segment

LENGTH = 12.0  # seconds of a stretch
MAX_PER_RECORDING = 3
TENTHS = Grid(10, 1)  # stretches start at multiples of 0.1 s
WIDTH, LEFT, RIGHT = 960, 92, 12
COLUMNS = (WIDTH - LEFT - RIGHT) // 2  # of the waveform


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
        found.append(Stretch(one, start, end, _cut(missed, start, end), _cut(alarms, start, end)))
        within[max(at - length + 1, 0) : at + length] = 0
    return [stretch for stretch in found if stretch.error >= 0.1]


def _errors(one: RecordingResult, collar: float, missed: bool) -> list[Segment]:
    """The scored time that was missed, or else is a false alarm."""
    pieces = cut_pieces(to_spans(one.reference), to_spans(one.hypothesis), to_spans(one.scored_regions), collar)
    which = (pieces.reference == missed) & (pieces.hypothesis != missed) & pieces.scored
    starts, ends = pieces.start[which], pieces.start[which] + pieces.width[which]
    return [Segment(*span) for span in zip(starts.tolist(), ends.tolist(), strict=True)]


def _cut(segments: list[Segment], start: float, end: float) -> list[Segment]:
    return [Segment(max(s.start, start), min(s.end, end)) for s in segments if s.start < end and s.end > start]


def draw(stretch: Stretch, thresholds: dict[str, float]) -> str:
    """Waveform, scores, reference, hypothesis and errors, one under the other on one time axis.

    `thresholds` have names. Waveform and scores are left out if there are none.
    """
    one, span = stretch.recording, (stretch.start, stretch.end)
    lanes: list[str] = []
    top = 6.0

    def lane(name: str, height: float, y: tuple[float, float] = (0.0, 1.0)) -> Axes:
        nonlocal top
        axes = Axes(LEFT, top, WIDTH - LEFT - RIGHT, height, span, y)
        lanes.append(text(LEFT - 8, top + height / 2 + 4, name, "end"))
        top += height + 6
        return axes

    wave = _waveform(one.path, *span)
    if wave is not None:
        axes = lane("sound", 76, (-1, 1))
        lanes += [axes.boxes([span], "ground"), _envelope(wave, axes)]
    if one.scores is not None:
        axes = lane("score", 76)
        frame = one.duration / max(len(one.scores), 1)
        first, last = int(span[0] / frame), min(math.ceil(span[1] / frame), len(one.scores))
        times = (np.arange(first, last) + 0.5) * frame
        top_score = max(1.0, float(one.scores.max()))
        scale = Axes(axes.left, axes.top, axes.width, axes.height, span, (0.0, top_score))
        lanes.append(scale.boxes([span], "ground"))
        lanes += [scale.level(value, "chosen") for value in thresholds.values()]
        lanes.append(scale.line(times, one.scores[first:last], "first"))
    for name, segments, kind in (
        ("reference", one.reference, "reference"),
        ("hypothesis", one.hypothesis, "hypothesis"),
    ):
        axes = lane(name, 20)
        lanes += [axes.boxes([span], "ground"), axes.boxes(_cut(segments, *span), kind, name)]
    axes = lane("error", 14)
    lanes += [axes.boxes([span], "ground"), axes.boxes(stretch.missed, "missed", "missed")]
    lanes.append(axes.boxes(stretch.alarms, "alarmed", "false alarm"))
    seconds = [Tick(at, clock(at)) for at in range(math.ceil(span[0]), math.floor(span[1]) + 1, 2)]
    lanes.append(Axes(LEFT, top - 6, WIDTH - LEFT - RIGHT, 0, span).frame(seconds, [], grid=False))
    return picture(WIDTH, top + 18, lanes, f"{one.name} from {clock(span[0])} to {clock(span[1])}")


def clock(seconds: float) -> str:
    """`1:02:03`, without hours where there are none."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _waveform(path: str, start: float, end: float) -> Float32 | None:
    """`(sample,)` at 16 kHz from `start` to `end`; None without sound."""
    if not path:
        return None
    grid, kept, at = Grid(), [], 0
    first, last = grid.to_samples(start), grid.to_samples(end)
    try:
        for rows in open_sound(Path(path)).blocks(grid.sample_rate):
            block = rows[0]
            kept.append(block[max(first - at, 0) : max(last - at, 0)])
            at += len(block)
            if at >= last:
                break
    except AudioError:
        return None
    wave = np.concatenate(kept) if kept else np.empty(0, np.float32)
    return wave if len(wave) else None


def _envelope(wave: Float32, axes: Axes) -> str:
    """The lowest and highest sample of each column of the picture, scaled to its height."""
    columns = np.array_split(wave, min(COLUMNS, len(wave)))
    peak = max(float(np.abs(wave).max()), 1e-6)
    low: Floats = np.array([column.min() for column in columns]) / peak
    high: Floats = np.array([column.max() for column in columns]) / peak
    xs = axes.left + (np.arange(len(columns)) + 0.5) * axes.width / len(columns)
    path = "".join(
        f"M{x:.1f} {a:.1f}V{max(b, a + 0.6):.1f}" for x, a, b in zip(xs, axes.down(high), axes.down(low), strict=True)
    )
    return f'<path class="wave" d="{path}"/>'
