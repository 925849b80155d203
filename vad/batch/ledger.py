"""What a long run has done so far, in a file that a kill at any instant leaves usable.

JSON lines: first what the results depend on, then a recording each with its labels, already
written down. A line counts when it is whole, so that the last one may be cut short.
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


class Ledger:
    """The file at `path`, begun with `how` or, to `resume`, continued. To be used as a context.

    Raises `SettingError` where there is one that shall not be continued, or cannot be. An empty
    one leaves no file.
    """

    def __init__(self, path: Path, how: dict[str, Any], resume: bool) -> None:
        self.path = path
        self.failed: OSError | None = None  # why nothing can be noted any more
        self._places: dict[str, int] = {}  # where the line of each recording begins
        self._end = 0
        self._head = (json.dumps(how) + "\n").encode("ascii")
        if path.exists() and not resume:
            raise SettingError(f"{path}: left by a run that was cut short; --resume continues it, or else delete it")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._read()

    def _open(self) -> IO[bytes]:
        """The file, locked; of two runs that begin at once, one gets it."""
        with contextlib.suppress(FileExistsError, FileNotFoundError):  # made, or removed, by another just now
            file = self.path.open("r+b" if self.path.exists() else "x+b")
            if lock(file) is not False and os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                return file
            file.close()
        raise SettingError(f"{self.path}: another run is writing it; wait for that one, or end it")

    def _read(self) -> None:
        head = self._file.readline()
        if not head.endswith(b"\n"):  # new, or killed within its first line
            head = self._head
            self._file.seek(0)
            self._file.write(head)
        if head != self._head:
            self._file.close()
            raise SettingError(f"{self.path}: begun with other settings; use those, or delete it to begin anew")
        self._end = len(head)
        for line in self._file:
            if (name := _named(line)) is None:
                break
            self._places[name] = self._end
            self._end += len(line)
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._file.flush()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # said when it first happened
            self._file.close()
        if not self._places:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            warnings.warn(f"{self.path}: holds what was done so far; --resume continues", stacklevel=2)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def add(self, name: str, texts: list[str]) -> None:
        """Note that a recording is done, and its labels; raises `OSError` where that fails."""
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
        """The labels of the recordings in `order`, or as they were noted; those that are not there are left out."""
        for name in self._places if order is None else order:
            if name in self._places:
                self._file.seek(self._places[name])
                yield json.loads(self._file.readline())[1]

    def remove(self) -> None:
        """Do away with the file, when all is done."""
        self._file.close()
        self.path.unlink()


def _named(line: bytes) -> str | None:
    """The recording of a whole line; None where it is cut short or damaged."""
    try:
        match json.loads(line) if line.endswith(b"\n") else None:
            case [str(name), list(texts)] if all(isinstance(text, str) for text in texts):
                return name
    except (ValueError, RecursionError):
        pass
    return None
