"""The scorer of a causal network: scores that do not depend on the pieces, and whose latency is what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vad import Detector, ModelError
from vad.causal import CausalScorer, open_scorer
from vad.events import Score
from vad.features import LogMel
from vad.latency import to_geometry, to_seconds
from vad.model.pretrained import Description
from vad.network.causal import CausalNetwork
from vad.network.export import export
from vad.network.model import NetworkSettings
from vad.scorer import OFFLINE, Geometry, Network, Scorer

DELAYS = 6
FRAMES = np.random.default_rng(2).normal(0, 3, (300, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained causal network."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("causal") / "ours-live.onnx"
    description = Description("ours-live", "1", LogMel(n_mels=8), {"default": {"onset": 0.5, "offset": 0.3}}, {}, {})
    export(CausalNetwork(8, NetworkSettings(8, 8, 2, DELAYS)), description, path)
    return path


@pytest.fixture(scope="module")
def network(weights: Path) -> Network:
    return Network(weights)


def score(network: Network, frames: np.ndarray, geometry: Geometry, pieces: list[int]) -> np.ndarray:
    scorer, scores, at = CausalScorer(network, geometry), [], 0
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
    network: Network, block: int, right: int, length: int, pieces: list[int]
) -> None:
    frames = FRAMES[:length]
    scores = score(network, frames, Geometry(0, block, right), pieces)
    assert np.array_equal(scores, score(network, frames, Geometry(0, block, right), []))
    assert scores.shape == (length,)
    if not length:
        return
    even = np.concatenate([frames, frames[-1:]])[: length + length % 2]
    said, _ = network.go_on(even[None], np.zeros((1, network.state), np.float32))
    for frame in range(length):
        step = min(frame // 2 + right // 2, len(even) // 2 - 1)
        expected = said[0, 2 * step + frame % 2, step - frame // 2]
        assert scores[frame] == pytest.approx(expected, abs=1e-5)


def test_scores_come_when_block_and_context_are_heard_and_not_later(network: Network) -> None:
    scorer = CausalScorer(network, Geometry(0, 4, 6))
    given = []
    for frame in FRAMES[:20]:
        missing = scorer.missing
        scores = scorer.push(frame[None])
        given.append(len(scores))
        assert (missing == 1) == (len(given) % 4 == 0)
    assert given == [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4]
    assert len(scorer.finish()) == 6


@pytest.mark.parametrize("right", [1, 2 * DELAYS])
def test_a_context_that_the_network_has_no_answer_for_is_refused(network: Network, right: int) -> None:
    with pytest.raises(ModelError, match="right"):
        CausalScorer(network, Geometry(0, 2, right))


@pytest.mark.parametrize("latency", [0.03, 0.04, 0.1, 0.2, 0.3, 0.5, 3, 60])
@pytest.mark.parametrize("delays", [1, 6, 24])
def test_geometries_of_causal_networks_keep_the_latency_and_use_it(latency: float, delays: int) -> None:
    geometry = to_geometry(latency, LogMel(), delays)
    longest = 2 * (delays - 1)
    assert geometry.right % 2 == geometry.block % 2 == 0
    assert geometry.right <= longest
    assert to_seconds(geometry, LogMel()) <= latency
    if latency < 30:
        assert to_seconds(geometry, LogMel()) > latency - 0.04
    assert to_geometry(None, LogMel(), delays).right == longest


def test_a_causal_network_beside_the_weights_serves_the_low_latencies(weights: Path) -> None:
    ours = weights.with_name("ours.onnx")
    ours.write_bytes(Detector().path.read_bytes())
    detector = Detector(ours)
    assert detector.live is not None
    assert detector.live.path == weights
    assert detector.at(0.1) is detector.at("lowest") is detector.live
    assert detector.at(None) is detector.at(2.0) is detector
    assert isinstance(open_scorer(detector.network, OFFLINE), Scorer)
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000)
    live, windows = (
        Detector(path).scores(sound, sample_rate=16_000, latency=0.1) for path in (weights, Detector().path)
    )
    assert np.array_equal(detector.scores(sound, sample_rate=16_000, latency=0.1), live)
    assert not np.array_equal(live, windows)
    stream = detector.stream(sample_rate=16_000, latency=0.1, scores=True)
    events = [*stream.push(sound), *stream.finish()]
    assert [e.score for e in events if isinstance(e, Score)] == live.tolist()
    assert stream.geometry.left == 0
    weights.with_name("alone.onnx").write_bytes(Detector().path.read_bytes())
    alone = Detector(weights.with_name("alone.onnx"))
    assert alone.live is None
    assert alone.at(0.1) is alone
