"""What the page draws of a recording: the peaks of the waveform, the log-mel spectrogram, the scores."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vad.atomic import write
from vad.audio.decode import Sound
from vad.features import FeatureStream, Float32, LogMel
from vad.review.pyramid import Bytes, Layer, is_whole

PER_FRAME = 4  # bins of peaks in a frame: 2.5 ms each
LOWEST, HIGHEST = -18.0, 2.0  # log energies that the picture tells apart


class Pictures:
    """The layers `peaks` and `mel` of one recording in `folder`, built while it is read, or read from there.

    They show the mean of all channels, or one `channel`, from 1.
    A bin of `peaks` is how far the waveform falls below zero and rises above it: 255 times the square root,
    so that what is faint has steps enough. A bin of `mel` is a frame of log energies.
    """

    def __init__(self, folder: Path, features: LogMel, channel: int | None = None) -> None:
        kind = f"{features.n_mels}-{features.hop}" + (f"-ch{channel}" if channel else "")
        self._about = folder / f"pictures-{kind}.json"
        self._features, self._channel = features, channel
        sizes = {f"peaks-{kind}": 2, f"mel-{kind}": features.n_mels}
        about = self._read(folder, sizes)
        self.complete = about is not None
        self.begun = threading.Event()  # once there is something to show
        self.duration = about["duration"] if about else 0.0  # seconds read so far
        counts = about["counts"] if about else {}
        self.layers = {
            name.partition("-")[0]: Layer(folder, name, values, counts.get(name)) for name, values in sizes.items()
        }

    def build(self, sound: Sound, on_block: Callable[[Float32], None] = lambda rows: None) -> None:
        """Read `sound` to its end, `on_block` called with each block; `AudioError` where it cannot be read."""
        stream, hop = FeatureStream(self._features), self._features.hop // PER_FRAME
        rest = np.empty(0, np.float32)
        try:
            for rows in sound.blocks(self._features.sample_rate, self._channel or "mix"):
                on_block(rows)
                self.layers["mel"].push(to_bytes(stream.push(rows[0])))
                samples = np.concatenate([rest, rows[0]])
                whole = len(samples) // hop * hop
                self.layers["peaks"].push(to_peaks(samples[:whole].reshape(-1, hop)))
                rest = samples[whole:]
                self.duration = sound.duration
                self.begun.set()
            self.layers["mel"].push(to_bytes(stream.finish()))
            if len(rest):
                self.layers["peaks"].push(to_peaks(rest[None]))
            for layer in self.layers.values():
                layer.finish()
        finally:
            self.begun.set()
            for layer in self.layers.values():
                layer.close()
        self.duration = sound.duration
        about = {"duration": self.duration, "counts": {layer.name: layer.counts for layer in self.layers.values()}}
        write(self._about, json.dumps(about).encode())
        self.complete = True

    def _read(self, folder: Path, sizes: dict[str, int]) -> dict[str, Any] | None:
        """What was kept of layers of these names and values per bin; None unless all is there."""
        try:
            about: dict[str, Any] = json.loads(self._about.read_text("ascii"))
            whole = all(is_whole(folder, name, values, about["counts"][name]) for name, values in sizes.items())
            return about if whole else None
        except (OSError, ValueError, KeyError):
            return None


def score_layer(folder: Path, name: str, scores: ArrayLike) -> Layer:
    """The layer of scores `(frame,)`: a bin holds 255 times one minus the lowest, and the highest."""
    layer = Layer(folder, name, 2)
    values = np.rint(np.asarray(scores) * 255).astype(np.uint8)
    layer.push(np.stack([255 - values, values], 1))
    layer.finish()
    return layer


def to_bytes(frames: Float32) -> Bytes:
    """Log energies as 0..255."""
    values: Bytes = (np.clip((frames - LOWEST) / (HIGHEST - LOWEST), 0, 1) * 255).astype(np.uint8)
    return values


def to_peaks(samples: Float32) -> Bytes:
    """`(bin, sample)` to `(bin, 2)`: how far each bin falls below zero, and rises above it."""
    peaks = np.stack([-samples.min(1), samples.max(1)], 1)
    values: Bytes = np.rint(255 * np.sqrt(np.clip(peaks, 0, 1))).astype(np.uint8)
    return values
