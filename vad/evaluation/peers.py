"""Systems to compare: the detectors of this package, and other detectors through their own packages.

All get 16 kHz mono float32, one recording at a time, on one thread, with their own defaults.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vad.audio.decode import Channel, read
from vad.audio.resample import to_int16
from vad.detector import Detector
from vad.errors import AudioError, ModelError, reason
from vad.evaluation.frames import mask_segments
from vad.features import Float32
from vad.grid import Grid
from vad.segments import Segment

RATE = 16_000
Array = NDArray[Any]


class System(Protocol):
    """A detector under test."""

    def scores(self, samples: Array) -> Array:
        """`(sample,)` to `(frame,)`: a score per 10 ms; higher is more like speech."""

    def segments(self, samples: Array) -> list[Segment]:
        """The segments of speech, at the detector's own defaults."""


class Own:
    """A model of this package."""

    def __init__(self, model: str | None = None) -> None:
        self._detector = Detector(model)

    @property
    def identity(self) -> dict[str, Any]:
        """The name and version of the model, and its settings."""
        return {**self._detector.description.identity, "settings": asdict(self._detector.settings())}

    def scores(self, samples: Array) -> Array:
        """A score per frame."""
        return self._detector.scores(samples, sample_rate=RATE)

    def segments(self, samples: Array) -> list[Segment]:
        """At the thresholds in the weights file."""
        return self._detector.detect(samples, sample_rate=RATE)


class Silero:
    """Silero VAD: a score per 32 ms."""

    def __init__(self) -> None:
        import silero_vad
        import torch

        torch.set_num_threads(1)
        self._torch, self._package, self._model = torch, silero_vad, silero_vad.load_silero_vad(onnx=True)

    def scores(self, samples: Array) -> Array:
        """The score of every 32 ms, repeated for every 10 ms, of one recording or of several, `(..., sample)`."""
        per_chunk = self._model.audio_forward(self._torch.from_numpy(samples), RATE).numpy()
        return spread(per_chunk.reshape(*samples.shape[:-1], -1), 512, samples.shape[-1])

    def segments(self, samples: Array) -> list[Segment]:
        """The result of its own `get_speech_timestamps`."""
        found = self._package.get_speech_timestamps(
            self._torch.from_numpy(samples), self._model, sampling_rate=RATE, return_seconds=False
        )
        return [Segment(s["start"] / RATE, s["end"] / RATE) for s in found]


class Ten:
    """TEN VAD: a score per 16 ms."""

    def __init__(self) -> None:
        from ten_vad import TenVad

        self._make = TenVad

    def scores(self, samples: Array) -> Array:
        """The score of every 16 ms, repeated for every 10 ms."""
        detector = self._make(256)
        chunks = to_int16(np.pad(samples, (0, -len(samples) % 256))).reshape(-1, 256)
        return spread(np.array([detector.process(chunk)[0] for chunk in chunks]), 256, len(samples))

    def segments(self, samples: Array) -> list[Segment]:
        """Its package has no segmenter: frames with a score of 0.5 or more are speech."""
        return mask_segments(self.scores(samples) >= 0.5, Grid())


class WebRTC:
    """WebRTC's detector in mode 2; the number of its four modes that detect speech is the score."""

    def __init__(self) -> None:
        import webrtcvad

        self._make = webrtcvad.Vad

    def _votes(self, samples: Array, mode: int) -> Array:
        detector = self._make(mode)
        frames = to_int16(samples[: len(samples) // 160 * 160]).reshape(-1, 160)
        return np.array([detector.is_speech(frame.tobytes(), RATE) for frame in frames], float)

    def scores(self, samples: Array) -> Array:
        """The number of modes that detect speech."""
        return spread(np.sum([self._votes(samples, mode) for mode in range(4)], 0), 160, len(samples))

    def segments(self, samples: Array) -> list[Segment]:
        """The speech that mode 2 detects."""
        return mask_segments(spread(self._votes(samples, 2), 160, len(samples)) > 0.5, Grid())


class Peer(NamedTuple):
    """A detector of another package."""

    make: Callable[[], System]
    module: str
    package: str  # its name for pip


PEERS = {
    "silero": Peer(Silero, "silero_vad", "silero-vad"),
    "ten": Peer(Ten, "ten_vad", "ten-vad"),
    "webrtc": Peer(WebRTC, "webrtcvad", "webrtcvad-wheels"),
}


def installed() -> list[str]:
    """The names of the peers whose packages are installed."""
    return [name for name, peer in PEERS.items() if importlib.util.find_spec(peer.module)]


def identity(name: str, system: System) -> dict[str, Any]:
    """What results say of a system opened as `name`; the version of a peer is that of its package, or "unknown"."""
    if isinstance(system, Own):
        return system.identity
    try:
        return {"name": name, "version": importlib.metadata.version(PEERS[name].package)}
    except importlib.metadata.PackageNotFoundError:
        return {"name": name, "version": "unknown"}


def open_system(name: str) -> System:
    """Open a peer by its name, or a model of this package by its name, weights file or folder.

    Raises `ModelError` if there is no such model, and if the package of a peer cannot be imported.
    """
    if name not in PEERS:
        return Own(name)
    peer = PEERS[name]
    try:
        return peer.make()
    except (ImportError, OSError) as error:
        raise ModelError(
            f"{name}: its package cannot be loaded ({reason(error)}); pip install {peer.package}"
        ) from error


def read_samples(path: str, channel: Channel = "mix") -> Float32:
    """A whole recording `(sample,)` at 16 kHz; raises `AudioError` if it cannot be read or is empty."""
    samples = read(Path(path), RATE, channel)
    if not len(samples):
        raise AudioError(f"{path}: holds no sound")
    return samples


def frame_scores(system: System, samples: Array) -> Array:
    """A system's scores on the grid of 10 ms frames: `(ceil(n / 160),)` for n samples."""
    return system.scores(samples)[: Grid().frame_count(len(samples))]


def spread(values: Array, hop: int, samples: int) -> Array:
    """Values of `hop` samples each, `(..., value)`, sampled at the centre of every 10 ms."""
    centres = np.arange(-(-samples // 160)) * 160 + 80
    return values[..., np.minimum(centres // hop, values.shape[-1] - 1)]
