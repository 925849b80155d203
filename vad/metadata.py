"""The metadata of an ONNX file, replaced in a copy; the network is copied byte by byte.

An ONNX file is a protobuf message `ModelProto`, whose field 14 holds the metadata, an entry of
key (field 1) and value (field 2) each (onnx.proto). A message is its fields one after another, so
fields are left out and appended without knowing the others.
"""

from __future__ import annotations

from pathlib import Path

from vad.atomic import write
from vad.errors import ModelError
from vad.pretrained import FOLDER, Description

METADATA, KEY, VALUE = 14, 1, 2  # fields
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types


def copy_described(source: Path, target: Path, description: Description) -> None:
    """Write the weights of `source` to `target` with `description` in place of theirs.

    Raises `ModelError` where `target` is in the package, whose models stay as they are.
    """
    if target.resolve().parent == FOLDER.resolve():
        raise ModelError(f"{target}: is a model of the package; name another file")
    write(target, with_metadata(source.read_bytes(), description.to_metadata()))


def with_metadata(model: bytes, metadata: dict[str, str]) -> bytes:
    """The ONNX file `model` with `metadata`, of which keys that it has already are replaced."""
    keys = {key.encode() for key in metadata}
    kept = [whole for field, value, whole in fields(model) if field != METADATA or _key(value) not in keys]
    added = [
        _pack(METADATA, _pack(KEY, key.encode()) + _pack(VALUE, value.encode())) for key, value in metadata.items()
    ]
    return b"".join(kept + added)


def fields(message: bytes) -> list[tuple[int, bytes, bytes]]:
    """Number, content (of fields that have a length) and all bytes of each field of a protobuf message."""
    found, at = [], 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        length = {FIXED64: 8, FIXED32: 4}.get(tag & 7, 0)
        if tag & 7 == BYTES:
            length, at = _varint(message, at)
        elif tag & 7 == VARINT:
            _, at = _varint(message, at)
        elif not length:
            raise ModelError("damaged, or not an ONNX file; get the weights again")
        found.append((tag >> 3, message[at : at + length], message[start : at + length]))
        at += length
    return found


def _key(entry: bytes) -> bytes:
    return next((value for field, value, _ in fields(entry) if field == KEY), b"")


def _pack(field: int, content: bytes) -> bytes:
    return _to_varint(field << 3 | BYTES) + _to_varint(len(content)) + content


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message):
            raise ModelError("damaged, or not an ONNX file; get the weights again")
        value |= (message[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if message[at - 1] < 0x80:
            return value, at


def _to_varint(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F)
    return bytes([*(digit | 0x80 for digit in digits[:-1]), digits[-1]])
