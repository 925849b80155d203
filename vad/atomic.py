"""Files that are complete or absent, and temporary folders that are removed, however the program ends."""

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
except ImportError:  # Windows, where files of killed programs are not removed
    fcntl = None  # type: ignore[assignment]

_SERIAL = itertools.count()
FOLDER = ("vad-", ".tmp")  # how the name of a temporary folder begins and ends
LOCK = "lock"  # a file in it, locked while its program runs


class Discard(Exception):
    """Raise it within `replacing` to keep the old file."""


@contextlib.contextmanager
def explain(name: str) -> Iterator[None]:
    """Turn an `OSError` while writing `name` into a `FormatError`; that of a closed pipe passes."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise FormatError(f"{name}: cannot be written ({error.strerror or error})") from error


def write(path: Path, content: bytes) -> None:
    """Write `content` to `path` by `replacing`. Raises `FormatError`."""
    with replacing(path) as file, explain(str(path)):
        file.write(content)


def check_free(path: Path, force: bool = False) -> None:
    """Raise `FormatError` where a file exists at `path`, unless `force` allows to replace it.

    Every command asks here before it writes: a file may be the work of hours, and nobody reads a
    warning that comes after it is gone. Pipes, devices and `-` hold nothing that could be lost.
    """
    if not force and str(path) != "-" and path.is_file():
        raise FormatError(f"{path}: exists; name another place, or replace it with force", "force")


def free_path(path: Path, numbered: bool = False) -> Path:
    """`path` where nothing exists there, else the first of `path-2`, `path-3`, ... that is free.

    With `numbered` also the first name has a number: `path-1`.
    """
    names = (
        path if number == 1 and not numbered else path.with_stem(f"{path.stem}-{number}")
        for number in itertools.count(1)
    )
    return next(name for name in names if not name.exists())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new binary file that replaces `path` at the end of the `with` block, unless the block raises.

    Missing folders are created and links followed. A pipe, a device, and `-` for standard output are
    written to directly. Raises `FormatError` where the file cannot be created or completed; use
    `explain` for the writing itself.
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
    """A new file in `folder`, for the caller to rename or remove. A missing folder is created.

    The files that killed programs left there are removed once per process. Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    while True:
        path = folder / f".vad-{os.getpid()}-{next(_SERIAL)}.new"
        with contextlib.suppress(FileExistsError):  # of another machine that uses this folder
            file = path.open("xb")
            lock(file, wait=True)
            if path.exists():
                return file
            file.close()  # another process removed it before it was locked


@functools.lru_cache(64)
def _sweep(folder: Path) -> None:
    """Remove the scratch files that no process has locked: the program that wrote them has ended."""
    for path in folder.glob(".vad-*.new"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if lock(file):
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder in the system's temporary folder, removed at the end of the `with` block.

    Folders of killed programs, which nobody has locked any more, are removed at its beginning.
    """
    import tempfile  # takes a twentieth of the start

    _sweep_folders(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(*reversed(FOLDER)))
    try:
        with (folder / f"new-{LOCK}").open("xb") as file:
            lock(file, wait=True)
            Path(file.name).rename(folder / LOCK)  # locked before any other program sees it
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep_folders(home: Path) -> None:
    """Remove the folders of this user whose programs have ended."""
    for folder in home.glob("*".join(FOLDER)):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            if hasattr(os, "getuid") and status.st_uid != os.getuid():
                continue
            with (folder / LOCK).open("rb") as file:
                if lock(file):
                    shutil.rmtree(folder, ignore_errors=True)


def lock(file: IO[bytes], wait: bool = False) -> bool | None:
    """Lock `file` until it is closed or the process ends, in whatever way.

    Returns True if it is locked now, False if another process has the lock, and None where the
    system or the file system has no locks.
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
