"""Protocol Buffers, as far as an ONNX file is looked through and changed here.

A message is its fields one after another, each with a number that says what it is (in onnx.proto)
and a kind that says how long it is: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, EIGHT, LENGTH, FOUR = 0, 1, 2, 5  # the kinds of fields


class Field(NamedTuple):
    """A field of a message."""

    number: int
    value: memoryview | int
    whole: memoryview  # all bytes of it, number and kind included


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message. Raises `ValueError` or `IndexError` where it is none."""
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
    """What a field with a length holds; `ValueError` where it is another."""
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")
    return value


def text(value: memoryview | int) -> str:
    """What a field of text holds; `ValueError` where it is another."""
    return str(content(value), "utf-8")


def pack(number: int, held: bytes) -> bytes:
    """A field that holds bytes, text or a message."""
    return _to_varint(number << 3 | LENGTH) + _to_varint(len(held)) + held


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, of seven bits per byte, the lowest first; and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise ValueError("a number without end")


def _to_varint(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F)
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])
