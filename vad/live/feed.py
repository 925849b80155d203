"""Sound that is waited for: blocks of a file or pipe from a thread, so that waiting can be broken off."""

from __future__ import annotations

import contextlib
import io
import queue
import sys
import threading
import time
from typing import BinaryIO, Protocol

import numpy as np

from vad.audio.decode import Sound
from vad.errors import VadError
from vad.features import Float32

END = np.empty((0, 1), np.float32)
WAITING = 8  # blocks that may lie between reading and working


class Source(Protocol):
    """Where a stream's sound comes from: a `Feed` or a `Microphone`."""

    name: str
    sample_rate: int

    def read(self, timeout: float = ...) -> Float32 | None:
        """The next block `(sample, channel)`, of no length at the end; None where none came in time."""

    def close(self) -> None:
        """Let go of it."""


class Feed:
    """The blocks of a `Sound`, at the pace of the sound itself where `realtime` says so.

    Blocks are at most `piece` seconds long. The thread waits while nobody reads, so nothing is lost.
    """

    def __init__(self, sound: Sound, realtime: bool = False, piece: float = 0.02) -> None:
        self.name, self.sample_rate = sound.name, sound.sample_rate
        self._sound, self._realtime = sound, realtime
        self._piece = max(1, round(piece * sound.sample_rate))
        self._blocks: queue.Queue[Float32 | Exception] = queue.Queue(WAITING)
        self._closed = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def read(self, timeout: float = 0.1) -> Float32 | None:
        """The next block `(sample, channel)`, of no length at the end; None where none came in time.

        Raises what reading raised.
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

    def _work(self) -> None:
        try:
            started, sent = time.monotonic(), 0
            for block in self._sound.originals():
                for at in range(0, len(block), self._piece):
                    piece = block[at : at + self._piece]
                    sent += len(piece)
                    if self._realtime:  # a sound is there when it has ended
                        self._closed.wait(max(0.0, started + sent / self.sample_rate - time.monotonic()))
                    self._put(piece)
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


def standard_input() -> BinaryIO:
    """Standard input, giving what has come instead of waiting until a buffer is full."""
    try:
        file = io.FileIO(sys.stdin.fileno(), closefd=False)
    except (OSError, ValueError):  # not a file of the system
        return sys.stdin.buffer
    file.name = "stdin"
    return file
