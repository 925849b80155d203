"""Scores: an array that knows which model made it, so that its segments are those of `detect`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import DATA, RATE
from vad import Detector, Scores, SettingError
from vad.grid import Grid
from vad.settings import LATENCIES, PRESETS

TALK = soundfile.read(DATA / "talk.flac", dtype="int16")[0]
THRESHOLDS = {"default": {"onset": 0.5, "offset": 0.3}}


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


def made() -> Scores:
    return Scores([0.1, 0.9, 0.5, 0.2], Grid(), {"name": "ours", "version": "1"}, THRESHOLDS, 0.035)


@settings(max_examples=40, deadline=None)
@given(
    st.none() | st.sampled_from(list(LATENCIES)) | st.floats(0.05, 2),
    st.sampled_from(list(PRESETS)),
    st.integers(0, len(TALK) - 1),
    st.integers(1, 8 * RATE),
    st.sampled_from([8_000, RATE, 44_100]),
)
def test_segments_of_scores_are_those_of_detect(
    detector: Detector, latency: float | str | None, preset: str, start: int, length: int, rate: int
) -> None:
    samples = TALK[start : start + length]
    scores = detector.scores(samples, sample_rate=rate, latency=latency)
    assert detector.segment(scores, preset=preset) == detector.detect(
        samples, sample_rate=rate, latency=latency, preset=preset
    )
    assert detector.segment(scores, onset=0.9) == detector.detect(samples, sample_rate=rate, latency=latency, onset=0.9)


def test_both_models_speak_for_themselves(detector: Detector) -> None:
    """The thresholds that count are those of the model that scored, whoever makes the segments."""
    live = detector.scores(TALK, sample_rate=RATE, latency=0.1)
    whole = detector.scores(TALK, sample_rate=RATE)
    assert live.model["name"] != whole.model["name"]
    assert detector.live
    assert detector.segment(live) == detector.live.segment(live) == detector.detect(TALK, sample_rate=RATE, latency=0.1)
    assert detector.segment(whole) == detector.live.segment(whole) == detector.detect(TALK, sample_rate=RATE)
    assert detector.segment(live) != detector.segment(np.asarray(live))  # else this test could not fail


def test_scores_are_an_array_of_the_whole_recording(detector: Detector) -> None:
    scores = detector.scores(TALK[: RATE + 1], sample_rate=RATE)
    assert isinstance(scores, np.ndarray)
    assert (scores.shape, scores.dtype, len(scores)) == ((101,), np.float32, 101)
    assert scores.grid == detector.grid
    assert scores.model == detector.description.identity
    assert scores.thresholds == detector.description.thresholds
    assert scores.duration == 1.0


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s)), lambda s: s.copy(), lambda s: s[:]],
)
def test_copies_carry_what_scores_carry(again: Callable[[Scores], Any]) -> None:
    scores, other = made(), again(made())
    assert type(other) is Scores
    assert np.array_equal(other, scores)
    assert vars(other) == vars(scores)


def test_a_slice_keeps_the_model_and_is_of_no_known_duration() -> None:
    part = made()[1:3]
    assert type(part) is Scores
    assert part.tolist() == made().tolist()[1:3]
    assert vars(part) == vars(made()) | {"duration": None}
    assert made()[:].duration == 0.035


@pytest.mark.parametrize("change", [lambda s: np.repeat(s, 2), lambda s: s.take([1]), lambda s: s.reshape(2, 2)])
def test_another_number_of_frames_is_of_no_known_duration(change: Callable[[Scores], Any]) -> None:
    assert vars(change(made())) == vars(made()) | {"duration": None}
    assert np.roll(made(), 1).duration == 0.035


@pytest.mark.parametrize(
    "calculate",
    [
        lambda s: s * 2,
        lambda s: s > 0.3,
        lambda s: 1 - s,
        lambda s: s[::2],
        lambda s: s[::-1],
        lambda s: s[s > 0.3],
        np.diff,
        np.cumsum,
        np.asarray,
        lambda s: np.concatenate([s, s]),
        lambda s: np.where(s > 0.5, s, 0),
    ],
)
def test_calculations_give_plain_arrays(calculate: Callable[[Any], Any]) -> None:
    result = calculate(made())
    assert type(result) is np.ndarray
    assert np.array_equal(result, calculate(np.asarray(made())))


@pytest.mark.parametrize("reduce", [np.max, np.mean, np.median, lambda s: s.sum(), lambda s: s[1], lambda s: s @ s])
def test_numbers_are_numbers(reduce: Callable[[Any], Any]) -> None:
    assert type(reduce(made())) is np.float32
    assert reduce(made()) == reduce(np.asarray(made()))


def test_segments_end_with_the_recording(energy: Detector) -> None:
    scores = Scores(np.ones(4), Grid(), {}, THRESHOLDS, 0.035)
    assert energy.segment(scores, min_speech=0) == [(0.0, 0.035)]
    assert energy.segment(scores[:], min_speech=0) == [(0.0, 0.035)]
    assert energy.segment(np.ones(4), min_speech=0) == [(0.0, 0.04)]


def test_scores_that_are_none_are_refused(energy: Detector) -> None:
    with pytest.raises(SettingError, match=r"^scores of shape \(2, 3\): give one score per frame"):
        energy.segment(np.ones((2, 3)))
    for wrong in (float("nan"), float("inf"), -0.1, 1.1, 80):
        with pytest.raises(SettingError, match=r"^scores: hold values that are not from 0 to 1"):
            energy.segment([0.5, wrong])
    assert energy.segment([0, -1e-6, 1 + 1e-6, 1], min_speech=0) == [(0.02, 0.04)]  # rounding
