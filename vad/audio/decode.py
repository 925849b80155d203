"""Sound from a file, a pipe or an array as float32 blocks at the rate of the model.

libsndfile reads WAV, FLAC, Ogg, AIFF, CAF, ...; FFmpeg reads all others through PyAV (MP3, M4A, MP4,
WebM, WMA, AMR, videos), Opus at 48 kHz, and every container in a pipe. Memory holds one block at a
time, so it does not grow with the length of a recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from vad.audio import libsndfile
from vad.audio.ffmpeg import open_av
from vad.audio.resample import (
    FEW_CHANNELS,
    AudioWarning,
    Channel,
    check_rate,
    check_raw,
    from_bytes,
    incomplete,
    to_array,
    to_float,
)
from vad.audio.sound import ReadUntilError, Sound, damaged
from vad.errors import AudioError, reason
from vad.features import Float32
from vad.settings import Raw
from vad.wording import pluralize

__all__ = ["AudioWarning", "Channel", "Sound", "from_array", "open_native", "open_sound", "read"]

# FFmpeg removes the samples that an MP3 encoder adds, notices truncation, and writes nothing to standard error.
MPEG = (".mp1", ".mp2", ".mp3", ".mpga")


def open_sound(source: str | Path | BinaryIO, raw: Raw | None = None, name: str | None = None) -> Sound:
    """Open a file by its path, or a pipe as a binary file object; `raw` describes a file of bare samples.

    `name` stands for it in messages, as where a file is a copy. Raises `AudioError` where the file is
    missing, unreadable or empty, or holds no sound.
    """
    if isinstance(source, (str, Path)):
        sound = _open_path(Path(source), raw, name or str(Path(source)))
    else:
        name = name or str(getattr(source, "name", "stream")).strip("<>")
        if hasattr(source, "encoding"):
            raise AudioError(f"{name}: opened as text; open it in binary mode, as with open(path, 'rb')")
        sound = _open_raw(source, name, raw, owned=False) if raw else open_av(source, name, owned=False)
    return _checked(sound)


def open_native(path: Path, name: str | None = None) -> Sound:
    """Open a file whose `native_blocks()` are its very samples, where it holds them without loss.

    `name` stands for the file in messages. Raises the errors of `open_sound`.
    """
    return _checked(_open_path(path, None, name or str(path), native=True))


def from_array(samples: ArrayLike, sample_rate: float, name: str = "samples") -> Sound:
    """An array `(sample,)` or `(sample, channel)` as a `Sound`; integers are scaled to -1..1.

    Raises `AudioError` for anything else, also for `(channel, sample)`: with more than 32 channels, and fewer samples.
    """
    array = to_array(samples, name)
    if array.shape[1] > max(FEW_CHANNELS, len(array)):
        raise AudioError(
            f"{name}: {array.shape[1]} channels of {pluralize(len(array), 'sample')}; transpose to (sample, channel)"
        )
    rate = check_rate(name, sample_rate)
    size = libsndfile.BLOCK
    blocks = (to_float(array[i : i + size]) for i in range(0, len(array), size))
    return Sound(name, rate, array.shape[1], len(array), blocks)


def read(path: Path, sample_rate: int, channel: Channel = "mix") -> Float32:
    """A whole recording as `(sample,)` float32 at `sample_rate`."""
    with open_sound(path) as sound:
        blocks = [block[0] for block in sound.blocks(sample_rate, channel)]
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


def duration_of(path: str) -> float:
    """Seconds of sound in a file as its header states them; the file is decoded where the header does not know.

    Raises `AudioError` where the file cannot be read or holds no sound.
    """
    with open_sound(path) as sound:
        if sound.length:
            return sound.length / sound.sample_rate
        for _ in sound.native_blocks():
            pass
        if not sound.samples:
            raise AudioError(f"{path}: holds no sound")
        return sound.duration


def decoded_duration(path: Path, name: str | None = None) -> float:
    """Seconds of sound that `open_native` decodes, whatever the header states; `AudioError` for an unreadable file."""
    with open_native(path, name) as sound:
        for _ in sound.native_blocks():
            pass
        return sound.duration


def _checked(sound: Sound) -> Sound:
    try:
        check_rate(sound.name, sound.sample_rate)
    except AudioError:
        sound.close()
        raise
    return sound


def _open_raw(file: BinaryIO, name: str, raw: Raw, owned: bool) -> Sound:
    check_raw(name, raw.dtype, raw.channels)
    size = np.dtype(raw.dtype).itemsize * raw.channels

    source = ReadUntilError(file, name, owned)

    def blocks() -> Iterator[Float32]:
        rest, done = b"", 0
        source.refuse_empty()
        while data := source.read(libsndfile.block_rows(raw.channels) * size):
            block, rest = from_bytes(rest + data, raw.dtype, raw.channels)
            done += len(block)
            yield block
        source.close()
        if source.failure:
            damaged(name, done / raw.sample_rate, source.failure)
        elif rest:
            incomplete(name, rest, raw)

    return Sound(name, raw.sample_rate, raw.channels, None, blocks(), release=source.close)


def _open_path(path: Path, raw: Raw | None, name: str, native: bool = False) -> Sound:
    """Open a file with libsndfile, or else with FFmpeg; anything but an ordinary file is read as a pipe."""
    try:
        file = path.open("rb")
        head = file.read(4) if file.seekable() else b""
    except (OSError, ValueError) as error:
        raise AudioError(f"{name}: {reason(error)}; name a readable sound file") from error
    try:
        if not file.seekable():
            return _open_raw(file, name, raw, owned=True) if raw else open_av(file, name, owned=True)
        if not head:
            raise AudioError(f"{name}: the file is empty; name one that holds sound")
        file.seek(0)
        if raw:
            return _open_raw(file, name, raw, owned=True)
        if path.suffix.lower() in MPEG or _is_mpeg(head):
            return open_av(file, name, owned=True)
        opener = libsndfile.open_ogg if head == b"OggS" else libsndfile.open_file
        return opener(file, path, name, native)
    except BaseException:
        file.close()
        raise


def _is_mpeg(head: bytes) -> bool:
    """Whether libsndfile would take a file with this beginning for MP3, whatever its name."""
    return head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")
