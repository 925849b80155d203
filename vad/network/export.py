"""A trained network as an ONNX file, built operator by operator, and back.

The graph is small enough to be written out: what runs in the field can be read here, and no
tracing of torch's internals stands between the two. A parity test holds them together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from vad.errors import ModelError
from vad.network.model import KERNEL, STRIDE, Network, NetworkSettings
from vad.output import replacing
from vad.pretrained import Description, sha256
from vad.scorer import INPUT, OUTPUT

OPSET = 17
IR_VERSION = 8


def export(network: Network, description: Description, path: Path) -> None:
    """Write `network` and its `description` to `path`, whole or not at all."""
    model = to_onnx(network, description)
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as file:
        file.write(model.SerializeToString())
    path.with_suffix(".sha256").write_text(f"{sha256(path)}  {path.name}\n", "ascii")


def to_onnx(network: Network, description: Description) -> onnx.ModelProto:
    """The graph `features (window, frame, mel) -> scores (window, frame)`, frame counts of any size."""
    graph = _Graph()
    x = graph.add("Sub", INPUT, graph.constant(network.mean))
    x = graph.add("Mul", x, graph.constant(network.scale))
    x = graph.add("Transpose", x, perm=[0, 2, 1])  # (window, mel, frame)
    x = graph.add(
        "Conv",
        x,
        graph.constant(network.conv.weight),
        graph.constant(network.conv.bias),
        strides=[STRIDE],
        pads=[KERNEL // 2 - 1, KERNEL // 2],
    )
    x = graph.add("Relu", x)
    x = graph.add("Transpose", x, perm=[2, 0, 1])  # (step, window, channel)
    settings = network.settings
    for layer in range(settings.layers):
        weights = [graph.constant(w) for w in _lstm_weights(network, layer)]
        x = graph.add("LSTM", x, *weights, hidden_size=settings.hidden, direction="bidirectional")
        x = graph.add("Transpose", x, perm=[0, 2, 1, 3])  # (step, window, direction, hidden)
        x = graph.add("Reshape", x, graph.integers([0, 0, 2 * settings.hidden]))
    x = graph.add("MatMul", x, graph.constant(network.head.weight.T))
    x = graph.add("Add", x, graph.constant(network.head.bias))
    x = graph.add("Transpose", x, perm=[1, 0, 2])  # (window, step, frame of the step)
    x = graph.add("Reshape", x, graph.integers([0, -1]))
    frames = graph.add("Gather", graph.add("Shape", INPUT), graph.integers([1]))
    x = graph.add("Slice", x, graph.integers([0]), frames, graph.integers([1]))
    graph.add("Sigmoid", x, output=OUTPUT)

    n_mels = network.mean.shape[0]
    made = helper.make_graph(
        graph.nodes,
        description.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["window", "frame", n_mels])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["window", "frame"])],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, description.to_metadata())
    return model


def from_onnx(path: Path) -> tuple[Network, Description]:
    """The network and description of a weights file that `export` wrote; `ModelError` where it is another."""
    try:
        model = onnx.load(path)
    except (OSError, DecodeError) as error:
        raise ModelError(f"{path}: not an ONNX file ({error})") from error
    description = Description.from_metadata({p.key: p.value for p in model.metadata_props}, path)
    try:
        network = Network(description.features.n_mels, NetworkSettings(**description.recipe["network"]))
        values = (
            torch.from_numpy(numpy_helper.to_array(c).copy())
            for c in model.graph.initializer
            if c.data_type == TensorProto.FLOAT
        )
        state = {name: next(values) for name in ("mean", "scale", "conv.weight", "conv.bias")}
        for layer in range(network.settings.layers):
            for name, both in zip(_LSTM, _torch_weights(next(values), next(values), next(values)), strict=True):
                state[f"lstm.{name}_l{layer}"], state[f"lstm.{name}_l{layer}_reverse"] = both
        state["head.weight"], state["head.bias"] = next(values).T, next(values)
        network.load_state_dict(state)
    except (KeyError, TypeError, RuntimeError, StopIteration) as error:
        raise ModelError(f"{path}: its network cannot be trained on ({error})") from error
    return network.eval(), description


class _Graph:
    """Collects nodes and constants under running names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node; the name of its first output comes back."""
        output = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Tensor | NDArray[np.float32] | None) -> str:
        assert value is not None
        return self._keep(np.ascontiguousarray(value.detach() if isinstance(value, Tensor) else value, np.float32))

    def integers(self, values: list[int]) -> str:
        return self._keep(np.array(values, np.int64))

    def _keep(self, value: NDArray[np.generic]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


_LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # torch's names


def _lstm_weights(network: Network, layer: int) -> list[NDArray[np.float32]]:
    """`W`, `R` and `B` of an ONNX LSTM: gates ordered input, output, forget, candidate.

    torch orders them input, forget, candidate, output; directions are stacked on the first axis.
    """

    def both(name: str) -> NDArray[np.float32]:
        found = [getattr(network.lstm, f"{name}_l{layer}{way}").detach().numpy() for way in ("", "_reverse")]
        return np.stack([_reorder(values, 0, 3, 1, 2) for values in found])

    *weights, first, second = (both(name) for name in _LSTM)
    return [*weights, np.concatenate([first, second], 1)]


def _torch_weights(w: Tensor, r: Tensor, b: Tensor) -> list[Tensor]:
    """The inverse of `_lstm_weights`: one tensor `(direction, ...)` for each name in `_LSTM`."""
    return [
        torch.stack([torch.from_numpy(_reorder(d.numpy(), 0, 2, 3, 1)) for d in both])
        for both in (w, r, *b.chunk(2, 1))
    ]


def _reorder(gates: NDArray[np.float32], *order: int) -> NDArray[np.float32]:
    """Four gates, stacked on the first axis, in another order."""
    parts = np.split(gates, 4)
    return np.concatenate([parts[gate] for gate in order])
