"""An opened recording, the file that it is read from, and the warnings that all decoders give."""

from __future__ import annotations

import contextlib
import select
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, BinaryIO

from vad.audio.encode import PLAIN, Encoding
from vad.audio.resample import AudioWarning, Channel, Resampler, missing_channel, to_channel
from vad.errors import AudioError, VadError, reason
from vad.features import Float32

COPY = 1 << 20  # bytes copied at once


@dataclass
class Sound:
    """An opened recording, to be read once; its file is closed at the end, or where reading stops."""

    name: str
    sample_rate: int
    channels: int
    length: int | None  # samples per channel where the container states it
    _blocks: Iterator[Float32]  # (sample, channel)
    encoding: Encoding = PLAIN  # of the file
    samples: int = 0  # per channel, read so far
    release: Callable[[], None] | None = field(default=None, repr=False)  # closes the file

    def __enter__(self) -> Sound:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, also before all of it is read."""
        if self.release:
            self.release()

    @property
    def duration(self) -> float:
        """Seconds read so far; the length of the recording once all blocks are read."""
        return self.samples / self.sample_rate

    @property
    def share(self) -> float | None:
        """The part of the recording that has been read, 0..1; None where the length is unknown."""
        return min(1.0, self.samples / self.length) if self.length else None

    def rows(self, channel: Channel) -> int:
        """How many rows `blocks(..., channel)` gives; `AudioError` for a channel that does not exist.

        Raises `SettingError` for what is no channel.
        """
        try:
            channel = to_channel(channel)
            if isinstance(channel, int) and not 1 <= channel <= self.channels:
                raise missing_channel(self.name, channel, self.channels)
        except VadError:
            self.close()
            raise
        return self.channels if channel == "each" else 1

    def blocks(self, sample_rate: int, channel: Channel = "mix") -> Iterator[Float32]:
        """Blocks `(row, sample)` at `sample_rate`, resampled by soxr where the rates differ.

        There is one row: the mean of all channels (`"mix"`) or channel N, counted from 1. With
        `"each"` there is a row for each channel.
        """
        resampler = Resampler(self.name, self.sample_rate, sample_rate, channel, self.rows(channel))
        for block in self.native_blocks():
            yield resampler.push(block)
        if self.sample_rate != sample_rate:
            yield resampler.finish()

    def native_blocks(self) -> Iterator[Float32]:
        """Blocks `(sample, channel)` with all channels, at `self.sample_rate`.

        They are float32, or have the type of the file's samples where `open_native` opened it.
        """
        try:
            for block in self._blocks:
                self.samples += len(block)
                yield block
        finally:
            self.close()


class ReadUntilError:
    """A file that ends where reading fails, and keeps the error: PyAV would print it, and lose what was read before.

    `close` closes the file where it is `owned`.
    """

    def __init__(self, file: BinaryIO, name: str, owned: bool) -> None:
        self.file, self._name, self._owned = file, name, owned
        self._peeked = b""
        self.failure: OSError | None = None

    def read(self, size: int = -1) -> bytes:
        """The bytes that have arrived, up to `size`; none at the end."""
        if self._peeked:
            content, self._peeked = self._peeked[:size], self._peeked[size:]
            return content
        try:
            return self.file.read(size)
        except OSError as error:
            self.failure = error
            return b""

    def peek(self, size: int) -> bytes:
        """The first bytes of a pipe, `size` of them where it holds so many; `read` gives them again."""
        while len(self._peeked) < size:
            kept, self._peeked = self._peeked, b""
            content = self.read(size - len(kept))
            self._peeked = kept + content
            if not content:
                break
        return self._peeked[:size]

    def refuse_empty(self) -> None:
        """Raise `AudioError` for a file or a pipe that ends before its first byte."""
        if self.seekable():
            at = self.tell()
            first = self.read(1)
            self.seek(at)
        else:
            first = self.peek(1)
        if not first and not self.failure:
            raise AudioError(f"{self._name}: the input is empty; give one that holds sound")

    def ready(self) -> bool:
        """Whether a read would return at once; False where the system cannot tell."""
        if self._peeked:
            return True
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return bool(select.select([self.file.fileno()], [], [], 0)[0])
        return False

    def spooled(self) -> ReadUntilError:
        """A copy of all the rest in a temporary file without a name, which can be read in any order."""
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the sound
        try:
            while content := self.read(COPY):
                copy.write(content)
            copy.seek(0)
        except OSError as error:
            copy.close()
            place = f"{self._name}: this format needs a copy in {tempfile.gettempdir()}"
            raise AudioError(f"{place}, which failed ({reason(error)}); give it as a file") from error
        spool = ReadUntilError(copy, self._name, owned=True)
        spool.failure = self.failure
        return spool

    def close(self) -> None:
        """Close the file where it is owned."""
        if self._owned:
            self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def damaged(name: str, seconds: float, error: Exception) -> None:
    """Warn that a part could not be read; raise `AudioError` where nothing could."""
    if not seconds:
        raise AudioError(f"{name}: no sound could be decoded ({reason(error)})") from error
    warnings.warn(f"{name}: damaged, {seconds:.2f} s could be read ({reason(error)})", AudioWarning, stacklevel=2)


def silence_filled(name: str, seconds: float) -> None:
    """Warn that the time stamps of a container have gaps."""
    warnings.warn(
        f"{name}: the time stamps leave {seconds:.2f} s without sound, which count as silence",
        AudioWarning,
        stacklevel=2,
    )
