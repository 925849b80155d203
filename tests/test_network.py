"""The heart of the model: its LSTM is that of the papers, and its ONNX file computes the same."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vad import ModelError
from vad.features import LogMel
from vad.model.pretrained import Description, find
from vad.model.runtime import CausalModel, Model, open_model
from vad.network.bilstm import Network, NetworkSettings
from vad.network.causal import AnyNetwork, CausalNetwork, build
from vad.network.to_onnx import export, from_onnx

RNG = np.random.default_rng(3)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(x: np.ndarray, w: np.ndarray, u: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The cell of Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000).

    `x` (step, input) to (step, hidden). `w`, `u` and `b` hold the rows of the input gate, the
    forget gate, the candidate and the output gate, one below the other.
    """
    hidden = u.shape[1]
    h, c = np.zeros(hidden), np.zeros(hidden)
    outputs = []
    for step in x:
        gates = w @ step + u @ h + b
        input_gate = sigmoid(gates[:hidden])
        forget_gate = sigmoid(gates[hidden : 2 * hidden])
        candidate = np.tanh(gates[2 * hidden : 3 * hidden])
        output_gate = sigmoid(gates[3 * hidden :])
        c = forget_gate * c + input_gate * candidate
        h = output_gate * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


@pytest.mark.parametrize("layers", [1, 2])
def test_torchs_lstm_follows_the_gate_equations_in_both_directions(layers: int) -> None:
    torch.manual_seed(layers)
    network = Network(8, NetworkSettings(channels=6, hidden=5, layers=layers)).double()
    x = RNG.standard_normal((40, 6))
    expected = x
    for layer in range(layers):
        ways = []
        for suffix, turn in (("", 1), ("_reverse", -1)):
            w, u, b1, b2 = (
                getattr(network.lstm, f"{name}_l{layer}{suffix}").detach().numpy()
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            ways.append(lstm(expected[::turn], w, u, b1 + b2)[::turn])
        expected = np.concatenate(ways, 1)
    with torch.no_grad():
        ours, _ = network.lstm(torch.from_numpy(x)[None])
    np.testing.assert_allclose(ours[0].numpy(), expected, atol=1e-12)


def make(
    settings: NetworkSettings, path: Path, n_mels: int = 64, recipe: dict[str, Any] | None = None
) -> tuple[AnyNetwork, Model]:
    torch.manual_seed(0)
    network = build(n_mels, settings).eval()
    network.mean.copy_(torch.randn(n_mels))
    network.scale.copy_(torch.rand(n_mels) + 0.5)
    features = LogMel(n_mels=n_mels)
    thresholds = {"default": {"onset": 0.5, "offset": 0.3}}
    export(network, Description("test", "1", features, thresholds, recipe or {}, {}), path)
    return network, open_model(path)


@pytest.mark.parametrize(
    "settings", [NetworkSettings(), NetworkSettings(channels=10, hidden=7, layers=1), NetworkSettings(12, 16, 3)]
)
def test_torch_and_onnx_give_the_same_scores(settings: NetworkSettings, tmp_path: Path) -> None:
    network, exported = make(settings, tmp_path / "model.onnx")
    for windows, frames in ((1, 1), (1, 2), (3, 7), (2, 500), (4, 501)):
        features = RNG.standard_normal((windows, frames, 64)).astype(np.float32) * 3
        with torch.no_grad():
            expected = torch.sigmoid(network(torch.from_numpy(features))).numpy()
        assert expected.shape == (windows, frames)
        assert np.abs(exported(features) - expected).max() < 1e-4


@pytest.mark.parametrize(
    "settings", [NetworkSettings(delays=24), NetworkSettings(10, 7, 1, 1), NetworkSettings(12, 16, 3, 5)]
)
def test_a_causal_network_says_the_same_in_torch_and_onnx_in_one_piece_and_in_many(
    settings: NetworkSettings, tmp_path: Path
) -> None:
    network, exported = make(settings, tmp_path / "model.onnx")
    features = RNG.standard_normal((2, 60, 64)).astype(np.float32) * 3
    with torch.no_grad():
        logits, end = network(torch.from_numpy(features), network.begin(2))
    assert logits.shape == (2, 60, settings.delays)
    assert isinstance(exported, CausalModel)
    assert exported.delays == settings.delays
    state, said, at = exported.begin(2), [], 0
    for length in (2, 4, 34, 2, 18):
        scores, state = exported(features[:, at : at + length], state)
        said.append(scores)
        at += length
    assert np.abs(np.concatenate(said, 1) - torch.sigmoid(logits).numpy()).max() < 1e-5
    assert np.abs(state - end.numpy()).max() < 1e-4


def test_a_causal_network_read_back_is_the_same(tmp_path: Path) -> None:
    settings = NetworkSettings(10, 7, 2, 4)
    network, _ = make(settings, tmp_path / "model.onnx", recipe={"network": asdict(settings)})
    again, _ = from_onnx(tmp_path / "model.onnx")
    ours, theirs = network.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_causal_network_hears_the_past_alone() -> None:
    torch.manual_seed(1)
    network = CausalNetwork(64, NetworkSettings(delays=6)).eval()
    sound, changed = torch.randn(1, 100, 64), torch.randn(1, 100, 64)
    changed[:, :50] = sound[:, :50]
    with torch.no_grad():
        (ours, _), (theirs, _) = (network(x, network.begin(1)) for x in (sound, changed))
        assert torch.equal(ours[:, :50], theirs[:, :50])
        assert not torch.equal(ours[:, 50:52], theirs[:, 50:52])
        whole = network.whole(sound[:, :99])  # an odd number of frames
        assert whole.shape == (1, 99)
        assert torch.equal(whole[0, 20:22], ours[0, 30:32, 5])  # five steps later
        assert torch.equal(whole[0, 80:82], ours[0, 90:92, 5])
        assert torch.allclose(whole[0, :88], network.whole(sound[:, :101])[0, :88])


def test_the_shipped_weights_compute_in_torch_what_they_compute_in_onnx() -> None:
    network, _ = from_onnx(find())
    features = RNG.normal(-8, 3, (2, 301, 64)).astype(np.float32)
    with torch.no_grad():
        expected = torch.sigmoid(network(torch.from_numpy(features))).numpy()
    assert np.abs(open_model(find())(features) - expected).max() < 1e-4


def test_every_frame_gets_a_logit_and_the_lstm_runs_at_half_the_rate() -> None:
    network = Network(64)
    steps: list[int] = []
    network.lstm.register_forward_hook(lambda _, inputs, __: steps.append(inputs[0].shape[1]))
    for frames in (1, 2, 99, 100):
        assert network(torch.zeros(1, frames, 64)).shape == (1, frames)
    assert steps == [1, 1, 50, 50]


def test_the_network_hears_both_past_and_future() -> None:
    torch.manual_seed(1)
    network = Network(64).eval()
    sound = torch.randn(1, 100, 64)
    with torch.no_grad():
        plain = network(sound)[0, 50]
        for frame in (0, 99):
            changed = sound.clone()
            changed[0, frame] += 5
            assert network(changed)[0, 50] != plain


def test_a_weights_file_is_read_back_to_the_bit(tmp_path: Path) -> None:
    network, description = from_onnx(find())
    export(network, description, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == find().read_bytes()


def test_a_file_without_our_network_cannot_be_trained_on(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none that torch can make"):
        from_onnx(Path(__file__).parent / "doubles" / "energy.onnx")
    (tmp_path / "noise.onnx").write_bytes(b"\x80\x04 no protobuf")
    with pytest.raises(ModelError, match="not an ONNX file"):
        from_onnx(tmp_path / "noise.onnx")
