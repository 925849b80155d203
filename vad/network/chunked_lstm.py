"""A bidirectional LSTM that goes through its window piece by piece, so that its gates stay in the cache.

ONNX Runtime's LSTM multiplies all steps with the input's weights before it takes the first one. For a
window of minutes that is tens of megabytes, written and read again. Here a `Scan` gives it some
steps at a time, and its state from one piece to the next; on the way back the pieces come in reverse.
The scores are the same to the last bit, in two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from vad.network.graph import Graph

STEPS = 100  # of a piece, at most: the gates of four windows are then 400 KB


def both_ways(graph: Graph, x: str, hidden: int, layers: Sequence[Sequence[NDArray[np.float32]]]) -> str:
    """Steps `(step, window, channel)` through LSTM layers of `hidden` cells, to `(step, window, 2 * hidden)`.

    Each layer is the `W`, `R` and `B` of an ONNX LSTM with two directions. More steps can come out
    than went in, so that the pieces are of one length; what these hold means nothing.
    """
    one, shape = graph.integers([1]), graph.add("Shape", x)
    steps, windows, channels = (graph.add("Gather", shape, graph.integers([axis])) for axis in range(3))

    def parts(whole: str, size: str) -> str:
        """How many of `size` the whole takes."""
        return graph.add("Div", graph.add("Sub", graph.add("Add", whole, size), one), size)

    count = parts(steps, graph.integers([STEPS]))
    length = parts(steps, count)
    added = graph.add("Sub", graph.add("Mul", count, length), steps)
    x = graph.add("Concat", x, graph.add("Slice", x, graph.integers([0]), added), axis=0)
    x = graph.add("Reshape", x, graph.joined(count, length, windows, channels))
    none = _zeros(graph, x, graph.joined(count, windows))
    lengths = _lengths(graph, none, length, graph.add("Sub", length, added))
    silence = _silence(graph, none, hidden)
    for layer in layers:
        ways = zip(*(graph.several(2, "Split", graph.constant(weights), axis=0) for weights in layer), strict=True)
        outputs = [
            graph.several(
                3,
                "Scan",
                *(silence, silence, x, lengths),
                body=_body(weights, hidden, backwards),
                num_scan_inputs=2,
                scan_input_directions=[backwards] * 2,
                scan_output_directions=[backwards],
            )[-1]
            for backwards, weights in enumerate(ways)
        ]
        x = graph.add("Concat", *outputs, axis=4)  # (piece, step, 1, window, channel)
        x = graph.add("Reshape", x, graph.joined(count, length, windows, 2 * hidden))
    return graph.add("Reshape", x, graph.joined(-1, windows, 2 * hidden))


def _zeros(graph: Graph, x: str, shape: str) -> str:
    """A whole number for each piece and window, of pieces `(piece, step, window, channel)`: `(piece, window)`.

    They are made of what is there: operators that make much out of little are refused in a weights file.
    """
    first = graph.add("Slice", x, graph.integers([0, 0]), graph.integers([1, 1]), graph.integers([1, 3]))
    whole = graph.add("Cast", graph.add("Reshape", first, shape), to=TensorProto.INT64)
    return graph.add("Mul", whole, graph.integers([0]))


def _lengths(graph: Graph, none: str, length: str, last: str) -> str:
    """How many steps of each piece count, `(piece, window)`: `length`, but of the last one `last`."""
    before = graph.add("Slice", none, graph.integers([0]), graph.integers([-1]))
    end = graph.add("Slice", none, graph.integers([-1]), graph.integers([2**31]))
    lengths = graph.add("Concat", graph.add("Add", before, length), graph.add("Add", end, last), axis=0)
    return graph.add("Cast", lengths, to=TensorProto.INT32)


def _silence(graph: Graph, none: str, hidden: int) -> str:
    """The state before the first piece, `(1, window, hidden)`."""
    each = graph.add(
        "Unsqueeze", graph.add("Slice", none, graph.integers([0]), graph.integers([1])), graph.integers([2])
    )
    return graph.add("Cast", graph.add("Add", each, graph.integers([0] * hidden)), to=TensorProto.FLOAT)


def _body(weights: Sequence[str], hidden: int, backwards: int) -> GraphProto:
    """What is done with each piece: one direction of a layer, from the state that the piece before left."""
    way = "reverse" if backwards else "forward"
    inputs = ["piece", *weights, "lengths", "output", "cell"]
    lstm = helper.make_node("LSTM", inputs, ["outputs", "next_output", "next_cell"], hidden_size=hidden, direction=way)
    state = (1, "window", hidden)

    def value(name: str, shape: tuple[int | str | None, ...], kind: int = TensorProto.FLOAT) -> ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    return helper.make_graph(
        [lstm],
        way,
        [
            value("output", state),
            value("cell", state),
            value("piece", ("step", "window", None)),
            value("lengths", ("window",), TensorProto.INT32),
        ],
        [value("next_output", state), value("next_cell", state), value("outputs", ("step", 1, "window", hidden))],
    )
