"""The scorer: a score depends on its place in the recording, never on how that was cut."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ENERGY
from vad import Detector, ModelError
from vad.scorer import OFFLINE, Geometry, Network, Scorer

FRAMES = np.random.default_rng(2).normal(-8, 3, (9000, 64)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(Detector().path)


def score(network: Network, frames: np.ndarray, geometry: Geometry, batch: int, pieces: list[int]) -> np.ndarray:
    """Scores of `frames` that arrive in `pieces` of so many frames, the rest in one."""
    scorer, scores, at = Scorer(network, geometry, batch), [], 0
    for piece in [*pieces, len(frames)]:
        scores.append(scorer.push(frames[at : at + piece]))
        at += piece
    return np.concatenate([*scores, scorer.finish()])


def window_by_window(network: Network, frames: np.ndarray, geometry: Geometry) -> np.ndarray:
    """What the scorer promises, written out: each block alone, with its context as far as it reaches."""
    scores = []
    for start in range(0, len(frames), geometry.block):
        first = max(0, start - geometry.left)
        window = network(frames[None, first : start + geometry.block + geometry.right])[0]
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
    network: Network, geometry: Geometry, length: int, batch: int, pieces: list[int]
) -> None:
    frames = FRAMES[:length]
    scores = score(network, frames, geometry, batch, pieces)
    assert np.array_equal(scores, window_by_window(network, frames, geometry))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 9000), st.lists(st.integers(1, 6000), max_size=5))
def test_scores_of_the_offline_geometry_do_not_depend_on_the_pieces(
    network: Network, length: int, pieces: list[int]
) -> None:
    frames = FRAMES[:length]
    assert np.array_equal(score(network, frames, OFFLINE, 4, pieces), window_by_window(network, frames, OFFLINE))


def test_a_score_sees_its_context_and_nothing_beyond_it(network: Network) -> None:
    geometry = Geometry(left=20, block=10, right=10)
    changed = FRAMES[:200].copy()
    changed[150:] = 0
    before, after = (score(network, f, geometry, 4, []) for f in (FRAMES[:200], changed))
    assert np.array_equal(before[:140], after[:140])
    assert not np.array_equal(before[140:150], after[140:150])  # the block just before sees 10 frames ahead


def test_no_frames_give_no_scores(network: Network) -> None:
    assert score(network, FRAMES[:0], OFFLINE, 4, []).shape == (0,)


@pytest.mark.parametrize("wrong", [{"left": 1}, {"block": 0}, {"block": 7}, {"right": -1}, {"left": -2}])
def test_an_impossible_geometry_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ModelError):
        Geometry(**wrong)


def test_features_of_the_wrong_width_are_refused_in_one_line(network: Network) -> None:
    with pytest.raises(ModelError, match="shape"):
        network(np.zeros((1, 10, 3), np.float32))


@settings(max_examples=20, deadline=None)
@given(geometries, st.integers(0, 2000), st.lists(st.integers(0, 300), max_size=12), st.integers(1, 3))
def test_threads_give_the_same_scores_in_the_same_order(
    network: Network, geometry: Geometry, length: int, pieces: list[int], threads: int
) -> None:
    frames = FRAMES[:length]
    with ThreadPoolExecutor(threads) as pool:
        scorer, scores, at = Scorer(network, geometry, 2, pool=pool), [], 0
        for piece in [*pieces, length]:
            scores.append(scorer.push(frames[at : at + piece]))
            at += piece
        scores.append(scorer.finish())
    assert np.array_equal(np.concatenate(scores), window_by_window(network, frames, geometry))


@pytest.mark.parametrize("frames", [1, 5, 1000])
def test_scores_end_at_one_though_the_runtime_rounds_beyond(frames: int) -> None:
    energy = Network(ENERGY)
    assert energy(np.full((1, frames, energy.n_mels), 3.958613, np.float32)).max() == 1
