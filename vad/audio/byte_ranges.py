"""Parts of files as files: a range of bytes, with other bytes in its header; and the parts of a chained Ogg file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

PAGE = 27  # bytes of the header of an Ogg page, before the table of its segments
BEGIN, END = 2, 4  # flags of a page: the first and the last of a stream


class FilePart(io.RawIOBase):
    """The bytes `[start, end)` of a file, read-only, with `patches` in place of the bytes at their positions.

    Closing it leaves the file open. A read error ends it, and is kept in `failure`: C libraries call it.
    """

    def __init__(self, file: BinaryIO, start: int, end: int, patches: Mapping[int, bytes] | None = None) -> None:
        self._file, self._start, self._end = file, start, end
        self._patches = patches or {}
        self._at = start
        self.failure: OSError | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position within the part."""
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = max(self._start, base + offset)
        return self._at - self._start

    def tell(self) -> int:
        """The position within the part."""
        return self._at - self._start

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the part reaches."""
        try:
            self._file.seek(self._at)
            content = self._file.read(max(0, min(len(buffer), self._end - self._at)))
        except OSError as error:
            self.failure = error
            return 0
        buffer[: len(content)] = content
        for place, patch in self._patches.items():
            first, last = max(place, self._at), min(place + len(patch), self._at + len(content))
            if first < last:
                buffer[first - self._at : last - self._at] = patch[first - place : last - place]
        self._at += len(content)
        return len(content)


class Links(NamedTuple):
    """The links of an Ogg file: complete streams, one after the other."""

    spans: list[tuple[int, int]]  # bytes [start, end)
    complete: bool  # whether the last page of the file is whole, and the last of its stream


def find_links(file: BinaryIO) -> Links:
    """The links of an Ogg file, by the headers of its pages (RFC 3533); it is left at its beginning."""
    size = file.seek(0, io.SEEK_END)
    starts, at, flags, begins = [0], 0, 0, True
    file.seek(0)
    while at < size:
        header = file.read(PAGE)
        if len(header) < PAGE or header[:4] != b"OggS":
            break
        flags = header[5]
        if flags & BEGIN and not begins:
            starts.append(at)
        begins = bool(flags & BEGIN)
        at += PAGE + header[26] + sum(file.read(header[26]))
        file.seek(at)
    file.seek(0)
    ends = [*starts[1:], size]
    return Links(list(zip(starts, ends, strict=True)), at == size and bool(flags & END))
