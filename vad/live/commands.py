"""A program that is run for every utterance of a stream: without a shell, one run after the other."""

from __future__ import annotations

import queue
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from vad.batch.naming import fill_template
from vad.errors import SettingError
from vad.segments import Segment

FIELDS = ("file", "start", "end", "duration")


class CommandRunner:
    """Runs `command` with the fields of an utterance filled in, in a thread of its own.

    `command` is split into words as a shell splits it, and the fields are filled in after that, so
    that a value cannot become another word. `on_error` is called with one line for each run that
    fails, `on_done` with the file of each run that has ended. Raises `SettingError` where `command`
    is not a command.
    """

    def __init__(self, command: str, on_error: Callable[[str], None], on_done: Callable[[Path], None]) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SettingError(f"command {command}: {error}; close the quote", "command") from error
        if not self._words:
            raise SettingError("command: is empty; name a program, like 'whisper {file}'", "command")
        program = self._fill(Path("a.wav"), Segment(0.0, 1.0))[0]
        if program == self._words[0] and not shutil.which(program):
            raise SettingError(f"command {command}: no program {program}; name one that is installed", "command")
        self._on_error, self._on_done = on_error, on_done
        self._queue: queue.Queue[tuple[Path, Segment] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def run(self, path: Path, segment: Segment) -> None:
        """Add a run for the utterance in `path` to the queue."""
        self._queue.put((path, segment))

    def close(self) -> None:
        """Wait until the queue is empty and the last run has ended."""
        self._queue.put(None)
        self._thread.join()

    def _fill(self, path: Path, segment: Segment) -> list[str]:
        values = (str(path), f"{segment.start:.3f}", f"{segment.end:.3f}", f"{segment.duration:.3f}")
        fields = dict(zip(FIELDS, values, strict=True))
        return [fill_template(word, fields, "command") for word in self._words]

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            words = self._fill(*item)
            try:
                # its output goes to standard error, as standard output holds events; Ctrl-C is for the stream alone
                done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=2, check=False, start_new_session=True)
                if done.returncode:
                    self._on_error(f"{words[0]} ended with status {done.returncode}")
            except OSError as error:
                self._on_error(f"{words[0]} cannot be run ({error.strerror})")
            self._on_done(item[0])
