"""A stretch of a recording as lanes, one under the other on one time axis, and its sound.

The pictures are as wide as the page allows; text stands beside them, so that its size does not change with theirs.
"""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from vad.audio.decode import open_sound
from vad.clock import clock
from vad.errors import AudioError
from vad.evaluation.overlap import Floats
from vad.evaluation.report.svg import Axes, Tick, strip
from vad.evaluation.report.worst import Stretch, clip_to
from vad.features import Float32
from vad.grid import Grid

WIDTH = 860  # pixels; the page stretches the pictures
COLUMNS = WIDTH // 2  # of the waveform
PEAK = 0.9  # of the sound, relative to full scale


class Lane(NamedTuple):
    """A picture that is as wide as the page."""

    name: str
    height: int  # pixels
    picture: str  # SVG


def draw_lanes(stretch: Stretch, wave: Float32 | None, thresholds: dict[str, float]) -> list[Lane]:
    """Waveform, scores, reference, hypothesis and errors; waveform and scores only if there are some.

    `wave` is `(sample,)`, `thresholds` have names.
    """
    one, span = stretch.recording, (stretch.start, stretch.end)
    lanes: list[Lane] = []

    def add(name: str, height: int, parts: list[str]) -> None:
        lanes.append(Lane(name, height, strip(WIDTH, height, parts, name)))

    def axes(height: int, y: tuple[float, float] = (0.0, 1.0)) -> Axes:
        return Axes(0, 0, WIDTH, height, span, y)

    if wave is not None:
        add("sound", 76, [_envelope(wave, axes(76, (-1, 1)))])
    if one.scores is not None:
        frame = one.duration / max(len(one.scores), 1)
        first, last = int(span[0] / frame), min(math.ceil(span[1] / frame), len(one.scores))
        times = (np.arange(first, last) + 0.5) * frame
        scale = axes(76, (0.0, max(1.0, float(one.scores.max()))))
        levels = [scale.level(value, "chosen") for value in thresholds.values()]
        add("score", 76, [*levels, scale.line(times, one.scores[first:last], "first")])
    for name, segments in (("reference", one.reference), ("hypothesis", one.hypothesis)):
        add(name, 20, [axes(20).boxes(clip_to(segments, *span), name, name)])
    errors = axes(14)
    add(
        "errors",
        14,
        [errors.boxes(stretch.missed, "missed", "missed"), errors.boxes(stretch.alarms, "alarmed", "false alarm")],
    )
    return lanes


def ticks(stretch: Stretch) -> list[Tick]:
    """The time axis: labels at every second second; positions are shares of the width."""
    length = stretch.end - stretch.start
    whole = range(math.ceil(stretch.start), math.floor(stretch.end) + 1, 2)
    return [Tick((at - stretch.start) / length, clock(at)) for at in whole]


def read_wave(stretch: Stretch) -> Float32 | None:
    """The sound `(sample,)` of a stretch at 16 kHz, of the channel that was evaluated; None without sound."""
    one = stretch.recording
    if not one.path:
        return None
    grid, kept, at = Grid(), [], 0
    first, last = grid.to_samples(stretch.start), grid.to_samples(stretch.end)
    try:
        for rows in open_sound(Path(one.path)).blocks(grid.sample_rate, one.channel):
            block = rows[0]
            kept.append(block[max(first - at, 0) : max(last - at, 0)])
            at += len(block)
            if at >= last:
                break
    except AudioError:
        return None
    wave = np.concatenate(kept) if kept else np.empty(0, np.float32)
    return wave if len(wave) else None


def sound_url(wave: Float32) -> str:
    """Sound `(sample,)` at 16 kHz as a `data:` URL of Ogg Opus, scaled to `PEAK`."""
    file = io.BytesIO()
    scaled = wave * (PEAK / max(float(np.abs(wave).max()), 1e-6))
    soundfile.write(file, scaled, Grid().sample_rate, format="OGG", subtype="OPUS")
    return f"data:audio/ogg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


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
