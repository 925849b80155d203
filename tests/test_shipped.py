"""The weights in the package: sound that confused earlier ones, and what a stream remembers."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import DATA
from vad import Detector
from vad.audio.decode import read
from vad.features import LogMel
from vad.geometry import Geometry
from vad.model.session import CausalModel
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
