"""The text of a file in any of the usual encodings."""

from __future__ import annotations

import codecs
import contextlib
from pathlib import Path
from typing import BinaryIO

from vad.errors import FormatError

LIMIT = 1 << 30  # bytes; the labels of a week take a hundredth of it


def read_text(source: Path | BinaryIO) -> tuple[str, bool]:
    """Read a file, or an open one: its text, and whether it is Unicode.

    That is UTF-8, or UTF-16 with a mark; other files are read as Windows-1252.

    Unpacks gzip; lines end in a line feed. Raises `FormatError`, without the file's name, if the
    file cannot be read, is not text, or is longer than `LIMIT`.
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
    # Windows makes "\r\r\n" where a program writes "\r\n" as text
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n"), unicode


def _unpack(content: bytes) -> bytes:
    import gzip
    import io
    import zlib

    try:
        return gzip.GzipFile(fileobj=io.BytesIO(content)).read(LIMIT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FormatError(f"cannot be unpacked ({error}); compress it again with gzip") from error


def _decode(content: bytes) -> tuple[str, bool]:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig"), True
    except UnicodeDecodeError as error:
        if wide:
            raise FormatError("begins like UTF-16, but is not; save it as UTF-8") from error
    try:
        return content.decode("cp1252"), False
    except UnicodeDecodeError:  # one of five bytes without a meaning
        return content.decode("latin-1"), False
