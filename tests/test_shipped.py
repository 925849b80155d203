"""The weights in the package: sound that confused earlier ones, and what a stream remembers."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import DATA
from vad import Detector, Segment
from vad.audio.decode import read
from vad.features import LogMel
from vad.geometry import Geometry
from vad.model.runtime import CausalModel
from vad.scorer import CausalScorer

RATE = 16_000
HOUR = 360_000  # frames
TALK = read(DATA / "talk.flac", RATE)
KINDS = ("digital silence", "dither", "loud noise", "hum", "talk", "dishes")


def sound(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Ten seconds of a kind of sound."""
    samples = 10 * RATE
    if kind == "talk":
        return np.resize(TALK, samples)
    if kind == "dishes":
        return np.resize(read(DATA / "dishes.flac", RATE), samples)
    if kind == "hum":
        return (0.1 * np.sin(2 * np.pi * 100 * np.arange(samples) / RATE)).astype(np.float32)
    level = {"digital silence": 0.0, "dither": 1 / 32768, "loud noise": 0.3}[kind]
    return rng.normal(0, level, samples).astype(np.float32) if level else np.zeros(samples, np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_after_an_hour_of_anything_a_stream_finds_speech_as_after_a_start(kind: str) -> None:
    live = Detector().live
    assert live is not None
    assert isinstance(live.model, CausalModel)
    features = LogMel()
    hour = np.resize(features(sound(kind, np.random.default_rng(0))), (HOUR, features.n_mels))
    fresh, late = (CausalScorer(live.model, Geometry(0, 8000, 20)) for _ in range(2))
    late.push(hour)
    talk = features(TALK)
    expected, found = (np.concatenate([s.push(talk), s.finish()])[-len(talk) :] for s in (fresh, late))
    settings = live.settings()
    for threshold in (settings.onset, settings.offset):
        assert ((found > threshold) == (expected > threshold)).mean() > 0.96


def between() -> tuple[np.ndarray, float, float]:
    """Speech, dishes, and the same speech; and from when until when there are dishes, in seconds."""
    dishes = read(DATA / "dishes.flac", RATE)
    start = len(TALK) / RATE
    return np.concatenate([TALK, dishes, TALK]), start, start + len(dishes) / RATE


def seconds(segments: list[Segment], start: float, end: float) -> float:
    """How much of the time from `start` to `end` the segments cover."""
    return sum(max(0.0, min(s.end, end) - max(s.start, start)) for s in segments)


LATENCIES = ("balanced", 0.1, None)


@pytest.mark.parametrize("latency", LATENCIES)
def test_noise_between_speech_is_no_speech(latency: float | str | None) -> None:
    sound, start, end = between()
    segments = Detector().detect(sound, sample_rate=RATE, latency=latency)
    assert seconds(segments, start, end) < 1.5
    assert seconds(segments, 0, start) > 15


@pytest.mark.parametrize("latency", LATENCIES)
def test_digital_silence_around_speech_changes_little(latency: float | str | None) -> None:
    before, after = 100, 60
    detector = Detector()
    plain = detector.detect(TALK, sample_rate=RATE, latency=latency)
    padded = np.pad(TALK, (before * RATE, after * RATE))
    segments = detector.detect(padded, sample_rate=RATE, latency=latency)
    assert segments[0].start - before == pytest.approx(plain[0].start, abs=0.1)
    end = before + len(TALK) / RATE
    assert seconds(segments, before, end) > 0.97 * seconds(plain, 0, len(TALK) / RATE)
    assert seconds(segments, 0, before - 1) == seconds(segments, end + 1, end + after) == 0
