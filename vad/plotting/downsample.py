"""A recording of any length, reduced on the fly to the resolution of a picture."""

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

SOUND_BINS, SPECTRUM_BINS = 1 << 16, 1 << 14  # at most; a page shows some ten thousand pixels
EXACT = 1e-6  # of an item, for rounding errors


class Overview:
    """The maximum of each value over bins of `factor` neighbouring items; items are rows `(item, value)`.

    It starts with a bin per item and merges pairs of bins whenever there are `bins`, so that memory
    does not grow. `rate` is items per second; only items within `span` seconds are kept.
    """

    def __init__(self, bins: int, values: int, rate: float, span: tuple[float, float]) -> None:
        self.factor, self.rate = 1, rate
        self.first = math.floor(span[0] * rate + EXACT)  # item at which the first bin begins
        self._stop = math.inf if math.isinf(span[1]) else math.ceil(span[1] * rate - EXACT)
        self._passed = 0  # items pushed
        self._count = 0  # items held
        self._bins = np.full((bins, values), -np.inf, np.float32)

    def push(self, items: Float32) -> None:
        """Add items `(item, value)`."""
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
        """The bins between `start` and `end` seconds: edges in seconds `(bin + 1,)`, and values `(bin, value)`."""
        first = math.floor((start * self.rate - self.first) / self.factor + EXACT)
        stop = math.ceil((end * self.rate - self.first) / self.factor - EXACT)
        first, stop = max(0, first), min(max(0, stop), -(-self._count // self.factor))
        bins = self._bins[first:stop]
        edges = self.first + (first + np.arange(len(bins) + 1)) * self.factor
        return edges / self.rate, bins


@dataclass(frozen=True)
class View:
    """The data to plot of one channel of a recording."""

    detection: Detection  # with scores
    sound: Overview  # per bin: how far it falls below zero, and rises above it
    spectrum: Overview | None  # per bin: log energies of the mel bands


@dataclass(frozen=True)
class ViewContent:
    """Which data of a recording to keep for a plot."""

    span: tuple[float, float] = (0.0, math.inf)  # seconds
    spectrum: bool = False


def load_views(
    detector: Detector,
    sound: Sound,
    settings: Segmentation,
    channel: Channel = "mix",
    content: ViewContent = ViewContent(),
    *,
    latency: float | str | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[View]:
    """Analyse a recording: a `View` per channel, with the data that `content` asks for.

    The other parameters are those of `Detector.analyse`. `progress` gets the share that is done, if
    the length is known. The whole recording is analysed, so that scores and segments do not depend
    on the span. Raises `SettingError` if the recording ends before the span begins, `AudioError` if
    it is empty.
    """
    features, span = detector.description.features, content.span
    rows = range(sound.rows(channel))
    sounds = [Overview(SOUND_BINS, 2, detector.grid.sample_rate, span) for _ in rows]
    spectra = [
        Overview(SPECTRUM_BINS, features.n_mels, 1 / detector.grid.frame_seconds, span)
        for _ in rows
        if content.spectrum
    ]
    streams = [FeatureStream(features) for _ in spectra]

    def on_block(blocks: Float32) -> None:
        for overview, samples in zip(sounds, blocks, strict=True):
            overview.push(np.stack([-samples, samples], 1))
        for overview, stream, samples in zip(spectra, streams, blocks if spectra else [], strict=True):
            overview.push(stream.push(samples))
        if progress and sound.share is not None:
            progress(sound.share)

    found = detector.analyse(sound, settings, channel, latency=latency, keep_scores=True, on_block=on_block)
    for overview, stream in zip(spectra, streams, strict=True):
        overview.push(stream.finish())
    if not found[0].duration:
        raise AudioError(f"{sound.name}: holds no sound")
    if span[0] >= found[0].duration:
        raise SettingError(f"{sound.name}: lasts {found[0].duration:g} s, less than the start at {span[0]:g} s")
    return [View(d, sounds[i], spectra[i] if spectra else None) for i, d in enumerate(found)]
