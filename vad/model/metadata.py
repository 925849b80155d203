"""The metadata of an ONNX file, replaced in a copy; the network is copied byte by byte.

An ONNX file is a message `ModelProto`, whose fields 14 are the metadata, an entry of key (field 1)
and value (field 2) each (onnx.proto). Fields can be left out and appended without knowing the others.
"""

from __future__ import annotations

from pathlib import Path

from vad.atomic import write
from vad.errors import ModelError
from vad.model.onnxfile import DAMAGED
from vad.model.pretrained import FOLDER, Description
from vad.model.protobuf import content, fields, pack, text

METADATA, KEY, VALUE = 14, 1, 2  # fields


def copy_described(source: Path, target: Path, description: Description) -> None:
    """Write the weights of `source` to `target` with `description` in place of theirs.

    Raises `ModelError` where `target` is in the package, whose models stay as they are.
    """
    if target.resolve().parent == FOLDER.resolve():
        raise ModelError(f"{target}: is a model of the package; name another file")
    write(target, with_metadata(source.read_bytes(), description.to_metadata()))


def with_metadata(model: bytes, metadata: dict[str, str]) -> bytes:
    """The ONNX file `model` with `metadata`, of which keys that it has already are replaced."""
    keys = set(metadata)
    try:
        kept = [f.whole for f in fields(memoryview(model)) if f.number != METADATA or not _is_one_of(keys, f.value)]
    except (ValueError, IndexError) as error:
        raise ModelError(DAMAGED) from error
    added = [pack(METADATA, pack(KEY, key.encode()) + pack(VALUE, value.encode())) for key, value in metadata.items()]
    return b"".join([*kept, *added])


def _is_one_of(keys: set[str], entry: memoryview | int) -> bool:
    """Whether an entry of the metadata has one of `keys`."""
    return any(number == KEY and text(value) in keys for number, value, _ in fields(content(entry)))
