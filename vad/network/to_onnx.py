"""A trained network as an ONNX file, built operator by operator, and back.

The graph is small enough to be written out: what runs in the field can be read here, and no
tracing of torch's internals stands between the two. A parity test holds them together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from vad.atomic import write
from vad.errors import ModelError
from vad.model.pretrained import Description, sha256
from vad.model.runtime import INPUT, NEXT_STATE, OUTPUT, STATE
from vad.network.bilstm import NetworkSettings
from vad.network.causal import AnyNetwork, CausalNetwork, build
from vad.network.chunked_lstm import both_ways
from vad.network.graph import Graph

OPSET = 17
IR_VERSION = 8

_Shapes: TypeAlias = dict[str, tuple[str | int, ...]]


def export(network: AnyNetwork, description: Description, path: Path) -> None:
    """Write `network` and its `description` to `path`, whole or not at all."""
    model = to_onnx(network, description)
    onnx.checker.check_model(model, full_check=True)
    write(path, model.SerializeToString())
    path.with_suffix(".sha256").write_text(f"{sha256(path)}  {path.name}\n", "ascii")


def to_onnx(network: AnyNetwork, description: Description) -> onnx.ModelProto:
    """The graph that `vad.model.runtime` runs; frame counts of any size, whole steps for a causal network."""
    graph = Graph()
    inputs, outputs = (_causal if isinstance(network, CausalNetwork) else _bidirectional)(graph, network)
    made = helper.make_graph(
        graph.nodes,
        description.name,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, description.to_metadata())
    return model


def _bidirectional(graph: Graph, network: AnyNetwork) -> tuple[_Shapes, _Shapes]:
    """`features (window, frame, mel) -> scores (window, frame)`."""
    x = graph.add("Sub", INPUT, graph.constant(network.mean))
    scale = graph.add("Unsqueeze", graph.constant(network.scale), graph.integers([1]))
    weight = graph.add("Mul", graph.constant(network.conv.weight), scale)  # done once, when the file is opened
    settings = network.settings
    x = graph.convolved(x, weight, graph.constant(network.conv.bias), settings.stride, settings.pads)
    x = both_ways(graph, x, settings.hidden, [_lstm_weights(network, layer) for layer in range(settings.layers)])
    x = graph.head(x, network)
    x = graph.add("Transpose", x, perm=[1, 0, 2])  # (window, step, frame of the step)
    x = graph.add("Reshape", x, graph.integers([0, -1]))
    frames = graph.add("Gather", graph.add("Shape", INPUT), graph.integers([1]))
    x = graph.add("Slice", x, graph.integers([0]), frames, graph.integers([1]))
    graph.add("Sigmoid", x, output=OUTPUT)
    return {INPUT: ("window", "frame", len(network.mean))}, {OUTPUT: ("window", "frame")}


def _causal(graph: Graph, network: AnyNetwork) -> tuple[_Shapes, _Shapes]:
    """`features (window, frame, mel), state (window, state) -> scores (window, frame, delay), next_state`."""
    n_mels, settings, frames = len(network.mean), network.settings, network.settings.history
    sizes = [frames * n_mels, *[settings.hidden] * (2 * settings.layers)]
    history, *memory = graph.several(len(sizes), "Split", STATE, graph.integers(sizes), axis=1)
    x = graph.add("Reshape", history, graph.integers([0, frames, n_mels]))
    x = graph.add("Concat", x, graph.normalised(network), axis=1)
    last = graph.add("Slice", x, graph.integers([-frames]), graph.integers([2**31]), graph.integers([1]))
    after = [graph.add("Reshape", last, graph.integers([0, frames * n_mels]))]
    weight, bias = graph.constant(network.conv.weight), graph.constant(network.conv.bias)
    x = graph.convolved(x, weight, bias, settings.stride, (0, 0))
    cells = []
    for layer in range(settings.layers):
        weights = [graph.constant(w) for w in _lstm_weights(network, layer)]
        first = [graph.add("Unsqueeze", memory[n], graph.integers([0])) for n in (layer, settings.layers + layer)]
        outputs, output, cell = graph.several(3, "LSTM", x, *weights, "", *first, hidden_size=settings.hidden)
        x = graph.add("Squeeze", outputs, graph.integers([1]))  # (step, window, hidden)
        after.append(graph.add("Squeeze", output, graph.integers([0])))
        cells.append(graph.add("Squeeze", cell, graph.integers([0])))
    graph.add("Concat", *after, *cells, output=NEXT_STATE, axis=1)
    x = graph.add("Reshape", graph.head(x, network), graph.integers([0, 0, settings.delays, settings.stride]))
    x = graph.add("Transpose", x, perm=[1, 0, 3, 2])  # (window, step, frame of the step, delay)
    x = graph.add("Reshape", x, graph.integers([0, -1, settings.delays]))
    graph.add("Sigmoid", x, output=OUTPUT)
    state = ("window", sum(sizes))
    return (
        {INPUT: ("window", "frame", n_mels), STATE: state},
        {OUTPUT: ("window", "frame", settings.delays), NEXT_STATE: state},
    )


def from_onnx(path: Path, content: bytes | None = None) -> tuple[AnyNetwork, Description]:
    """The network and description of a weights file that `export` wrote; `ModelError` where it is another.

    With `content`, what was read from the file before, it is not read again.
    """
    try:
        model = onnx.load_model_from_string(path.read_bytes() if content is None else content)
    except (OSError, DecodeError) as error:
        raise ModelError(f"{path}: not an ONNX file ({error})") from error
    description = Description.from_metadata({p.key: p.value for p in model.metadata_props}, path)
    try:
        network = build(description.features.n_mels, NetworkSettings(**description.recipe["network"]))
        values = (
            torch.from_numpy(numpy_helper.to_array(c).copy())
            for c in model.graph.initializer
            if c.data_type == TensorProto.FLOAT
        )
        state = {name: next(values) for name in ("mean", "scale", "conv.weight", "conv.bias")}
        for layer in range(network.settings.layers):
            for name, each in zip(_LSTM, _torch_weights(next(values), next(values), next(values)), strict=True):
                state |= {f"lstm.{name}_l{layer}{way}": w for way, w in zip(_ways(network), each, strict=True)}
        state["head.weight"], state["head.bias"] = next(values).T, next(values)
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError, StopIteration) as error:
        raise ModelError(f"{path}: its network is none that torch can make again ({error})") from error
    return network.eval(), description


def _ways(network: AnyNetwork) -> tuple[str, ...]:
    """What torch adds to the names of an LSTM's weights for each of its directions."""
    return ("", "_reverse") if network.lstm.bidirectional else ("",)


_LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # torch's names


def _lstm_weights(network: AnyNetwork, layer: int) -> list[NDArray[np.float32]]:
    """`W`, `R` and `B` of an ONNX LSTM: gates ordered input, output, forget, candidate.

    torch orders them input, forget, candidate, output; directions are stacked on the first axis.
    """

    def each_way(name: str) -> NDArray[np.float32]:
        found = [getattr(network.lstm, f"{name}_l{layer}{way}").detach().numpy() for way in _ways(network)]
        return np.stack([_reorder(values, 0, 3, 1, 2) for values in found])

    *weights, first, second = (each_way(name) for name in _LSTM)
    return [*weights, np.concatenate([first, second], 1)]


def _torch_weights(w: Tensor, r: Tensor, b: Tensor) -> list[Tensor]:
    """The inverse of `_lstm_weights`: one tensor `(direction, ...)` for each name in `_LSTM`."""
    return [
        torch.stack([torch.from_numpy(_reorder(way.numpy(), 0, 2, 3, 1)) for way in ways])
        for ways in (w, r, *b.chunk(2, 1))
    ]


def _reorder(gates: NDArray[np.float32], *order: int) -> NDArray[np.float32]:
    """Four gates, stacked on the first axis, in another order."""
    parts = np.split(gates, 4)
    return np.concatenate([parts[gate] for gate in order])
