"""A program to be run for every utterance, beside the stream: no shell, one after the other."""

from __future__ import annotations

import queue
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from vad.batch.naming import fill
from vad.errors import SettingError
from vad.segments import Segment

FIELDS = ("file", "start", "end", "duration")


class Commands:
    """Runs `command` with the fields of an utterance filled in, in a thread of its own.

    `command` is divided into words as a shell would, and then no shell sees it: what a field
    holds stays within its word. `failed` is called with a line where a run went wrong, `done` with
    the file of every run that ended. Raises `SettingError` where the command is none.
    """

    def __init__(self, command: str, failed: Callable[[str], None], done: Callable[[Path], None]) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise SettingError(f"--exec {command}: {error}; close the quote") from error
        if not self._words:
            raise SettingError("--exec: name a program, like --exec 'whisper {file}'")
        program = self._fill(Path("a.wav"), Segment(0.0, 1.0))[0]
        if program == self._words[0] and not shutil.which(program):
            raise SettingError(f"--exec {command}: there is no program {program}; name one that is installed")
        self._failed, self._done = failed, done
        self._queue: queue.Queue[tuple[Path, Segment] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def run(self, path: Path, segment: Segment) -> None:
        """Have the command run when those before are done."""
        self._queue.put((path, segment))

    def close(self) -> None:
        """Wait for the commands that are still to run."""
        self._queue.put(None)
        self._thread.join()

    def _fill(self, path: Path, segment: Segment) -> list[str]:
        values = (str(path), f"{segment.start:.3f}", f"{segment.end:.3f}", f"{segment.duration:.3f}")
        fields = dict(zip(FIELDS, values, strict=True))
        return [fill(word, fields, "--exec ") for word in self._words]

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            words = self._fill(*item)
            try:
                # its output joins the talk, results stay alone; Ctrl-C is for the stream
                done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=2, check=False, start_new_session=True)
                if done.returncode:
                    self._failed(f"--exec: {words[0]} ended with status {done.returncode}")
            except OSError as error:
                self._failed(f"--exec: {words[0]} cannot be run ({error.strerror})")
            self._done(item[0])
