"""Sound from a file, a pipe or an array to float32 blocks at the rate of the model.

libsndfile reads what it can (WAV, FLAC, Ogg, Opus, AIFF, CAF, ...), FFmpeg through PyAV the rest
(MP3, M4A, MP4, WebM, WMA, AMR, the sound of videos) and every container from a pipe. Nothing is
held but the block at hand, so memory does not grow with the length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import ArrayLike

from vad.audio.encode import ARRAYS, Encoding
from vad.audio.ffmpeg import open_av
from vad.audio.resample import (
    AudioWarning,
    Channel,
    check_rate,
    check_raw,
    from_bytes,
    to_array,
    to_float,
)
from vad.audio.sound import ReadUntilError, Sound, damaged, reason
from vad.errors import AudioError
from vad.features import Float32
from vad.settings import Raw

__all__ = ["AudioWarning", "Channel", "Sound", "from_array", "open_native", "open_sound", "read"]

BLOCK = 163_840  # samples read at once: at 16 kHz four blocks of features
# FFmpeg leaves out what the encoder added, notices truncation, and does not talk on standard error.
MPEG = (".mp1", ".mp2", ".mp3", ".mpga")


def open_sound(source: str | Path | BinaryIO, raw: Raw | None = None, name: str | None = None) -> Sound:
    """Open a file by its path, or a pipe as a binary file object; `raw` where it is bare samples.

    A file that is a copy goes by the `name` of its original. Raises `AudioError` where it is
    missing, unreadable, empty, or not sound.
    """
    if isinstance(source, (str, Path)):
        sound = _open_path(Path(source), raw, name or str(Path(source)))
    else:
        name = str(getattr(source, "name", "stream")).strip("<>")
        sound = _open_raw(source, name, raw) if raw else open_av(source, name)
    check_rate(sound.name, sound.sample_rate)
    return sound


def open_native(path: Path) -> Sound:
    """Open a file whose `native_blocks()` are its very samples, where it holds them without loss.

    Raises what `open_sound` does.
    """
    sound = _open_path(path, None, str(path), exact=True)
    check_rate(sound.name, sound.sample_rate)
    return sound


def from_array(samples: ArrayLike, sample_rate: float, name: str = "samples") -> Sound:
    """An array `(sample,)` or `(sample, channel)` as a `Sound`; integers are scaled to -1..1."""
    array = to_array(samples, name)
    rate = check_rate(name, sample_rate)
    blocks = (to_float(array[i : i + BLOCK]) for i in range(0, len(array), BLOCK))
    return Sound(name, rate, array.shape[1], len(array), blocks)


def read(path: Path, sample_rate: int, channel: Channel = "mix") -> Float32:
    """A whole recording as `(sample,)` float32 at `sample_rate`."""
    blocks = [block[0] for block in open_sound(path).blocks(sample_rate, channel)]
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


def _open_raw(file: BinaryIO, name: str, raw: Raw) -> Sound:
    check_raw(name, raw.dtype, raw.channels)
    size = np.dtype(raw.dtype).itemsize * raw.channels

    def blocks() -> Iterator[Float32]:
        rest, done = b"", 0
        source = ReadUntilError(file)
        while data := source.read(_rows(raw.channels) * size):
            block, rest = from_bytes(rest + data, raw.dtype, raw.channels)
            done += len(block)
            yield block
        if source.failure:
            damaged(name, done / raw.sample_rate, source.failure)

    return Sound(name, raw.sample_rate, raw.channels, None, blocks())


def _rows(channels: int) -> int:
    """How many samples of each of `channels` are read at once: a file may claim a thousand."""
    return BLOCK // max(1, channels // 8)


class _ForwardFile(soundfile.SoundFile):  # type: ignore[misc]
    """Read from beginning to end: seeking after each block, as the base does, breaks MP3 and slows Ogg."""

    def seekable(self) -> bool:
        return False


def _open_path(path: Path, raw: Raw | None, name: str, exact: bool = False) -> Sound:
    """A file by libsndfile or else by FFmpeg; what is no ordinary file as a pipe."""
    try:
        file = path.open("rb")
        head = file.read(4) if file.seekable() else b""
    except (OSError, ValueError) as error:
        raise AudioError(f"{name}: {reason(error)}; name a readable sound file") from error
    if file.seekable() and not head:
        raise AudioError(f"{name}: the file is empty; name one that holds sound")
    if file.seekable():
        file.seek(0)
    if raw:
        return _open_raw(file, name, raw)
    if not file.seekable() or path.suffix.lower() in MPEG or _is_mpeg(head):
        return open_av(file, name)
    try:
        sound = _ForwardFile(os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: it takes a name in .raw for bare samples
        return open_av(file, name)
    file.close()
    return _from_libsndfile(sound, name, ARRAYS.get(sound.subtype, "float32") if exact else "float32")


def _is_mpeg(head: bytes) -> bool:
    """Whether a file that begins so would be MP3 to libsndfile, whatever it is called."""
    return head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")


def _from_libsndfile(file: _ForwardFile, name: str, dtype: str) -> Sound:
    length = file.frames if file.frames < 1 << 60 else None  # a header written to a pipe may not know
    whole = dtype == "float32" and file.subtype == "PCM_16"  # numpy makes the same floats of it, faster

    def blocks() -> Iterator[Float32]:
        done, rows = 0, _rows(file.channels)
        with file:
            while True:
                buffer = np.zeros((rows, file.channels), "int16" if whole else dtype)
                try:
                    block = file.read(out=buffer)
                except soundfile.LibsndfileError as error:
                    block = buffer[: max(0, file.tell() - done)]  # what was decoded before the damage
                    done += len(block)
                    yield to_float(block) if whole else block
                    damaged(name, done / file.samplerate, error)
                    return
                if not len(block):
                    return
                done += len(block)
                yield to_float(block) if whole else block

    encoding = Encoding(file.format, file.subtype, file.subtype in ARRAYS)
    return Sound(name, file.samplerate, file.channels, length, blocks(), encoding)


def duration_of(path: str) -> float:
    """Seconds of sound in a file as its header states them; the file is decoded where the header does not know.

    Raises `AudioError` where the file cannot be read or holds no sound.
    """
    sound = open_sound(path)
    if sound.length:
        return sound.length / sound.sample_rate
    for _ in sound.native_blocks():
        pass
    if not sound.samples:
        raise AudioError(f"{path}: holds no sound")
    return sound.duration


def decoded_duration(path: Path) -> float:
    """Seconds of sound that `open_native` decodes, whatever the header states; `AudioError` for an unreadable file."""
    sound = open_native(path)
    for _ in sound.native_blocks():
        pass
    return sound.duration
