"""A program that is run for every utterance of a stream: without a shell, one run after the other."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from vad.batch.naming import fill_template
from vad.errors import SettingError
from vad.segments import Segment

TIMEOUT = 600.0  # seconds for one run
FIELDS = ("file", "start", "end", "duration")


class CommandRunner:
    """Runs `command` with the fields of an utterance filled in, in a thread of its own.

    `command` is split into words as a shell splits it, and the fields are filled in after that, so
    that a value cannot become another word. `on_error` is called with one line for each run that
    fails or takes more than `timeout` seconds, `on_done` with the file of each run that has ended.
    Raises `SettingError` where `command` is not a command.
    """

    def __init__(
        self,
        command: str,
        on_error: Callable[[str], None],
        on_done: Callable[[Path], None],
        timeout: float = TIMEOUT,
    ) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SettingError(f"command {command}: {error}; close the quote", "command") from error
        if not self._words:
            raise SettingError("command: is empty; name a program, like 'whisper {file}'", "command")
        program = self._fill(Path("a.wav"), Segment(0.0, 1.0))[0]
        if program == self._words[0] and not shutil.which(program):
            raise SettingError(f"command {command}: no program {program}; name one that is installed", "command")
        self._on_error, self._on_done, self._timeout = on_error, on_done, timeout
        self._running: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._queue: queue.Queue[tuple[Path, Segment] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __enter__(self) -> CommandRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind and not issubclass(kind, Exception):  # an interrupt: nobody waits
            self.kill()
        self.close()

    @property
    def waiting(self) -> int:
        """How many runs have not ended."""
        return self._queue.unfinished_tasks

    def run(self, path: Path, segment: Segment) -> None:
        """Add a run for the utterance in `path` to the queue."""
        self._queue.put((path, segment))

    def close(self) -> None:
        """Wait until the queue is empty and the last run has ended; an interrupt ends the program that runs."""
        self._queue.put(None)
        try:
            self._thread.join()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End the program that runs, with the programs that it has started, and run no more."""
        self._killed = True
        if running := self._running:  # its thread may set it to None meanwhile
            _kill(running)

    def _fill(self, path: Path, segment: Segment) -> list[str]:
        values = (str(path), f"{segment.start:.3f}", f"{segment.end:.3f}", f"{segment.duration:.3f}")
        fields = dict(zip(FIELDS, values, strict=True))
        return [fill_template(word, fields, "command") for word in self._words]

    def _work(self) -> None:
        while (item := self._queue.get()) is not None and not self._killed:
            words = self._fill(*item)
            try:
                self._run(words)
            except OSError as error:
                self._on_error(f"{words[0]} cannot be run ({error.strerror})")
            if not self._killed:
                self._on_done(item[0])
            self._queue.task_done()

    def _run(self, words: list[str]) -> None:
        # its output goes to standard error, as standard output holds events; Ctrl-C is for the stream alone
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True) as process:
            self._running = process
            try:
                status = process.wait(0 if self._killed else self._timeout)
            except subprocess.TimeoutExpired:
                _kill(process)
                if not self._killed:
                    self._on_error(f"{words[0]} has taken more than {self._timeout:g} s, and is ended")
                return
            finally:
                self._running = None
        if status and not self._killed:
            self._on_error(f"{words[0]} ended with status {status}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it has started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
