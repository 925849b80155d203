"""What a weights file may hold, looked at before ONNX Runtime sees it.

An ONNX file can be more than weights: it can loop for ever, and read other files. Ours are a line of
plain operators, of which one, `Scan`, holds such a line for each piece of its input. Whatever is not
is refused here, as is what ONNX Runtime would talk of on standard output. The numbers are those of
the fields in onnx.proto.
"""

from __future__ import annotations

from vad.errors import ModelError
from vad.model.protobuf import content, fields, text

# What networks for speech are made of. None of them branches, loops for ever, or makes much out of little.
_NAMES = """
    Add Cast Clip Concat Constant Conv Div Exp Gather Gemm GRU Identity LayerNormalization Log LSTM MatMul Max Min Mul
    Pow ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape RNN Scan Shape Sigmoid Slice Softmax Split Sqrt Squeeze
    Sub Tanh Transpose Unsqueeze
"""
OPERATORS = frozenset(_NAMES.split())
LIMIT = 1 << 28  # bytes
DAMAGED = "damaged, or not an ONNX file; get the weights again"


def check_graph(model: bytes) -> None:
    """Raise `ModelError`, which does not name the file, where `model` is no network of plain operators."""
    try:
        graphs = 0
        for number, value, _ in fields(memoryview(model)):
            if number == 7:  # graph
                graphs += 1
                _check_graph(content(value))
            elif number in (20, 25):  # training_info, functions
                raise ModelError("holds more than a network")
            elif number == 14:  # metadata_props
                _check_names(content(value))
    except (ValueError, IndexError) as error:
        raise ModelError(DAMAGED) from error
    if not graphs:
        raise ModelError(DAMAGED)


def _check_graph(graph: memoryview, nested: bool = False) -> None:
    for number, value, _ in fields(graph):
        if number == 1:  # node
            _check_node(content(value), nested)
        elif number == 5:  # initializer
            _check_tensor(content(value))
        elif number == 15:  # sparse_initializer
            raise ModelError("holds sparse weights, which no model of this package has")
        elif number in (11, 12):  # input, output: a name and a type
            for inner, name, _ in fields(content(value)):
                if inner == 1:
                    text(name)


def _check_node(node: memoryview, nested: bool) -> None:
    """Raise where a node is no plain operator, nor a `Scan` outside of all others."""
    parts = list(fields(node))
    operators = [text(value) for number, value, _ in parts if number == 4]  # op_type
    for operator in operators:
        if operator not in OPERATORS:
            raise ModelError(f"has the operator {operator[:40]!r}, which no model of this package has")
    for number, value, _ in parts:
        if number == 7 and text(value):  # domain
            raise ModelError("has operators of somebody's own, which no model of this package has")
        if number in (1, 2, 3):  # input, output, name
            text(value)
        if number == 5:  # attribute
            _check_attribute(content(value), operators == ["Scan"] and not nested)


def _check_attribute(attribute: memoryview, scan: bool) -> None:
    for number, value, _ in fields(attribute):
        if number == 6 and scan:  # g
            _check_graph(content(value), nested=True)
        elif number in (6, 11, 22, 23):  # g, graphs, sparse_tensor, sparse_tensors
            raise ModelError("has a graph within its graph, which no model of this package has")
        elif number in (5, 10):  # t, tensors
            _check_tensor(content(value))
        elif number in (1, 4, 9):  # name, s, strings
            text(value)


def _check_tensor(tensor: memoryview) -> None:
    for number, value, _ in fields(tensor):
        if number == 13 or (number == 14 and value != 0):  # external_data, data_location
            raise ModelError("has weights in another file; put them into this one")
        if number == 8:  # name
            text(value)


def _check_names(message: memoryview) -> None:
    for _, value, _ in fields(message):
        text(value)
