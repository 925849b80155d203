"""A program for Silero VAD runs with one import changed."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from conftest import DATA, RATE
from vad import Detector, SettingError
from vad.compat import get_speech_timestamps, load_silero_vad, read_audio


def test_the_calls_of_such_programs_give_the_segments_of_detect() -> None:
    model = load_silero_vad(onnx=True)
    wav = read_audio(str(DATA / "talk.flac"), sampling_rate=RATE)
    stamps = get_speech_timestamps(wav, model, sampling_rate=RATE)
    found = Detector().detect(DATA / "talk.flac", min_speech=0.25, pad_start=0.03, pad_end=0.03)
    assert [(s["start"], s["end"]) for s in stamps] == [(round(RATE * s.start), round(RATE * s.end)) for s in found]
    assert all(isinstance(s["start"], int) and 0 <= s["start"] < s["end"] <= len(wav) for s in stamps)
    seconds = get_speech_timestamps(wav, model, return_seconds=True, time_resolution=2)
    assert [(s["start"], s["end"]) for s in seconds] == [(round(s.start, 2), round(s.end, 2)) for s in found]


def test_settings_mean_the_same_as_in_silero_vad() -> None:
    model, wav = load_silero_vad(), read_audio(DATA / "talk.flac")
    loose = get_speech_timestamps(wav, model, min_silence_duration_ms=2000, return_seconds=True)
    strict = get_speech_timestamps(wav, model, threshold=0.99, neg_threshold=0.9, return_seconds=True)
    short = get_speech_timestamps(wav, model, max_speech_duration_s=3, return_seconds=True)
    assert len(loose) == 1
    assert sum(s["end"] - s["start"] for s in strict) < sum(s["end"] - s["start"] for s in loose) - 3
    assert max(s["end"] - s["start"] for s in short) <= 3.1
    assert get_speech_timestamps(np.zeros(8000, np.int16), model, sampling_rate=8000) == []


def test_a_tensor_of_one_channel_as_torchaudio_gives_it() -> None:
    model, wav = load_silero_vad(), read_audio(DATA / "talk.flac")
    shares: list[float] = []
    found = get_speech_timestamps(wav[None], model, progress_tracking_callback=shares.append, window_size_samples=1536)
    assert found == get_speech_timestamps(wav, model) != []
    assert shares == sorted(shares) and shares[-1] == 100
    with pytest.raises(SettingError, match="vad plot"):
        get_speech_timestamps(wav, model, visualize_probs=True)


def test_the_arguments_are_named_and_ordered_as_in_silero_vad_6() -> None:
    assert list(inspect.signature(get_speech_timestamps).parameters) == [
        "audio", "model", "threshold", "sampling_rate", "min_speech_duration_ms", "max_speech_duration_s",
        "min_silence_duration_ms", "speech_pad_ms", "return_seconds", "time_resolution",
        "visualize_probs", "progress_tracking_callback", "neg_threshold", "window_size_samples",
        "min_silence_at_max_speech", "use_max_poss_sil_at_max_speech",
    ]  # fmt: skip
