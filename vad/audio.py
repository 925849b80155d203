"""Sound from a file, a pipe or an array to float32 blocks at the rate of the model.

libsndfile reads what it can (WAV, FLAC, Ogg, Opus, AIFF, CAF, ...), FFmpeg through PyAV the rest
(MP3, M4A, MP4, WebM, WMA, AMR, the sound of videos) and every container from a pipe. Nothing is
held but the block at hand, so memory does not grow with the length.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import ArrayLike

from vad.errors import AudioError
from vad.exact import DTYPES as EXACT
from vad.exact import Encoding
from vad.features import Float32
from vad.intake import (
    AudioWarning,
    Channel,
    Intake,
    check_rate,
    check_raw,
    from_bytes,
    missing_channel,
    to_array,
    to_float,
)
from vad.settings import DTYPES, Raw

__all__ = ["DTYPES", "AudioWarning", "Channel", "Raw", "Sound", "from_array", "open_sound", "read"]

BLOCK = 1 << 16  # samples read at once
BARE = Encoding("", "PCM_16", False)
DEPTHS = {"s32": "PCM_24", "flt": "FLOAT"}  # of what FFmpeg decodes
# FFmpeg leaves out what the encoder added, notices truncation, and does not talk on standard error.
MPEG = (".mp1", ".mp2", ".mp3", ".mpga")


@dataclass
class Sound:
    """An opened recording, to be read once from its beginning to its end."""

    name: str
    sample_rate: int
    channels: int
    length: int | None  # samples per channel where the container says so
    _blocks: Iterator[Float32]  # (sample, channel)
    encoding: Encoding = BARE  # of the file
    samples: int = 0  # per channel, read so far

    @property
    def duration(self) -> float:
        """Seconds read so far; all of the recording once its blocks are used up."""
        return self.samples / self.sample_rate

    def rows(self, channel: Channel) -> int:
        """How many rows `blocks(..., channel)` gives; `AudioError` where there is no such channel."""
        if isinstance(channel, int) and not 1 <= channel <= self.channels:
            raise missing_channel(self.name, channel, self.channels)
        return self.channels if channel == "each" else 1

    def blocks(self, sample_rate: int, channel: Channel = "mix") -> Iterator[Float32]:
        """Blocks `(row, sample)` at `sample_rate`, resampled by soxr where the rates differ.

        One row: the mean of all channels (`"mix"`) or channel N counted from 1; with `"each"` a
        row per channel.
        """
        intake = Intake(self.name, self.sample_rate, sample_rate, channel, self.rows(channel))
        for block in self._blocks:
            self.samples += len(block)
            yield intake.push(block)
        if self.sample_rate != sample_rate:
            yield intake.finish()

    def originals(self) -> Iterator[Float32]:
        """Blocks `(sample, channel)` as they were recorded: at `self.sample_rate`, all channels.

        They are float32, or of the file's own type where the sound was opened by `open_exact`.
        """
        for block in self._blocks:
            self.samples += len(block)
            yield block


def open_sound(source: str | Path | BinaryIO, raw: Raw | None = None, name: str | None = None) -> Sound:
    """Open a file by its path, or a pipe as a binary file object; `raw` where it is bare samples.

    A file that is a copy goes by the `name` of its original. Raises `AudioError` where it is
    missing, unreadable, empty, or not sound.
    """
    if isinstance(source, (str, Path)):
        sound = _open_path(Path(source), raw, name or str(Path(source)))
    else:
        name = str(getattr(source, "name", "stream")).strip("<>")
        sound = _open_raw(source, name, raw) if raw else _open_av(source, name)
    check_rate(sound.name, sound.sample_rate)
    return sound


def open_exact(path: Path) -> Sound:
    """Open a file whose `originals()` are its very samples, where it holds them without loss.

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
        whole = _Whole(file)
        while data := whole.read(_rows(raw.channels) * size):
            block, rest = from_bytes(rest + data, raw.dtype, raw.channels)
            done += len(block)
            yield block
        if whole.failure:
            _damaged(name, done / raw.sample_rate, whole.failure)

    return Sound(name, raw.sample_rate, raw.channels, None, blocks())


class _Whole:
    """A file that ends where it cannot be read any further, and remembers why."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: OSError | None = None

    def read(self, size: int) -> bytes:
        """What there is, up to `size` bytes; nothing at the end."""
        try:
            return self._file.read(size)
        except OSError as error:
            self.failure = error
            return b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _rows(channels: int) -> int:
    """How many samples of each of `channels` are read at once: a file may claim a thousand."""
    return BLOCK // max(1, channels // 8)


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """Read from beginning to end: seeking after each block, as the base does, breaks MP3 and slows Ogg."""

    def seekable(self) -> bool:
        return False


def _open_path(path: Path, raw: Raw | None, name: str, exact: bool = False) -> Sound:
    """A file by libsndfile or else by FFmpeg; what is no ordinary file as a pipe."""
    try:
        file = path.open("rb")
        head = file.read(4) if file.seekable() else b""
    except (OSError, ValueError) as error:
        raise AudioError(f"{name}: {_reason(error)}; name a readable sound file") from error
    if file.seekable() and not head:
        raise AudioError(f"{name}: the file is empty; name one that holds sound")
    if file.seekable():
        file.seek(0)
    if raw:
        return _open_raw(file, name, raw)
    if not file.seekable() or path.suffix.lower() in MPEG or _is_mpeg(head):
        return _open_av(file, name)
    try:
        sound = _Forward(os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: it takes a name in .raw for bare samples
        return _open_av(file, name)
    file.close()
    return _from_libsndfile(sound, name, EXACT.get(sound.subtype, "float32") if exact else "float32")


def _is_mpeg(head: bytes) -> bool:
    """Whether a file that begins so would be MP3 to libsndfile, whatever it is called."""
    return head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")


def _from_libsndfile(file: _Forward, name: str, dtype: str) -> Sound:
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
                    _damaged(name, done / file.samplerate, error)
                    return
                if not len(block):
                    return
                done += len(block)
                yield to_float(block) if whole else block

    encoding = Encoding(file.format, file.subtype, file.subtype in EXACT)
    return Sound(name, file.samplerate, file.channels, length, blocks(), encoding)


def _open_av(file: BinaryIO, name: str) -> Sound:
    """By FFmpeg: the first audio track of any container."""
    import av  # half the start-up time of a program that needs it only now and then

    # tags need not be Unicode: what PyAV 19 takes for granted, older ones have to be told
    how: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "ignore"}
    # a playlist would make FFmpeg open what it names: other files, servers, ports
    how["container_options"] = {"protocol_whitelist": "none"}
    whole = _Whole(file)  # PyAV would print what went wrong, and lose what was read before
    try:
        # from a pipe in small pieces: whoever listens live shall not wait until a large one is full
        container = av.open(whole, "r", buffer_size=32_768 if file.seekable() else 2_048, **how)
    except (av.FFmpegError, ValueError) as error:
        if whole.failure:
            raise AudioError(f"{name}: cannot be read ({_reason(whole.failure)})") from whole.failure
        raise AudioError(f"{name}: not a sound file that libsndfile or FFmpeg can read ({_reason(error)})") from error
    if not container.streams.audio:
        raise AudioError(f"{name}: holds no audio track")
    track = container.streams.audio[0]
    codec = track.codec_context
    if not codec or not codec.sample_rate or not codec.channels:
        raise AudioError(f"{name}: its audio track is in no format that FFmpeg can decode")
    rate, channels, layout = codec.sample_rate, codec.channels, codec.layout
    length = None
    if track.duration and track.time_base:
        length = int(track.duration * track.time_base * rate)
    elif container.duration:
        length = int(container.duration / av.time_base * rate)

    def blocks() -> Iterator[Float32]:
        # channels side by side: of planes PyAV reaches but eight, and crashes at the ninth
        packed = av.AudioResampler("flt", layout, rate)
        done = 0
        failure: Exception | None = None
        with container:
            packets = container.demux(track)
            while True:
                try:
                    packet = next(packets)
                    frames = [f for frame in packet.decode() for f in packed.resample(frame)]
                except StopIteration:
                    break
                except (av.InvalidDataError, av.EOFError) as error:  # skip what is damaged, as players do
                    failure = error
                    continue
                except (av.FFmpegError, ValueError) as error:
                    failure = error
                    break
                for frame in frames:
                    block = np.array(frame.to_ndarray().reshape(-1, channels), np.float32)
                    done += len(block)
                    yield block
        failure = whole.failure or failure
        if length and done < length - rate:
            failure = failure or EOFError(f"{length / rate:.2f} s were announced")
        if failure and not (done or whole.failure or file.seekable()):
            raise AudioError(f"{name}: cannot be read from a pipe ({_reason(failure)}); give it as a file") from failure
        if failure:
            _damaged(name, done / rate, failure)

    depth = DEPTHS.get(codec.format.name.rstrip("p") if codec.format else "", "PCM_16")
    encoding = Encoding("", depth if codec.codec.lossless else "PCM_16", codec.codec.lossless)
    return Sound(name, rate, channels, length, blocks(), encoding)


def _damaged(name: str, seconds: float, error: Exception) -> None:
    """Say that only part could be read; an error where that part is nothing."""
    if not seconds:
        raise AudioError(f"{name}: no sound could be decoded ({_reason(error)})") from error
    warnings.warn(f"{name}: damaged, {seconds:.2f} s could be read ({_reason(error)})", AudioWarning, stacklevel=2)


def _reason(error: Exception) -> str:
    """The reason alone, without number and file name, on one line."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")
