"""Files that are whole or not there, at whatever instant their writer dies."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from vad.errors import FormatError

try:
    import fcntl
except ImportError:  # Windows: what a killed program leaves is not swept there
    fcntl = None  # type: ignore[assignment]

_SERIAL = itertools.count()


class Discard(Exception):
    """Raised within `replacing` to keep the old file after all."""


@contextlib.contextmanager
def explain(name: str) -> Iterator[None]:
    """Turn a failed write to `name` into one line, except for a closed pipe, which is no failure."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise FormatError(f"{name}: cannot be written ({error.strerror or error})") from error


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` as `replacing` does; `FormatError` where that fails."""
    with replacing(path) as file, explain(str(path)):
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` when it is complete, and leaves it alone otherwise.

    Missing folders are made, links followed. What is no ordinary file (a pipe, a device, `-` for
    standard output) is written to directly. Raises `FormatError` where the file cannot be made or
    completed; what is written to it on the way is for `explain`.
    """
    if str(path) == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        with explain("standard output"):
            sys.stdout.buffer.flush()
        return
    with explain(str(path)):
        path = Path(os.path.realpath(path))
        special = path.exists() and not path.is_file()
        file: IO[bytes] = path.open("wb") if special else scratch(path.parent)
    complete = special
    try:
        yield file
        with explain(str(path)):
            file.flush()
            if not special:
                if path.exists():
                    shutil.copymode(path, file.name)
                if os.name == "nt":  # which renames no open file
                    file.close()
                Path(file.name).replace(path)
            file.close()
        complete = True
    except Discard:
        pass
    finally:
        with contextlib.suppress(OSError):
            file.close()
        if not complete:
            Path(file.name).unlink(missing_ok=True)


def scratch(folder: Path) -> IO[bytes]:
    """A new file in `folder`, to be renamed or removed by whoever writes it; the folder is made.

    What killed programs have left there is removed once per process. Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    while True:
        path = folder / f".vad-{os.getpid()}-{next(_SERIAL)}.new"
        with contextlib.suppress(FileExistsError):  # another machine's, in a folder that both see
            file = path.open("xb")
            lock(file, wait=True)
            if path.exists():
                return file
            file.close()  # swept away before it was locked


@functools.lru_cache(64)
def _sweep(folder: Path) -> None:
    """Remove the scratch files that nobody has locked: their writers are gone."""
    for path in folder.glob(".vad-*.new"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if lock(file):
                path.unlink(missing_ok=True)


def lock(file: IO[bytes], wait: bool = False) -> bool | None:
    """Lock `file` until it is closed or its process dies, however it dies.

    True where that was done, False where another has the lock, None where the system has no locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
