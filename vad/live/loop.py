"""The loop of a live stream: a source of sound, read without blocking for ever, pushed into a `Stream`."""

from __future__ import annotations

import contextlib
import io
import math
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np

from vad.audio.decode import Sound
from vad.errors import SettingError, VadError
from vad.events import End, Event
from vad.features import Float32
from vad.segmenter import State
from vad.stream import Stream

POLL = 0.1  # seconds between two checks of whether to stop
BLOCK_SECONDS = 0.02  # the longest block that a `SoundReader` gives
QUEUE_BLOCKS = 8  # blocks decoded ahead of the stream
END = np.empty((0, 1), np.float32)


class Source(Protocol):
    """A source of live sound: a `SoundReader` or a `Microphone`."""

    name: str
    sample_rate: int
    channels: int

    def read(self, timeout: float = ...) -> Float32 | None:
        """The next block `(sample, channel)`, empty at the end; None when no block arrives in `timeout` seconds."""

    def close(self) -> None:
        """Release the source."""


class SoundReader:
    """Reads a file or a pipe in a thread, so that the caller can stop waiting for it.

    Blocks are at most `BLOCK_SECONDS` long. With `realtime`, each block is given when a live source
    would give it: at the end of its sound. The thread waits while the queue is full, so no sound is lost.
    """

    def __init__(self, sound: Sound, realtime: bool = False) -> None:
        self.name, self.sample_rate, self.channels = sound.name, sound.sample_rate, sound.channels
        self._sound, self._realtime = sound, realtime
        self._block_samples = max(1, round(BLOCK_SECONDS * sound.sample_rate))
        self._blocks: queue.Queue[Float32 | Exception] = queue.Queue(QUEUE_BLOCKS)
        self._closed = threading.Event()
        threading.Thread(target=self._decode, daemon=True).start()

    def read(self, timeout: float = 0.1) -> Float32 | None:
        """The next block `(sample, channel)`, empty at the end; None when no block arrives in `timeout` seconds.

        Raises the error that ended the thread.
        """
        try:
            block = self._blocks.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(block, Exception):
            raise block
        return block

    def close(self) -> None:
        """Stop reading."""
        self._closed.set()

    def _decode(self) -> None:
        try:
            started, sent = time.monotonic(), 0
            for decoded in self._sound.native_blocks():
                for at in range(0, len(decoded), self._block_samples):
                    block = decoded[at : at + self._block_samples]
                    sent += len(block)
                    if self._realtime:
                        self._closed.wait(max(0.0, started + sent / self.sample_rate - time.monotonic()))
                    self._put(block)
                    if self._closed.is_set():
                        return
        except (VadError, OSError) as error:
            self._put(error)
        finally:
            self._put(END)

    def _put(self, item: Float32 | Exception) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._blocks.put(item, timeout=0.1)
                return


@dataclass(frozen=True)
class Limits:
    """When a stream stops by itself, in seconds of sound."""

    max_duration: float = math.inf
    stop_after_silence: float = math.inf  # since the end of the last segment, or since the beginning

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise SettingError(f"{name}={value}: give seconds above 0", name)


def run(
    source: Source, stream: Stream, limits: Limits, stopped: Callable[[], bool]
) -> Iterator[tuple[Float32, list[Event]]]:
    """Blocks `(sample, channel)` of `source`, each with the events that it completes in `stream`.

    The loop ends with the source, at a limit, or when `stopped()` is true. The last block is empty
    and has the events of the end of the stream. An error of the source is raised after that.
    """
    failure: VadError | OSError | None = None
    speech_end = 0.0  # of the last segment
    channels = 1
    try:
        while not stopped():
            block = source.read(POLL)
            if block is None:
                continue
            if not len(block):
                break
            remaining = limits.max_duration - stream.duration
            if remaining < math.inf:
                block = block[: round(remaining * source.sample_rate)]
            channels = block.shape[1]
            events = stream.push(block)
            yield block, events
            speech_end = max([speech_end, *(e.segment.end for e in events if isinstance(e, End))])
            silent = stream.state is State.SILENCE and stream.scored - speech_end >= limits.stop_after_silence
            if silent or stream.duration >= limits.max_duration - 0.5 / source.sample_rate:
                break
    except (VadError, OSError) as error:
        failure = error
    yield np.empty((0, channels), np.float32), stream.finish()
    if failure:
        raise failure


def standard_input() -> BinaryIO:
    """Standard input, unbuffered: a read returns the bytes that have arrived, without filling a buffer first."""
    try:
        file = io.FileIO(sys.stdin.fileno(), closefd=False)
    except (OSError, ValueError):  # not a file of the operating system
        return sys.stdin.buffer
    file.name = "stdin"
    return file
