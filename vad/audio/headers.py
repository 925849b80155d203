"""What the header of a sound file states about its length, beside what the file holds.

A recorder that is killed leaves a header that states no length, and a copy that is cut off holds less
than its header states. libsndfile does not help there: it takes an unwritten length for an empty recording,
and does not report a missing end.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

HEAD = 4096  # bytes that hold the header of nearly every file
MAX_CHUNKS = 1000
W64_GUID = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0O\x8e\xdb\x8a"  # of "fmt " and "data", after their names
# Lengths from here on mean "unknown": programs that write to a pipe state the largest number, or one near it.
UNKNOWN = {2: 0x7F000000, 3: 1 << 62}  # by the logarithm of the size of the field


@dataclass(frozen=True)
class SoundData:
    """The bytes of a file that hold its samples."""

    stated: int | None  # bytes, by the header; None where the writer did not know
    available: int  # bytes from their start to the end of the file
    patches: dict[int, bytes] = field(default_factory=dict)  # by position: a header that states what is available

    @property
    def unfinished(self) -> bool:
        """Whether the header states no samples, but the file holds some."""
        return self.stated == 0 and self.available > 0

    @property
    def truncated(self) -> bool:
        """Whether the header states more than the file holds."""
        return self.stated is not None and self.stated > self.available


def find_sound_data(file: BinaryIO) -> SoundData | None:
    """The sound data of a WAV, RF64, W64, AIFF, AU or CAF file; None for other and for damaged files."""
    file.seek(0)
    head = file.read(HEAD)
    reader = READERS.get(head[:4])
    if reader is None:
        return None
    try:
        return reader(_Bytes(file, head))
    except (struct.error, OSError, OverflowError):
        return None


class _Bytes:
    """Reads numbers at any position of a file, without reading its beginning again."""

    def __init__(self, file: BinaryIO, head: bytes) -> None:
        self._file, self._head = file, head
        self.size = file.seek(0, io.SEEK_END)

    def get(self, at: int, count: int) -> bytes:
        if at + count <= len(self._head):
            return self._head[at : at + count]
        self._file.seek(at)
        return self._file.read(count)

    def number(self, at: int, kind: str) -> int:
        (value,) = struct.unpack(kind, self.get(at, struct.calcsize(kind)))
        return int(value)


def _chunks(data: _Bytes, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, position of the content and stated size of each chunk of RIFF and AIFF."""
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > data.size:
            return
        size = data.number(at + 4, order + "I")
        yield data.get(at, 4), at + 8, size
        at += 8 + size + size % 2


def _riff(data: _Bytes) -> SoundData | None:
    order = ">" if data.get(0, 4) == b"RIFX" else "<"
    kind = order + "I"
    long = 0  # position of the sizes of 64 bits in RF64
    for name, at, size in _chunks(data, order):
        if name == b"ds64":
            long = at
        if name != b"data":
            continue
        available = data.size - at
        if long:
            end = data.number(long, "<Q") + 8
            patches = {long: struct.pack("<QQ", data.size - 8, available)}
            return _found(data.number(long + 8, "<Q"), 3, available, patches, end - at)
        patches = {at - 4: _packed(kind, available), 4: _packed(kind, data.size - 8)}
        return _found(size, 2, available, patches, data.number(4, kind) + 8 - at)
    return None


def _aiff(data: _Bytes) -> SoundData | None:
    frames: dict[int, bytes] = {}
    width = 0
    for name, at, size in _chunks(data, ">"):
        if name == b"COMM":
            width = data.number(at, ">H") * -(-data.number(at + 6, ">H") // 8)
            frames = {at + 2: b""}
        if name != b"SSND":
            continue
        available = data.size - at - 8
        patches = {at - 4: _packed(">I", available + 8), 4: _packed(">I", data.size - 8)}
        patches |= {place: _packed(">I", available // max(1, width)) for place in frames}
        stated = max(0, size - 8) if size < UNKNOWN[2] else size
        return _found(stated, 2, available, patches, data.number(4, ">I") - at)
    return None


def _w64(data: _Bytes) -> SoundData | None:
    at = 40
    for _ in range(MAX_CHUNKS):
        if at + 24 > data.size:
            return None
        size = data.number(at + 16, "<Q")
        if data.get(at, 16) == b"data" + W64_GUID:
            available = data.size - at - 24
            patches = {at + 16: struct.pack("<Q", available + 24), 16: struct.pack("<Q", data.size)}
            stated = max(0, size - 24) if size < UNKNOWN[3] else size
            return _found(stated, 3, available, patches, data.number(16, "<Q") - at - 24)
        at += max(24, size + -size % 8)
    return None


def _au(data: _Bytes) -> SoundData | None:
    kind = ">I" if data.get(0, 4) == b".snd" else "<I"
    at = data.number(4, kind)
    return _found(data.number(8, kind), 2, data.size - at, {8: _packed(kind, data.size - at)}, 0)


def _caf(data: _Bytes) -> SoundData | None:
    at = 8
    for _ in range(MAX_CHUNKS):
        if at + 12 > data.size:
            return None
        size = data.number(at + 4, ">q")
        if data.get(at, 4) == b"data":
            available = data.size - at - 16  # the samples follow the number of edits, of four bytes
            patches = {at + 4: struct.pack(">q", available + 4)}
            stated = (1 << 62) if size < 0 else max(0, size - 4)
            return _found(stated, 3, available, patches, 0)
        at += 12 + max(0, size)
    return None


def _found(stated: int, field_size: int, available: int, patches: dict[int, bytes], outer: int) -> SoundData | None:
    """`outer` is how many bytes the enclosing chunk states for the samples and what follows them."""
    if available < 0:
        return None
    if stated == 0 and outer >= available > 0:  # other chunks follow: the recording is empty
        return SoundData(0, 0)
    return SoundData(None if stated >= UNKNOWN[field_size] else stated, available, patches)


def _packed(kind: str, number: int) -> bytes:
    return struct.pack(kind, min(number, 0xFFFFFFFF))


def mp3_length(file: BinaryIO) -> int | None:
    """Samples per channel that the first frame of an MP3 states (in a tag Xing or Info); None without one."""
    place = file.tell()
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    file.seek(start)
    frame = file.read(200)
    file.seek(place)  # FFmpeg has read ahead
    if len(frame) < 200 or frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:  # layer III
        return None
    first, mono = bool(frame[1] & 8), frame[3] >> 6 == 3  # whether it is MPEG-1
    at = 4 + ((17 if mono else 32) if first else (9 if mono else 17))
    tag, flags, frames = struct.unpack(">4sII", frame[at : at + 12])
    if tag not in (b"Xing", b"Info") or not flags & 1:
        return None
    return int(frames) * (1152 if first else 576)


READERS: dict[bytes, Callable[[_Bytes], SoundData | None]] = dict.fromkeys((b"RIFF", b"RIFX", b"RF64", b"BW64"), _riff)
READERS |= {b"FORM": _aiff, b"riff": _w64, b".snd": _au, b"dns.": _au, b"caff": _caf}
