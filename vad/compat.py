"""The three functions of Silero VAD that most programs use, with this package's detector.

    from vad.compat import get_speech_timestamps, load_silero_vad, read_audio

replaces `from silero_vad import ...`. `read_audio` gives an array, where Silero's gives a tensor. New programs
use `vad.Detector`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from vad.audio.decode import from_array, read
from vad.detector import Detector
from vad.errors import SettingError
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
    visualize_probs: bool = False,
    progress_tracking_callback: Callable[[float], None] | None = None,
    neg_threshold: float | None = None,
    window_size_samples: int = 512,
    min_silence_at_max_speech: float = 98,
    use_max_poss_sil_at_max_speech: bool = True,
) -> list[dict[str, Any]]:
    """The speech in samples `(sample,)` or `(1, sample)`: dictionaries with "start" and "end", whole samples.

    With `return_seconds` in seconds, rounded to `time_resolution` digits. The parameters have the names
    and the order of Silero VAD's, and mean what they mean there, except that

    - any `sampling_rate` in Hz is accepted;
    - the default `threshold` and `neg_threshold` are those of this model;
    - `progress_tracking_callback` gets the percentage done after a block of sound, and not after each window;
    - `window_size_samples` and the last two, which choose where long speech is cut, have no effect;
    - `visualize_probs` is refused: `vad plot` draws the scores.

    Raises `AudioError` for an array that is no audio, `SettingError` for invalid settings.
    """
    if visualize_probs:
        raise SettingError(
            "visualize_probs: is not supported; leave it out, and draw with `vad plot`", "visualize_probs"
        )
    while getattr(audio, "ndim", 1) > 1 and len(audio) == 1:  # type: ignore[arg-type]
        audio = audio[0]  # type: ignore[index]
    sound = from_array(audio, sampling_rate)
    settings = model.settings(
        onset=threshold,
        offset=neg_threshold,
        min_speech=min_speech_duration_ms / 1000,
        min_silence=min_silence_duration_ms / 1000,
        pad_start=speech_pad_ms / 1000,
        pad_end=speech_pad_ms / 1000,
        max_speech=max_speech_duration_s,
    )

    def report(_: Float32) -> None:
        if progress_tracking_callback and sound.share is not None:
            progress_tracking_callback(100 * sound.share)

    found = model.analyse(sound, settings, on_block=report)[0].segments
    if return_seconds:
        return [{"start": round(s.start, time_resolution), "end": round(s.end, time_resolution)} for s in found]
    return [{"start": round(s.start * sampling_rate), "end": round(s.end * sampling_rate)} for s in found]
