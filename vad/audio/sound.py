"""An opened recording, and what all that decode say of damage."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from vad.audio.encode import PLAIN, Encoding
from vad.audio.resample import AudioWarning, Channel, Resampler, missing_channel
from vad.errors import AudioError
from vad.features import Float32


@dataclass
class Sound:
    """An opened recording, to be read once from its beginning to its end."""

    name: str
    sample_rate: int
    channels: int
    length: int | None  # samples per channel where the container says so
    _blocks: Iterator[Float32]  # (sample, channel)
    encoding: Encoding = PLAIN  # of the file
    samples: int = 0  # per channel, read so far

    @property
    def duration(self) -> float:
        """Seconds read so far; all of the recording once its blocks are used up."""
        return self.samples / self.sample_rate

    @property
    def share(self) -> float | None:
        """How much of the recording has been read, 0..1; None where its length is not known."""
        return min(1.0, self.samples / self.length) if self.length else None

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
        resampler = Resampler(self.name, self.sample_rate, sample_rate, channel, self.rows(channel))
        for block in self._blocks:
            self.samples += len(block)
            yield resampler.push(block)
        if self.sample_rate != sample_rate:
            yield resampler.finish()

    def native_blocks(self) -> Iterator[Float32]:
        """Blocks `(sample, channel)` as they were recorded: at `self.sample_rate`, all channels.

        They are float32, or of the file's own type where the sound was opened by `open_native`.
        """
        for block in self._blocks:
            self.samples += len(block)
            yield block


class ReadUntilError:
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


def damaged(name: str, seconds: float, error: Exception) -> None:
    """Say that only part could be read; an error where that part is nothing."""
    if not seconds:
        raise AudioError(f"{name}: no sound could be decoded ({reason(error)})") from error
    warnings.warn(f"{name}: damaged, {seconds:.2f} s could be read ({reason(error)})", AudioWarning, stacklevel=2)


def reason(error: Exception) -> str:
    """The reason alone, without number and file name, on one line."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".")
