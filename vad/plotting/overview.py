"""A recording of any length, condensed while it passes by to what a picture can show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vad.audio.decode import Channel, Sound
from vad.detector import Detection, Detector
from vad.errors import AudioError, SettingError
from vad.features import FeatureStream, Float32
from vad.settings import Segmentation

SOUND_BINS, SPECTRUM_BINS = 1 << 16, 1 << 14  # held at most; a page has some ten thousand pixels to show them
EXACT = 1e-6  # of an item, which rounding may lose


class Overview:
    """Rows of values `(item, value)`, of which each `factor` neighbours are one bin: the largest of each value.

    It starts with a bin per item, and halves them whenever there are `bins`: memory does not grow
    with what is pushed. `rate` is items per second; only those in `span` seconds count.
    """

    def __init__(self, bins: int, values: int, rate: float, span: tuple[float, float]) -> None:
        self.factor, self.rate = 1, rate
        self.first = math.floor(span[0] * rate + EXACT)  # item at which the first bin begins
        self._stop = math.inf if math.isinf(span[1]) else math.ceil(span[1] * rate - EXACT)
        self._passed = 0  # items pushed
        self._count = 0  # items held
        self._bins = np.full((bins, values), -np.inf, np.float32)

    def push(self, items: Float32) -> None:
        """Take `(item, value)`."""
        begin, self._passed = self._passed, self._passed + len(items)
        items = items[max(0, self.first - begin) : max(0, int(min(self._stop, self._passed)) - begin)]
        half = len(self._bins) // 2
        while len(items):
            if self._count == 2 * half * self.factor:
                self._bins[:half] = self._bins.reshape(half, 2, -1).max(1)
                self._bins[half:] = -np.inf
                self.factor *= 2
            piece, items = np.split(items, [2 * half * self.factor - self._count])
            edges = np.arange(-self._count % self.factor, len(piece), self.factor)
            best = np.maximum.reduceat(piece, edges if len(edges) and edges[0] == 0 else [0, *edges])
            at = self._count // self.factor
            self._bins[at : at + len(best)] = np.maximum(self._bins[at : at + len(best)], best)
            self._count += len(piece)

    def between(self, start: float, end: float) -> tuple[NDArray[np.float64], Float32]:
        """The bins that `start` to `end` seconds touch: edges in seconds `(bin + 1,)`, and `(bin, value)`."""
        first = math.floor((start * self.rate - self.first) / self.factor + EXACT)
        stop = math.ceil((end * self.rate - self.first) / self.factor - EXACT)
        first, stop = max(0, first), min(max(0, stop), -(-self._count // self.factor))
        bins = self._bins[first:stop]
        edges = self.first + (first + np.arange(len(bins) + 1)) * self.factor
        return edges / self.rate, bins


@dataclass(frozen=True)
class View:
    """What there is to see of one channel of a recording."""

    detection: Detection  # with scores
    sound: Overview  # per bin: how far it falls below zero, and rises above it
    spectrum: Overview | None  # per bin: log energies of the mel bands


def view(
    detector: Detector,
    sound: Sound,
    settings: Segmentation,
    channel: Channel = "mix",
    *,
    span: tuple[float, float] = (0.0, math.inf),
    spectrum: bool = False,
    latency: float | str | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[View]:
    """A `View` per channel, of the seconds in `span`; the rest is what `Detector.analyse` takes.

    `progress` is called with the share that is done, where the length is known.

    The whole recording is analysed, so that scores and segments do not depend on the span. Raises
    `SettingError` where the recording ends before the span begins, `AudioError` where it is empty.
    """
    features = detector.description.features
    rows = range(sound.rows(channel))
    heard = [Overview(SOUND_BINS, 2, detector.grid.sample_rate, span) for _ in rows]
    seen = [Overview(SPECTRUM_BINS, features.n_mels, 1 / detector.grid.frame_seconds, span) for _ in rows if spectrum]
    streams = [FeatureStream(features) for _ in seen]

    def hear(blocks: Float32) -> None:
        for overview, samples in zip(heard, blocks, strict=True):
            overview.push(np.stack([-samples, samples], 1))
        for overview, stream, samples in zip(seen, streams, blocks if seen else [], strict=True):
            overview.push(stream.push(samples))
        if progress and sound.share is not None:
            progress(sound.share)

    found = detector.analyse(sound, settings, channel, latency=latency, keep_scores=True, on_block=hear)
    for overview, stream in zip(seen, streams, strict=True):
        overview.push(stream.finish())
    if not found[0].duration:
        raise AudioError(f"{sound.name}: holds no sound")
    if span[0] >= found[0].duration:
        raise SettingError(f"{sound.name}: lasts {found[0].duration:g} s; nothing is left from {span[0]:g} s on")
    return [View(d, heard[i], seen[i] if seen else None) for i, d in enumerate(found)]
