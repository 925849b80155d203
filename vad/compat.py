"""The three functions of Silero VAD that most programs use, with this package's detector.

    from vad.compat import get_speech_timestamps, load_silero_vad, read_audio

replaces `from silero_vad import ...`; nothing else need change. New programs use `vad.Detector`.
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
    """The default detector; the arguments, which choose a runtime there, have no effect."""
    return Detector()


def read_audio(path: str | Path, sampling_rate: int = 16_000) -> Float32:
    """The samples of a file, `(sample,)` float32 of -1..1 at `sampling_rate` Hz, the mean of its channels.

    Raises `AudioError` where it cannot be read.
    """
    return read(Path(path), sampling_rate)


def get_speech_timestamps(  # noqa: PLR0917 - the signature of Silero VAD
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
    *,
    neg_threshold: float | None = None,
) -> list[dict[str, int]] | list[dict[str, float]]:
    """The speech in samples `(sample,)`: dictionaries with "start" and "end", in samples.

    With `return_seconds` in seconds, rounded to `time_resolution` digits. The signature follows Silero
    VAD: the parameters have its names and, up to `time_resolution`, its order, for programs that pass
    them by position. They mean what they mean there, except that any `sampling_rate` in Hz is accepted,
    and that the default `threshold` and `neg_threshold` are those of this model. Raises `AudioError` for
    an array that is no audio, `SettingError` for invalid settings.
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
