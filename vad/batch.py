"""Many recordings: find them, work through them side by side, keep their order."""

from __future__ import annotations

import glob
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from vad.errors import AudioError, VadError
from vad.extensions import EXTENSIONS

T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """A recording to work on."""

    path: str  # as it was named; "-" is standard input
    relative: Path  # its place within the folder that was named


def holds_sound(path: Path) -> bool:
    """Whether a file is called as sound is."""
    return path.suffix.lower() in EXTENSIONS


def find(
    names: Iterable[str], wanted: Callable[[Path], bool] = holds_sound, what: str = "sound"
) -> tuple[list[Input], list[AudioError]]:
    """The recordings that files, folders (searched to their depth) and patterns stand for.

    Each comes once, in the order named. A file that does not exist is kept, and fails when it is
    opened; the errors are those of folders and patterns that hold no sound. Where other files are
    meant, `wanted` knows those in a folder, and `what` says what they hold.
    """
    found: dict[str, Input] = {}
    errors = []
    for name in names:
        if os.path.isdir(name):
            here = _search(name, wanted)
        elif glob.has_magic(name) and not os.path.exists(name):
            here = [Input(path, Path(Path(path).name)) for path in sorted(glob.glob(name, recursive=True))]
            here = [i for i in here if Path(i.path).is_file()]
        else:
            here = [Input(name, Path("stdin" if name == "-" else Path(name).name))]
        if not here:
            place = "folder" if os.path.isdir(name) else "pattern"
            errors.append(AudioError(f"{name}: no {what} files in this {place}; name one that holds some"))
        for one in here:
            found.setdefault(one.path if one.path == "-" else os.path.abspath(one.path), one)
    return list(found.values()), errors


def _search(folder: str, wanted: Callable[[Path], bool]) -> list[Input]:
    """Files that are `wanted` in `folder` and below, hidden ones left out."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(files):
            path = Path(where, file)
            if wanted(path) and not file.startswith("."):
                found.append(Input(str(path), path.relative_to(folder)))
    return found


class Interrupted(VadError):
    """The work was given up from outside."""


def work(
    inputs: Iterable[Input], task: Callable[[Input, Callable[[], None]], T], jobs: int
) -> Iterator[tuple[Input, T | VadError]]:
    """`task(input, check)` for each input on `jobs` threads: results, or what went wrong, in order.

    Threads suffice: decoding, features and network all run outside Python's lock. Only a few
    results wait at a time, however many inputs there are. A task calls `check` now and then,
    which raises where nobody waits for its result any more.
    """
    stopped = threading.Event()

    def check() -> None:
        if stopped.is_set():
            raise Interrupted("interrupted")

    def safely(one: Input) -> T | VadError:
        try:
            return task(one, check)
        except VadError as error:
            return error
        except OSError as error:
            return AudioError(f"{one.path}: {error.strerror or error}")

    if jobs <= 1:  # in this thread, where Ctrl-C reaches even a read that waits
        yield from ((one, safely(one)) for one in inputs)
        return
    waiting: deque[tuple[Input, Future[T | VadError]]] = deque()
    pool = ThreadPoolExecutor(jobs)
    try:
        for one in inputs:
            waiting.append((one, pool.submit(safely, one)))
            if len(waiting) > 2 * jobs:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
