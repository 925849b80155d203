"""Other detectors through their own packages: 16 kHz mono float32 to a score per 10 ms, and to segments.

`pip install silero-vad ten-vad webrtcvad-wheels` brings them; what is not installed is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Array = NDArray[Any]
Spans = list[tuple[float, float]]


class System(Protocol):
    """A detector under test."""

    def scores(self, samples: Array) -> Array:
        """`(sample,)` to `(frame,)`, a rank of each 10 ms: higher is more like speech."""

    def segments(self, samples: Array) -> Spans:
        """Start and end of speech in seconds, at the detector's own defaults."""


class Ours:
    """The model in the package."""

    def __init__(self) -> None:
        from vad import Detector

        self._detector = Detector()

    def scores(self, samples: Array) -> Array:
        return self._detector.scores(samples, sample_rate=RATE)

    def segments(self, samples: Array) -> Spans:
        return [(s.start, s.end) for s in self._detector.detect(samples, sample_rate=RATE)]


class Silero:
    """Silero VAD: a score per 32 ms."""

    def __init__(self) -> None:
        import silero_vad
        import torch

        torch.set_num_threads(1)
        self._torch, self._package, self._model = torch, silero_vad, silero_vad.load_silero_vad(onnx=True)

    def scores(self, samples: Array) -> Array:
        per_chunk = self._model.audio_forward(self._torch.from_numpy(samples), RATE).numpy().ravel()
        return spread(per_chunk, 512, len(samples))

    def segments(self, samples: Array) -> Spans:
        found = self._package.get_speech_timestamps(
            self._torch.from_numpy(samples), self._model, sampling_rate=RATE, return_seconds=False
        )
        return [(s["start"] / RATE, s["end"] / RATE) for s in found]


class Ten:
    """TEN VAD: a score per 16 ms."""

    def __init__(self) -> None:
        from ten_vad import TenVad

        self._make = TenVad

    def scores(self, samples: Array) -> Array:
        detector = self._make(256)
        chunks = to_int16(np.pad(samples, (0, -len(samples) % 256))).reshape(-1, 256)
        return spread(np.array([detector.process(chunk)[0] for chunk in chunks]), 256, len(samples))

    def segments(self, samples: Array) -> Spans:
        return runs(self.scores(samples) >= 0.5)


class WebRTC:
    """WebRTC's detector in mode 2; its four modes' votes make a score."""

    def __init__(self) -> None:
        import webrtcvad

        self._make = webrtcvad.Vad

    def _votes(self, samples: Array, mode: int) -> Array:
        detector = self._make(mode)
        frames = to_int16(samples[: len(samples) // 160 * 160]).reshape(-1, 160)
        return np.array([detector.is_speech(frame.tobytes(), RATE) for frame in frames], float)

    def scores(self, samples: Array) -> Array:
        return spread(np.sum([self._votes(samples, mode) for mode in range(4)], 0), 160, len(samples))

    def segments(self, samples: Array) -> Spans:
        return runs(spread(self._votes(samples, 2), 160, len(samples)) > 0.5)


SYSTEMS: dict[str, Callable[[], System]] = {"speech-1": Ours, "silero": Silero, "ten": Ten, "webrtc": WebRTC}


def to_int16(samples: Array) -> NDArray[np.int16]:
    """Samples of -1..1 as 16-bit integers."""
    integers: NDArray[np.int16] = np.clip(samples * 32768, -32768, 32767).astype(np.int16)
    return integers


def spread(values: Array, hop: int, samples: int) -> Array:
    """Values that each stand for `hop` samples, read at the centre of every 10 ms."""
    centres = np.arange(-(-samples // 160)) * 160 + 80
    return values[np.minimum(centres // hop, len(values) - 1)]


def runs(speech: Array) -> Spans:
    """Stretches of true frames, in seconds."""
    edges = np.flatnonzero(np.diff(speech.astype(int), prepend=0, append=0))
    return [(start / 100, end / 100) for start, end in edges.reshape(-1, 2)]
