"""Blocks of samples of any type, rate and channel count to float32 rows at the rate of the model.

Each recording or stream has one `Resampler`, which holds the state. Its samples do not depend on how
the input is divided into blocks.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import warnings
from typing import Any, Literal, TypeGuard

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from vad.errors import AudioError, SettingError, reason
from vad.features import Float32
from vad.settings import DTYPES, Raw

Channel = Literal["mix", "each"] | int

RATES = (1_000, 1_000_000)  # Hz, the lowest and the highest sample rate
CHANNELS = 1024  # the most that libsndfile reads
FEW_CHANNELS = 32  # an array with more may be (channel, sample), as torchaudio gives it
QUALITY = "HQ"
PAIRWISE = 8  # elements from which numpy adds a row in pairs
MAX_SAMPLE = 1e12  # above unscaled 32-bit integers; larger values overflow when they are squared and summed


class AudioWarning(UserWarning):
    """Sound was used, but a part of it is missing or changed."""


class Resampler:
    """Turns blocks `(sample, channel)` float32 at `rate` into `(row, sample)` at `model_rate`.

    There is one row: the mean of all channels (`"mix"`) or channel N, counted from 1. With `"each"`
    there are `rows` rows, one for each channel. Samples that are NaN, infinite or above `MAX_SAMPLE`
    become 0, with one `AudioWarning`. Raises `SettingError` for a `channel` that is none of these.
    """

    def __init__(self, name: str, rate: int, model_rate: int, channel: Channel = "mix", rows: int = 1) -> None:
        self._name, self._rate, self._channel, self._rows = name, rate, to_channel(channel), rows
        self._soxr = None
        if rate != model_rate:
            self._soxr = soxr.ResampleStream(rate, model_rate, rows, "float32", QUALITY)
        self.samples = 0  # taken so far, per channel
        self._warned = False

    def push(self, block: Float32) -> Float32:
        """The samples `(row, sample)` that `block` completes."""
        chosen = self._select(block)
        self.samples += len(block)
        chosen = self._finite(chosen)
        resampled: Float32 = (self._soxr.resample_chunk(chosen) if self._soxr else chosen).T
        return resampled

    def finish(self) -> Float32:
        """The remaining samples `(row, sample)`."""
        rest = np.zeros((0, self._rows), np.float32)
        resampled: Float32 = (self._soxr.resample_chunk(rest, last=True) if self._soxr else rest).T
        return resampled

    def _select(self, block: Float32) -> Float32:
        """The selected channels of `(sample, channel)`, or the mean of all."""
        if isinstance(self._channel, int):
            if not 1 <= self._channel <= block.shape[1]:
                raise missing_channel(self._name, self._channel, block.shape[1])
            return block[:, self._channel - 1 : self._channel]
        if self._channel == "mix" and block.shape[1] > 1:
            return mean_channel(block)
        return block

    def _finite(self, block: Float32) -> Float32:
        """`block` with 0 for NaN, infinite and too large samples; the first of them give a warning."""
        bad = ~(np.abs(block) < MAX_SAMPLE)
        if not bad.any():
            return block
        if not self._warned:
            self._warned = True
            place = f"the first before {self.samples / self._rate:.2f} s"
            text = f"{self._name}: NaN or infinite samples count as silence, {place}"
            warnings.warn(text, AudioWarning, stacklevel=2)
        return np.where(bad, np.float32(0), block)


class Conformer:
    """Turns blocks `(sample, channel)` of one rate and channel count into those of another.

    It is for a part of a recording in another format, as in files that are joined. Where the counts
    differ, every channel is the mean of all channels.
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int]) -> None:
        """`source` and `target` are a sample rate in Hz and a channel count each."""
        self._mixes, self._channels = source[1] != target[1], target[1]
        self._soxr = None
        if source[0] != target[0]:
            self._soxr = soxr.ResampleStream(source[0], target[0], target[1], "float32", QUALITY)

    def push(self, block: Float32) -> Float32:
        """The samples `(sample, channel)` that `block` completes."""
        if self._mixes:
            block = np.repeat(mean_channel(block), self._channels, axis=1)
        if self._soxr is None:
            return block
        resampled: Float32 = self._soxr.resample_chunk(np.ascontiguousarray(block))
        return resampled

    def finish(self) -> Float32:
        """The remaining samples `(sample, channel)`."""
        rest = np.zeros((0, self._channels), np.float32)
        resampled: Float32 = self._soxr.resample_chunk(rest, last=True) if self._soxr else rest
        return resampled


def mean_channel(block: Float32) -> Float32:
    """The mean of the channels of `(sample, channel)`, as `(sample, 1)`."""
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite mean is silenced by `Resampler`
        if block.shape[1] >= PAIRWISE:
            many: Float32 = np.ascontiguousarray(block).mean(1, keepdims=True)
            return many
        total = block[:, :1].copy()  # by columns: thirty times as fast as numpy's mean of short rows, and equal
        for number in range(1, block.shape[1]):
            total += block[:, number : number + 1]
        total /= np.float32(block.shape[1])
        return total


def to_channel(channel: Channel) -> Channel:
    """`channel` with a number of any type as an int; `SettingError` where it is no channel."""
    if isinstance(channel, str):
        if channel in ("mix", "each"):
            return channel
    else:
        with contextlib.suppress(TypeError):
            return operator.index(channel)
    raise SettingError(f'channel={channel!r}: give "mix", "each" or a number from 1', "channel")


def missing_channel(name: str, channel: int, channels: int) -> AudioError:
    """The error for a channel that a recording does not have."""
    return AudioError(f"{name}: no channel {channel}; it has {channels}, counted from 1")


@functools.lru_cache(64)
def resampling_delay(rate: int, model_rate: int) -> float:
    """The longest time in seconds by which resampling delays a sample; soxr works in blocks of its own."""
    if rate == model_rate:
        return 0.0
    resampler = soxr.ResampleStream(rate, model_rate, 1, "float32", QUALITY)
    step = max(1, rate // 1000)
    piece = np.zeros((step, 1), np.float32)
    returned, delay = 0, 0.0
    for taken in range(step, 3 * rate, step):
        delay = max(delay, taken / rate - returned / model_rate)
        returned += len(resampler.resample_chunk(piece))
    return delay


def check_rate(name: str, rate: float) -> int:
    """`rate` rounded to whole Hz; `AudioError` where it is outside `RATES`."""
    low, high = RATES
    if not low <= rate <= high:
        raise AudioError(f"{name}: a sample rate of {rate} Hz; give a sample_rate from {low} to {high} Hz")
    return round(rate)


def is_bytes(samples: object) -> TypeGuard[bytes | bytearray | memoryview]:
    """Whether `samples` are bytes, which do not tell the type of the samples, as a memoryview of another type does.

    So are other buffers of bytes, like those of sounddevice, ctypes and mmap, but not an array of uint8.
    """
    if hasattr(samples, "dtype"):
        return False
    try:
        return memoryview(samples).format[-1] in "Bbc"  # type: ignore[arg-type]
    except TypeError:  # no buffer
        return False


def to_array(samples: ArrayLike, name: str) -> NDArray[Any]:
    """Samples `(sample,)` or `(sample, channel)` of a known type as an array `(sample, channel)`.

    Raises `AudioError` where they are anything else.
    """
    if is_bytes(samples):
        remedy = "give an array, like numpy.frombuffer(samples, 'int16')"
        raise AudioError(f"{name}: bytes do not tell their sample type; {remedy}")
    try:
        array = np.asarray(samples)
    except (ValueError, TypeError, RuntimeError) as error:  # the last two: tensors that numpy cannot hold
        raise AudioError(f"{name}: not an array ({reason(error)}); give (sample,) or (sample, channel)") from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.shape[1]:
        raise AudioError(f"{name}: an array of shape {array.shape}; give (sample,) or (sample, channel)")
    if array.dtype.name not in (*DTYPES, "float16"):
        raise AudioError(f"{name}: dtype {array.dtype}; give one of float16, {', '.join(DTYPES)}")
    return array


def to_float(array: NDArray[Any]) -> Float32:
    """Samples of any depth as float32 of -1..1."""
    if array.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, then 0
            return array.astype(np.float32)
    scaled: Float32 = np.multiply(array, -1 / np.float32(np.iinfo(array.dtype).min or -128), dtype=np.float32)
    return scaled - np.float32(1) if array.dtype.kind == "u" else scaled


def to_int16(samples: Float32) -> NDArray[np.int16]:
    """Samples of -1..1 as 16-bit integers, the nearest ones; what is beyond is clipped."""
    scaled: Float32 = np.rint(samples * np.float32(32768))
    return scaled.clip(-32768, 32767).astype(np.int16)


def from_bytes(data: bytes, dtype: str, channels: int) -> tuple[Float32, bytes]:
    """The whole samples `(sample, channel)` in little-endian `data`, and the bytes that remain."""
    kind = np.dtype(dtype).newbyteorder("<")
    size = kind.itemsize * channels
    whole = len(data) // size * size
    return to_float(np.frombuffer(data[:whole], kind).reshape(-1, channels)), data[whole:]


def incomplete(name: str, rest: bytes, raw: Raw) -> None:
    """Warn that bare samples end with `rest`, which is not a sample of all channels."""
    size = np.dtype(raw.dtype).itemsize * raw.channels
    warnings.warn(
        f"{name}: ends within a sample, with {len(rest)} of its {size} bytes; "
        f"check the number of channels ({raw.channels}) and the sample type ({raw.dtype})",
        AudioWarning,
        stacklevel=2,
    )


def check_raw(name: str, dtype: str, channels: int) -> None:
    """Raise `AudioError` for a sample type or a channel count that raw bytes cannot have."""
    if dtype not in DTYPES:
        raise AudioError(f"{name}: no sample type {dtype!r}; valid are {', '.join(DTYPES)}")
    if not 1 <= channels <= CHANNELS:
        raise AudioError(f"{name}: {channels} channels; give a number from 1 to {CHANNELS}")
