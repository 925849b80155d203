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
from typing import Any, BinaryIO, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import ArrayLike, NDArray

from vad.errors import AudioError
from vad.features import Float32
from vad.settings import DTYPES, Raw

Channel = Literal["mix", "each"] | int

BLOCK = 1 << 16  # samples read at once
RATES = (1_000, 1_000_000)  # Hz that can sensibly be resampled
MPEG = (".mp2", ".mp3", ".mpga")  # FFmpeg leaves out what the encoder added, and notices truncation


class AudioWarning(UserWarning):
    """Sound that could be used, but not all of it as it was."""


@dataclass
class Sound:
    """An opened recording, to be read once from its beginning to its end."""

    name: str
    sample_rate: int
    channels: int
    length: int | None  # samples per channel where the container says so
    _blocks: Iterator[Float32]  # (sample, channel)
    samples: int = 0  # per channel, read so far

    @property
    def duration(self) -> float:
        """Seconds read so far; all of the recording once its blocks are used up."""
        return self.samples / self.sample_rate

    def rows(self, channel: Channel) -> int:
        """How many rows `blocks(..., channel)` gives; `AudioError` where there is no such channel."""
        if isinstance(channel, int) and not 1 <= channel <= self.channels:
            raise AudioError(f"{self.name}: no channel {channel}; it has {self.channels}, counted from 1")
        return self.channels if channel == "each" else 1

    def blocks(self, sample_rate: int, channel: Channel = "mix") -> Iterator[Float32]:
        """Blocks `(row, sample)` at `sample_rate`, resampled by soxr where the rates differ.

        One row: the mean of all channels (`"mix"`) or channel N counted from 1; with `"each"` a
        row per channel.
        """
        rows = self.rows(channel)
        resampler = None
        if self.sample_rate != sample_rate:
            resampler = soxr.ResampleStream(self.sample_rate, sample_rate, rows, "float32", "HQ")
        for block in self._blocks:
            self.samples += len(block)
            chosen = _finite(_select(block, channel), self)
            yield (resampler.resample_chunk(chosen) if resampler else chosen).T
        if resampler:
            yield resampler.resample_chunk(np.zeros((0, rows), np.float32), last=True).T


def open_sound(source: str | Path | BinaryIO, raw: Raw | None = None) -> Sound:
    """Open a file by its path, or a pipe as a binary file object; `raw` where it is bare samples.

    Raises `AudioError` where it is missing, unreadable, empty, or not sound.
    """
    if isinstance(source, (str, Path)):
        sound = _open_path(Path(source), raw)
    else:
        name = str(getattr(source, "name", "stream")).strip("<>")
        sound = _open_raw(source, name, raw) if raw else _open_av(source, name)
    low, high = RATES
    if not low <= sound.sample_rate <= high:
        raise AudioError(
            f"{sound.name}: a sample rate of {sound.sample_rate} Hz; rates from {low} to {high} Hz are supported"
        )
    return sound


def from_array(samples: ArrayLike, sample_rate: float, name: str = "samples") -> Sound:
    """An array `(sample,)` or `(sample, channel)` as a `Sound`; integers are scaled to -1..1."""
    try:
        array = np.asarray(samples)
    except ValueError as error:
        raise AudioError(f"{name}: not an array ({error}); give (sample,) or (sample, channel)") from error
    if array.ndim == 1:
        array = array[:, None]
    low, high = RATES
    if array.ndim != 2 or not array.shape[1]:
        raise AudioError(f"{name}: an array of shape {array.shape}; give (sample,) or (sample, channel)")
    if not low <= sample_rate <= high:
        raise AudioError(f"{name}: sample_rate={sample_rate}; rates from {low} to {high} Hz are supported")
    if array.dtype.name not in (*DTYPES, "float16"):
        raise AudioError(f"{name}: dtype {array.dtype}; give one of float16, {', '.join(DTYPES)}")
    blocks = (_to_float(array[i : i + BLOCK]) for i in range(0, len(array), BLOCK))
    return Sound(name, int(sample_rate), array.shape[1], len(array), blocks)


def read(path: Path, sample_rate: int, channel: Channel = "mix") -> Float32:
    """A whole recording as `(sample,)` float32 at `sample_rate`."""
    blocks = [block[0] for block in open_sound(path).blocks(sample_rate, channel)]
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


def _select(block: Float32, channel: Channel) -> Float32:
    """The channels of `(sample, channel)` that are asked for, or their mean."""
    if isinstance(channel, int):
        return block[:, channel - 1 : channel]
    if channel == "mix" and block.shape[1] > 1:
        mean: Float32 = block.mean(1, keepdims=True)
        return mean
    return block


def _finite(block: Float32, sound: Sound) -> Float32:
    """`block` with NaN and infinite samples silenced, which is said."""
    bad = ~np.isfinite(block)
    if not bad.any():
        return block
    warnings.warn(
        f"{sound.name}: NaN or infinite samples before {sound.duration:.2f} s count as silence",
        AudioWarning,
        stacklevel=2,
    )
    return np.where(bad, np.float32(0), block)


def _to_float(array: NDArray[Any]) -> Float32:
    """Samples of any depth as float32 of -1..1."""
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is silenced
            return array.astype(np.float32)
    scaled = array.astype(np.float32) / -np.float32(np.iinfo(array.dtype).min or -128)
    return scaled - np.float32(1) if array.dtype.kind == "u" else scaled


def _open_raw(file: BinaryIO, name: str, raw: Raw) -> Sound:
    if raw.dtype not in DTYPES:
        raise AudioError(f"{name}: no sample type {raw.dtype!r}; valid are {', '.join(DTYPES)}")
    if raw.channels < 1:
        raise AudioError(f"{name}: {raw.channels} channels; there must be at least one")
    dtype = np.dtype(raw.dtype).newbyteorder("<")
    size = dtype.itemsize * raw.channels

    def blocks() -> Iterator[Float32]:
        rest = b""
        while data := file.read(BLOCK * size):
            data = rest + data
            whole = len(data) // size * size
            rest = data[whole:]
            yield _to_float(np.frombuffer(data[:whole], dtype).reshape(-1, raw.channels))

    return Sound(name, raw.sample_rate, raw.channels, None, blocks())


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """Read from beginning to end: seeking after each block, as the base does, breaks MP3 and slows Ogg."""

    def seekable(self) -> bool:
        return False


def _open_path(path: Path, raw: Raw | None) -> Sound:
    """A file by libsndfile or else by FFmpeg; what is no ordinary file as a pipe."""
    try:
        file = path.open("rb")
        empty = file.seekable() and not file.read(1)
    except (OSError, ValueError) as error:
        raise AudioError(f"{path}: {_reason(error)}; name a readable sound file") from error
    if empty:
        raise AudioError(f"{path}: the file is empty; name one that holds sound")
    if file.seekable():
        file.seek(0)
    if raw:
        return _open_raw(file, str(path), raw)
    if not file.seekable() or path.suffix.lower() in MPEG:
        return _open_av(file, str(path))
    try:
        sound = _Forward(os.fsencode(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: it takes a name in .raw for bare samples
        return _open_av(file, str(path))
    file.close()
    return _from_libsndfile(sound, str(path))


def _from_libsndfile(file: _Forward, name: str) -> Sound:
    length = file.frames if file.frames < 1 << 60 else None  # a header written to a pipe may not know

    def blocks() -> Iterator[Float32]:
        done = 0
        with file:
            while True:
                buffer = np.zeros((BLOCK, file.channels), np.float32)
                try:
                    block = file.read(out=buffer)
                except soundfile.LibsndfileError as error:
                    block = buffer[: max(0, file.tell() - done)]  # what was decoded before the damage
                    done += len(block)
                    yield block
                    _damaged(name, done / file.samplerate, error)
                    return
                if not len(block):
                    return
                done += len(block)
                yield block

    return Sound(name, file.samplerate, file.channels, length, blocks())


def _open_av(file: BinaryIO, name: str) -> Sound:
    """By FFmpeg: the first audio track of any container."""
    import av  # half the start-up time of a program that needs it only now and then

    # tags need not be Unicode: what PyAV 19 takes for granted, older ones have to be told
    lenient: dict[str, Any] = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "ignore"}
    try:
        container = av.open(file, "r", **lenient)
    except (av.FFmpegError, ValueError) as error:
        raise AudioError(f"{name}: not a sound file that libsndfile or FFmpeg can read ({_reason(error)})") from error
    if not container.streams.audio:
        raise AudioError(f"{name}: holds no audio track")
    track = container.streams.audio[0]
    codec = track.codec_context
    if not codec or not codec.sample_rate or not codec.channels:
        raise AudioError(f"{name}: its audio track is in no format that FFmpeg can decode")
    rate = codec.sample_rate
    length = None
    if track.duration and track.time_base:
        length = int(track.duration * track.time_base * rate)
    elif container.duration:
        length = int(container.duration / av.time_base * rate)

    def blocks() -> Iterator[Float32]:
        planar = av.AudioResampler("fltp", codec.layout, rate)
        done = 0
        failure: Exception | None = None
        with container:
            packets = container.demux(track)
            while True:
                try:
                    packet = next(packets)
                    frames = [f for frame in packet.decode() for f in planar.resample(frame)]
                except StopIteration:
                    break
                except (av.InvalidDataError, av.EOFError) as error:  # skip what is damaged, as players do
                    failure = error
                    continue
                except (av.FFmpegError, ValueError) as error:
                    failure = error
                    break
                for frame in frames:
                    block = np.ascontiguousarray(frame.to_ndarray().T, np.float32)
                    done += len(block)
                    yield block
        if length and done < length - rate:
            failure = failure or EOFError(f"{length / rate:.2f} s were announced")
        if failure and not (done or file.seekable()):
            raise AudioError(f"{name}: cannot be read from a pipe ({_reason(failure)}); give it as a file") from failure
        if failure:
            _damaged(name, done / rate, failure)

    return Sound(name, rate, codec.channels, length, blocks())


def _damaged(name: str, seconds: float, error: Exception) -> None:
    """Say that only part could be read; an error where that part is nothing."""
    if not seconds:
        raise AudioError(f"{name}: no sound could be decoded ({_reason(error)})") from error
    warnings.warn(f"{name}: damaged, {seconds:.2f} s could be read ({_reason(error)})", AudioWarning, stacklevel=2)


def _reason(error: Exception) -> str:
    """The reason alone, without number and file name, on one line."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")
