"""The three calls that most programs for Silero VAD make, answered by this package.

    from vad.compat import get_speech_timestamps, load_silero_vad, read_audio

in place of `from silero_vad import ...` is the whole change. New programs use `vad.Detector`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from vad.audio.decode import read
from vad.detector import Detector
from vad.features import Float32


def load_silero_vad(*_: Any, **__: Any) -> Detector:
    """The detector of the package, whatever is asked of its runtime."""
    return Detector()


def read_audio(path: str | Path, sampling_rate: int = 16_000) -> Float32:
    """The sound of a file as `(sample,)` float32 of -1..1 at `sampling_rate` Hz, channels mixed."""
    return read(Path(path), sampling_rate)


def get_speech_timestamps(  # noqa: PLR0917 - they are called by position, too
    audio: ArrayLike,
    model: Detector,
    threshold: float | None = None,
    sampling_rate: int = 16_000,
    min_speech_duration_ms: float = 250,
    max_speech_duration_s: float = math.inf,
    min_silence_duration_ms: float = 100,
    speech_pad_ms: float = 30,
    return_seconds: bool = False,
    time_resolution: int = 1,
    neg_threshold: float | None = None,
) -> list[dict[str, int]] | list[dict[str, float]]:
    """Speech in `(sample,)`, as `{"start": ..., "end": ...}` in samples, or in seconds of `time_resolution` digits.

    Durations mean what they mean there; any `sampling_rate` will do. Without a `threshold` the
    model's own is taken: that of another model means something else to this one. Raises `AudioError`
    for what is no sound, `SettingError` for settings that make no sense.
    """
    found = model.detect(
        audio,
        sample_rate=sampling_rate,
        onset=threshold,
        offset=neg_threshold,
        min_speech=min_speech_duration_ms / 1000,
        min_silence=min_silence_duration_ms / 1000,
        pad_start=speech_pad_ms / 1000,
        pad_end=speech_pad_ms / 1000,
        max_speech=max_speech_duration_s,
    )
    if return_seconds:
        return [{"start": round(s.start, time_resolution), "end": round(s.end, time_resolution)} for s in found]
    return [{"start": round(s.start * sampling_rate), "end": round(s.end * sampling_rate)} for s in found]
