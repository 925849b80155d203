"""From a file to its text, whatever its encoding."""

from __future__ import annotations

import codecs
import contextlib
from pathlib import Path
from typing import BinaryIO

from vad.errors import FormatError

LIMIT = 1 << 30  # bytes; labels of a week are a hundredth of it


def read_text(source: Path | BinaryIO) -> tuple[str, bool]:
    """The text of a file, or of an open one, and whether it is Unicode: UTF-8, UTF-16 with its mark, else Latin-1.

    What gzip packed is unpacked; lines end in a line feed. Raises `FormatError`, without the
    file's name, where the file cannot be read, is no text, or is longer than `LIMIT`.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else contextlib.nullcontext(source) as file:
            content = file.read(LIMIT + 1)
        if content.startswith(b"\x1f\x8b"):
            content = _unpack(content)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise FormatError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > LIMIT:
        raise FormatError("is longer than 1 GiB; split it")
    text, unicode = _decode(content)
    if "\0" in text:
        raise FormatError("is not text; give a file with labels, as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n"), unicode


def _unpack(content: bytes) -> bytes:
    import gzip
    import io
    import zlib

    try:
        return gzip.GzipFile(fileobj=io.BytesIO(content)).read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"cannot be unpacked ({error}); pack it anew with gzip") from error


def _decode(content: bytes) -> tuple[str, bool]:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig"), True
    except UnicodeDecodeError as error:
        if wide:
            raise FormatError("begins as UTF-16 and is not; save it as UTF-8") from error
        return content.decode("latin-1"), False
