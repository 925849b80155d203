"""The scorers: a score depends on the place of its frame in the recording, never on the pieces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ENERGY, write_causal
from vad import Detector, ModelError
from vad.geometry import OFFLINE, Geometry
from vad.model.pretrained import Description
from vad.model.runtime import BidirectionalModel, CausalModel, open_model
from vad.scorer import CausalScorer, Scorer

DELAYS = 6  # of the causal model
FRAMES = np.random.default_rng(2).normal(-8, 3, (9000, 64)).astype(np.float32)
CAUSAL_FRAMES = np.random.default_rng(2).normal(0, 3, (300, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> BidirectionalModel:
    return open_model(Detector().path)


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return open_model(write_causal(tmp_path_factory.mktemp("causal") / "causal.onnx", DELAYS))


def score(
    model: BidirectionalModel, frames: np.ndarray, geometry: Geometry, batch: int, pieces: list[int]
) -> np.ndarray:
    """Scores of `frames` pushed in `pieces` of this many frames; the rest in one."""
    scorer, scores, at = Scorer(model, geometry, batch), [], 0
    for piece in [*pieces, len(frames)]:
        scores.append(scorer.push(frames[at : at + piece]))
        at += piece
    return np.concatenate([*scores, scorer.finish()])


def window_by_window(model: BidirectionalModel, frames: np.ndarray, geometry: Geometry) -> np.ndarray:
    """The definition of the scores: each block alone, with its context as far as the recording reaches."""
    scores = []
    for start in range(0, len(frames), geometry.block):
        first = max(0, start - geometry.left)
        window = model(frames[None, first : start + geometry.block + geometry.right])[0]
        scores.append(window[start - first : start - first + geometry.block])
    return np.concatenate(scores) if scores else np.empty(0, np.float32)


geometries = st.builds(
    Geometry,
    left=st.integers(0, 60).map(lambda n: 2 * n),
    block=st.integers(1, 100).map(lambda n: 2 * n),
    right=st.integers(0, 80),
)


@settings(max_examples=60, deadline=None)
@given(geometries, st.integers(0, 700), st.integers(1, 20), st.lists(st.integers(0, 300), max_size=8))
def test_scores_equal_those_of_each_window_alone(
    model: BidirectionalModel, geometry: Geometry, length: int, batch: int, pieces: list[int]
) -> None:
    frames = FRAMES[:length]
    scores = score(model, frames, geometry, batch, pieces)
    assert np.array_equal(scores, window_by_window(model, frames, geometry))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 9000), st.lists(st.integers(1, 6000), max_size=5))
def test_scores_of_the_offline_geometry_do_not_depend_on_the_pieces(
    model: BidirectionalModel, length: int, pieces: list[int]
) -> None:
    frames = FRAMES[:length]
    assert np.array_equal(score(model, frames, OFFLINE, 4, pieces), window_by_window(model, frames, OFFLINE))


def test_a_score_sees_its_context_and_nothing_beyond_it(model: BidirectionalModel) -> None:
    geometry = Geometry(left=20, block=10, right=10)
    changed = FRAMES[:200].copy()
    changed[150:] = 0
    before, after = (score(model, f, geometry, 4, []) for f in (FRAMES[:200], changed))
    assert np.array_equal(before[:140], after[:140])
    assert not np.array_equal(before[140:150], after[140:150])  # the block just before sees 10 frames ahead


def test_no_frames_give_no_scores(model: BidirectionalModel) -> None:
    assert score(model, FRAMES[:0], OFFLINE, 4, []).shape == (0,)


@pytest.mark.parametrize("wrong", [{"left": 1}, {"block": 0}, {"block": 7}, {"right": -1}, {"left": -2}])
def test_an_impossible_geometry_is_refused(model: BidirectionalModel, wrong: dict[str, int]) -> None:
    with pytest.raises(ModelError):
        Scorer(model, Geometry(**wrong))


def test_features_of_the_wrong_width_are_refused_in_one_line(model: BidirectionalModel) -> None:
    with pytest.raises(ModelError, match="shape"):
        model(np.zeros((1, 10, 3), np.float32))


@settings(max_examples=20, deadline=None)
@given(geometries, st.integers(0, 2000), st.lists(st.integers(0, 300), max_size=12), st.integers(1, 3))
def test_threads_give_the_same_scores_in_the_same_order(
    model: BidirectionalModel, geometry: Geometry, length: int, pieces: list[int], threads: int
) -> None:
    frames = FRAMES[:length]
    with ThreadPoolExecutor(threads) as pool:
        scorer, scores, at = Scorer(model, geometry, 2, pool=pool), [], 0
        for piece in [*pieces, length]:
            scores.append(scorer.push(frames[at : at + piece]))
            at += piece
        scores.append(scorer.finish())
    assert np.array_equal(np.concatenate(scores), window_by_window(model, frames, geometry))


@pytest.mark.parametrize("frames", [1, 5, 1000])
def test_scores_are_at_most_one_though_the_runtime_rounds_beyond(frames: int) -> None:
    energy = open_model(ENERGY)
    assert energy(np.full((1, frames, 64), 3.958613, np.float32)).max() == 1


def score_causal(model: CausalModel, frames: np.ndarray, geometry: Geometry, pieces: list[int]) -> np.ndarray:
    scorer, scores, at = CausalScorer(model, geometry), [], 0
    for piece in [*pieces, len(frames)]:
        scores.append(scorer.push(frames[at : at + piece]))
        at += piece
    return np.concatenate([*scores, scorer.finish()])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 20).map(lambda n: 2 * n),
    st.integers(0, DELAYS - 1).map(lambda n: 2 * n),
    st.integers(0, 300),
    st.lists(st.integers(0, 100), max_size=8),
)
def test_each_frame_has_the_score_that_the_step_after_its_context_gives(
    causal: CausalModel, block: int, right: int, length: int, pieces: list[int]
) -> None:
    frames = CAUSAL_FRAMES[:length]
    scores = score_causal(causal, frames, Geometry(0, block, right), pieces)
    assert np.array_equal(scores, score_causal(causal, frames, Geometry(0, block, right), []))
    assert scores.shape == (length,)
    if not length:
        return
    even = np.concatenate([frames, frames[-1:]])[: length + length % 2]
    given, _ = causal(even[None], causal.begin())
    for frame in range(length):
        step = min(frame // 2 + right // 2, len(even) // 2 - 1)
        expected = given[0, 2 * step + frame % 2, step - frame // 2]
        assert scores[frame] == pytest.approx(expected, abs=1e-5)


def test_scores_come_with_the_last_frame_of_their_context(causal: CausalModel) -> None:
    scorer = CausalScorer(causal, Geometry(0, 4, 6))
    given = []
    for frame in CAUSAL_FRAMES[:20]:
        missing = scorer.missing
        scores = scorer.push(frame[None])
        given.append(len(scores))
        assert (missing == 1) == (len(given) % 4 == 0)
    assert given == [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4]
    assert len(scorer.finish()) == 6


@pytest.mark.parametrize("right", [1, 2 * DELAYS])
def test_a_right_context_that_the_model_does_not_have_is_refused(causal: CausalModel, right: int) -> None:
    with pytest.raises(ModelError, match="right"):
        CausalScorer(causal, Geometry(0, 2, right))


class CountingRuntime:
    """A `vad.model.runtime.Runtime` whose scores are the frame's number in thousandths, plus the delay in millionths.

    Features hold the numbers of their frames; the state of a causal network, how many came before.
    """

    batch, max_in_flight = 3, 6

    def __init__(self, stride: int, delays: int) -> None:
        self.stride, self.delays = stride, delays

    def __call__(self, outputs: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        numbers = inputs["features"][:, :, 0]
        if "state" not in inputs:
            assert not (numbers[:, 0] % self.stride).any()  # each window starts with a step
            return [numbers / np.float32(1000)]
        delays = np.arange(self.delays, dtype=np.float32)
        frames = inputs["state"][:, :1] + np.arange(numbers.shape[1], dtype=np.float32)
        scores = (frames[..., None] - self.stride * delays) / 1000 + delays / 1_000_000
        assert numbers.shape[1] % self.stride == 0
        return [scores.clip(0, 1), inputs["state"] + numbers.shape[1]]


def about(stride: int) -> Description:
    return replace(Detector(ENERGY).description, recipe={"network": {"stride": stride}})


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 5),
    st.integers(1, 5),
    st.integers(0, 90),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_a_causal_network_may_have_any_stride(
    stride: int, steps: int, delays: int, length: int, pieces: list[int]
) -> None:
    model = CausalModel(CountingRuntime(stride, delays), about(stride), "", delays, 1)
    frames = np.arange(length, dtype=np.float32)[:, None]
    for delay in range(delays):
        scores = score_causal(model, frames, Geometry(0, steps * stride, delay * stride), pieces)
        own = np.minimum(delay, (length - 1) // stride - np.arange(length) // stride)
        assert np.allclose(scores, np.arange(length) / 1000 + own / 1_000_000, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6), st.integers(0, 5), st.integers(1, 5), st.integers(0, 9), st.integers(0, 90),
    st.lists(st.integers(0, 30), max_size=6),
)  # fmt: skip
def test_a_bidirectional_network_may_have_any_stride(
    stride: int, left: int, steps: int, right: int, length: int, pieces: list[int]
) -> None:
    model = BidirectionalModel(CountingRuntime(stride, 0), about(stride), "")
    frames = np.arange(length, dtype=np.float32)[:, None]
    scores = score(model, frames, Geometry(left * stride, steps * stride, right), 3, pieces)
    assert np.allclose(scores, np.arange(length) / 1000, atol=1e-7)
    if stride > 1:
        with pytest.raises(ModelError, match=f"must be whole steps \\({stride} frames\\)"):
            Scorer(model, Geometry(0, stride + 1, 0))
