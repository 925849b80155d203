"""What a weights file may hold, looked at before ONNX Runtime sees it.

An ONNX file can be more than weights: it can loop for ever, and read other files. Ours are a line of
plain operators. Whatever is not is refused here, as is what ONNX Runtime would talk of on standard
output. The file is read as the Protocol Buffers that it is; the numbers are those of the fields in
onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from vad.errors import ModelError

# What networks for speech are made of. None of them branches, loops, or makes much out of little.
_NAMES = """
    Add Cast Clip Concat Constant Conv Div Exp Gather Gemm GRU Identity LayerNormalization Log LSTM MatMul Max Min Mul
    Pow ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape RNN Shape Sigmoid Slice Softmax Split Sqrt Squeeze Sub
    Tanh Transpose Unsqueeze
"""
OPERATORS = frozenset(_NAMES.split())
LIMIT = 1 << 28  # bytes
VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5  # the kinds of fields
Field = tuple[int, memoryview | int]


def check_graph(content: bytes) -> None:
    """Raise `ModelError`, which does not name the file, where `content` is no network of plain operators."""
    try:
        graphs = 0
        for number, value in _fields(memoryview(content)):
            if number == 7:  # graph
                graphs += 1
                _check_graph(_message(value))
            elif number in (20, 25):  # training_info, functions
                raise ModelError("holds more than a network")
            elif number == 14:  # metadata_props
                _check_names(_message(value))
    except (ValueError, IndexError) as error:
        raise ModelError("damaged, or not an ONNX file; get the weights again") from error
    if not graphs:
        raise ModelError("damaged, or not an ONNX file; get the weights again")


def _check_graph(graph: memoryview) -> None:
    for number, value in _fields(graph):
        if number == 1:  # node
            _check_node(_message(value))
        elif number == 5:  # initializer
            _check_tensor(_message(value))
        elif number == 15:  # sparse_initializer
            raise ModelError("holds sparse weights, which no model of this package has")
        elif number in (11, 12):  # input, output: a name and a type
            for inner, name in _fields(_message(value)):
                if inner == 1:
                    _text(name)


def _check_node(node: memoryview) -> None:
    for number, value in _fields(node):
        if number == 4 and (operator := _text(value)) not in OPERATORS:  # op_type
            raise ModelError(f"has the operator {operator[:40]!r}, which no model of this package has")
        if number == 7 and _text(value):  # domain
            raise ModelError("has operators of somebody's own, which no model of this package has")
        if number in (1, 2, 3):  # input, output, name
            _text(value)
        if number == 5:  # attribute
            for inner, held in _fields(_message(value)):
                if inner in (6, 11, 22, 23):  # g, graphs, sparse_tensor, sparse_tensors
                    raise ModelError("has a graph within its graph, which no model of this package has")
                if inner in (5, 10):  # t, tensors
                    _check_tensor(_message(held))
                elif inner == 1:  # name
                    _text(held)


def _check_tensor(tensor: memoryview) -> None:
    for number, value in _fields(tensor):
        if number == 13 or (number == 14 and value != 0):  # external_data, data_location
            raise ModelError("has weights in another file; put them into this one")
        if number == 8:  # name
            _text(value)


def _check_names(message: memoryview) -> None:
    for _, value in _fields(message):
        _text(value)


def _fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message: number and content. Raises `ValueError` or `IndexError` where it is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        size = {EIGHT: 8, FOUR: 4}.get(kind, 0)
        if kind == LENGTH:
            size, at = _varint(message, at)
        elif not size:
            raise ValueError(f"a field of kind {kind}")
        if size > len(message) - at:
            raise ValueError("a field that is longer than the file")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where the next field does."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number without end")


def _message(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")
    return value


def _text(value: memoryview | int) -> str:
    return str(_message(value), "utf-8")
