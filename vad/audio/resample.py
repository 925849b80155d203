"""Blocks of samples of any type, rate and number of channels to float32 rows at the model's rate.

One `Intake` per recording or stream: it holds the resampler's state, and gives the same samples
however they are cut.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, Literal

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from vad.errors import AudioError
from vad.features import Float32
from vad.settings import DTYPES

Channel = Literal["mix", "each"] | int

RATES = (1_000, 1_000_000)  # Hz that can sensibly be resampled
CHANNELS = 1024  # as many as a file can have
QUALITY = "HQ"
LOUDEST = 1e12  # whole numbers of 32 bits are below, should somebody not have scaled them


class AudioWarning(UserWarning):
    """Sound that could be used, but not all of it as it was."""


class Intake:
    """Takes blocks `(sample, channel)` float32 at `rate`, gives `(row, sample)` at `model_rate`.

    One row: the mean of all channels (`"mix"`) or channel N counted from 1; with `"each"` as many
    rows as `rows` says. What is not finite, or beyond all measure, is silenced, with an `AudioWarning`.
    """

    def __init__(self, name: str, rate: int, model_rate: int, channel: Channel = "mix", rows: int = 1) -> None:
        self._name, self._rate, self._channel, self._rows = name, rate, channel, rows
        self._resampler = None
        if rate != model_rate:
            self._resampler = soxr.ResampleStream(rate, model_rate, rows, "float32", QUALITY)
        self.samples = 0  # taken, per channel

    def push(self, block: Float32) -> Float32:
        """The samples `(row, sample)` that `block` completes."""
        self.samples += len(block)
        chosen = self._finite(self._select(block))
        resampled: Float32 = (self._resampler.resample_chunk(chosen) if self._resampler else chosen).T
        return resampled

    def finish(self) -> Float32:
        """The samples still owed, `(row, sample)`."""
        rest = np.zeros((0, self._rows), np.float32)
        resampled: Float32 = (self._resampler.resample_chunk(rest, last=True) if self._resampler else rest).T
        return resampled

    def _select(self, block: Float32) -> Float32:
        """The channels of `(sample, channel)` that are asked for, or their mean."""
        if isinstance(self._channel, int):
            if not 1 <= self._channel <= block.shape[1]:
                raise missing_channel(self._name, self._channel, block.shape[1])
            return block[:, self._channel - 1 : self._channel]
        if self._channel == "mix" and block.shape[1] > 1:
            with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is silenced
                mean: Float32 = block.mean(1, keepdims=True)
            return mean
        return block

    def _finite(self, block: Float32) -> Float32:
        """`block` with samples silenced that are NaN, infinite, or too large to be squared and summed; that is said."""
        bad = ~(np.abs(block) < LOUDEST)
        if not bad.any():
            return block
        warnings.warn(
            f"{self._name}: NaN or infinite samples before {self.samples / self._rate:.2f} s count as silence",
            AudioWarning,
            stacklevel=2,
        )
        return np.where(bad, np.float32(0), block)


def missing_channel(name: str, channel: int, channels: int) -> AudioError:
    """What to raise where there is no such channel."""
    return AudioError(f"{name}: no channel {channel}; it has {channels}, counted from 1")


@functools.lru_cache(64)
def resampling_delay(rate: int, model_rate: int) -> float:
    """By how many seconds resampling holds sound back at most; soxr works in blocks of its own."""
    if rate == model_rate:
        return 0.0
    resampler = soxr.ResampleStream(rate, model_rate, 1, "float32", QUALITY)
    step = max(1, rate // 1000)
    piece = np.zeros((step, 1), np.float32)
    given, delay = 0, 0.0
    for taken in range(step, 3 * rate, step):
        delay = max(delay, taken / rate - given / model_rate)
        given += len(resampler.resample_chunk(piece))
    return delay


def check_rate(name: str, rate: float) -> int:
    """`rate` in whole Hz; `AudioError` where it is no sample rate that can be used."""
    low, high = RATES
    if not low <= rate <= high:
        raise AudioError(f"{name}: a sample rate of {rate} Hz; give a sample_rate from {low} to {high} Hz")
    return int(rate)


def to_array(samples: ArrayLike, name: str) -> NDArray[Any]:
    """Samples `(sample,)` or `(sample, channel)` of a known type as an array `(sample, channel)`.

    Raises `AudioError` where they are anything else.
    """
    try:
        array = np.asarray(samples)
    except ValueError as error:
        raise AudioError(f"{name}: not an array ({error}); give (sample,) or (sample, channel)") from error
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
        with np.errstate(over="ignore", invalid="ignore"):  # what no float32 can be becomes none, and is silenced
            return array.astype(np.float32)
    scaled: Float32 = np.multiply(array, -1 / np.float32(np.iinfo(array.dtype).min or -128), dtype=np.float32)
    return scaled - np.float32(1) if array.dtype.kind == "u" else scaled


def from_bytes(data: bytes, dtype: str, channels: int) -> tuple[Float32, bytes]:
    """The whole samples `(sample, channel)` in little-endian `data`, and the bytes that remain."""
    kind = np.dtype(dtype).newbyteorder("<")
    size = kind.itemsize * channels
    whole = len(data) // size * size
    return to_float(np.frombuffer(data[:whole], kind).reshape(-1, channels)), data[whole:]


def check_raw(name: str, dtype: str, channels: int) -> None:
    """Raise `AudioError` where bare samples cannot be of this type, or so many channels."""
    if dtype not in DTYPES:
        raise AudioError(f"{name}: no sample type {dtype!r}; valid are {', '.join(DTYPES)}")
    if not 1 <= channels <= CHANNELS:
        raise AudioError(f"{name}: {channels} channels; give a number from 1 to {CHANNELS}")
