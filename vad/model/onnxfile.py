"""The content of a weights file: checked before ONNX Runtime loads it, and its metadata replaced.

An ONNX file can do harm: it can loop for ever and read other files. The models of this package are
sequences of plain operators; one of these, `Scan`, holds such a sequence for each piece of its input.
`check_graph` refuses everything else, and also text for which ONNX Runtime would print messages on
standard output.

An ONNX file is a Protocol Buffers message. A message is a sequence of fields, each with a number
that gives its meaning (in onnx.proto, as in the comments here) and a kind that gives its length:
https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vad.errors import ModelError

# The operators of networks for speech. None of them branches, loops for ever, or makes a large output of a small input.
_NAMES = """
    Add Cast Clip Concat Constant Conv Div Exp Gather Gemm GRU Identity LayerNormalization Log LSTM MatMul Max Min Mul
    Pow ReduceMax ReduceMean ReduceMin ReduceSum Relu Reshape RNN Scan Shape Sigmoid Slice Softmax Split Sqrt Squeeze
    Sub Tanh Transpose Unsqueeze
"""
OPERATORS = frozenset(_NAMES.split())
LIMIT = 1 << 28  # bytes
METADATA, KEY, VALUE = 14, 1, 2  # field numbers: an entry of the metadata, its key, its value
VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5  # kinds of fields
DAMAGED = "damaged, or not an ONNX file; get the weights again"


def check_graph(model: bytes) -> None:
    """Raise a `ModelError` that does not name the file where `model` is not a network of plain operators."""
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
    """Raise where a node is not a plain operator; a `Scan` must not be in another one."""
    parts = list(fields(node))
    operators = [text(value) for number, value, _ in parts if number == 4]  # op_type
    for operator in operators:
        if operator not in OPERATORS:
            raise ModelError(f"has the operator {operator[:40]!r}, which no model of this package has")
    for number, value, _ in parts:
        if number == 7 and text(value):  # domain
            raise ModelError("has custom operators, which no model of this package has")
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


def with_metadata(model: bytes, metadata: dict[str, str]) -> bytes:
    """The ONNX file `model` with `metadata` added; entries with the same keys are replaced, all else is copied.

    Raises `ModelError` where `model` is damaged.
    """
    keys = set(metadata)
    try:
        kept = [f.whole for f in fields(memoryview(model)) if f.number != METADATA or not _is_one_of(keys, f.value)]
    except (ValueError, IndexError) as error:
        raise ModelError(DAMAGED) from error
    added = [pack(METADATA, pack(KEY, key.encode()) + pack(VALUE, value.encode())) for key, value in metadata.items()]
    return b"".join([*kept, *added])


def _is_one_of(keys: set[str], entry: memoryview | int) -> bool:
    """Whether the key of an entry of the metadata is in `keys`."""
    return any(number == KEY and text(value) in keys for number, value, _ in fields(content(entry)))


class Field(NamedTuple):
    """A field of a message."""

    number: int
    value: memoryview | int
    whole: memoryview  # all bytes of it, number and kind included


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message. Raises `ValueError` or `IndexError` where it is damaged."""
    at = 0
    while at < len(message):
        start = at
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield Field(key >> 3, value, message[start:at])
            continue
        size = {EIGHT: 8, FOUR: 4}.get(kind, 0)
        if kind == LENGTH:
            size, at = _varint(message, at)
        elif not size:
            raise ValueError(f"a field of kind {kind}")
        if size > len(message) - at:
            raise ValueError("a field that is longer than the file")
        yield Field(key >> 3, message[at : at + size], message[start : at + size])
        at += size


def content(value: memoryview | int) -> memoryview:
    """The content of a field with a length. Raises `ValueError` for a field of another kind."""
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")
    return value


def text(value: memoryview | int) -> str:
    """The text of a field. Raises `ValueError` where it holds no text."""
    return str(content(value), "utf-8")


def pack(number: int, content: bytes) -> bytes:
    """A field that holds bytes, text or a message."""
    return _to_varint(number << 3 | LENGTH) + _to_varint(len(content)) + content


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and the position after it; a byte holds seven bits, the lowest first."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number that does not end")


def _to_varint(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F)
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])
