"""The recordings that a long run has finished, in a file that stays usable whenever the run is killed.

JSON lines: the first holds what the results depend on, every other a recording with its labels as
they will be written. Only whole lines count, so the last one may be cut short.
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from vad.atomic import lock
from vad.errors import SettingError


class Journal:
    """The journal at `path`, new with the line `head` or, with `resume`, continued. A context manager.

    Raises `SettingError` where a journal exists and `resume` is false, where its head is another,
    and where another run is writing it. A journal without recordings is removed at the end.
    """

    def __init__(self, path: Path, head: dict[str, Any], resume: bool) -> None:
        self.path = path
        self.failed: OSError | None = None  # why nothing more can be added
        self._places: dict[str, int] = {}  # where the line of each recording begins
        self._end = 0
        self._head = (json.dumps(head) + "\n").encode("ascii")
        if path.exists() and not resume:
            raise SettingError(f"{path}: left by an interrupted run; continue it with resume, or delete it", "resume")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._read()

    def _open(self) -> IO[bytes]:
        """The file, locked; of two runs that start at once, one gets it."""
        with contextlib.suppress(FileExistsError, FileNotFoundError):  # another run just made it, or removed it
            file = self.path.open("r+b" if self.path.exists() else "x+b")
            if lock(file) is not False and os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                return file
            file.close()
        raise SettingError(f"{self.path}: another run is writing it; wait for that run, or end it")

    def _read(self) -> None:
        head = self._file.readline()
        if not head.endswith(b"\n"):  # new, or killed within its first line
            head = self._head
            self._file.seek(0)
            self._file.write(head)
        if head != self._head:
            self._file.close()
            raise SettingError(f"{self.path}: its run had other settings; use those, or delete it to start over")
        self._end = len(head)
        for line in self._file:
            if (name := _recording(line)) is None:
                break
            self._places[name] = self._end
            self._end += len(line)
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._file.flush()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # reported when it first happened
            self._file.close()
        if not self._places:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            warnings.warn(f"{self.path}: holds the finished recordings; resume the run to continue", stacklevel=2)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def add(self, name: str, texts: list[str]) -> None:
        """Record that a recording is finished, with its labels; raises `OSError` where that fails."""
        if self.failed:
            raise self.failed
        line = (json.dumps([name, texts]) + "\n").encode("ascii")
        try:
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            self.failed = error
            raise
        self._places[name] = self._end
        self._end += len(line)

    def texts(self, order: Iterable[str] | None = None) -> Iterator[list[str]]:
        """The labels of each finished recording in `order`, by default the order in which they finished."""
        for name in self._places if order is None else order:
            if name in self._places:
                self._file.seek(self._places[name])
                yield json.loads(self._file.readline())[1]

    def remove(self) -> None:
        """Delete the file, once the results are written."""
        self._file.close()
        self.path.unlink()


def _recording(line: bytes) -> str | None:
    """The recording of a whole line; None where the line is cut short or damaged."""
    try:
        match json.loads(line) if line.endswith(b"\n") else None:
            case [str(name), list(texts)] if all(isinstance(text, str) for text in texts):
                return name
    except (ValueError, RecursionError):
        pass
    return None
