"""Workers that are processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import forkserver
from multiprocessing.connection import wait as wait_for
from multiprocessing.synchronize import Event
from typing import Any

from vad.batch.inputs import Input
from vad.batch.outcome import Outcome, T, Task, heed, run
from vad.errors import AudioError

# Whether workers are forked by a server that has loaded everything; older Pythons cannot tell it from where.
SERVED = sys.platform == "linux" and sys.version_info >= (3, 11)


class Processes:
    """`workers` processes of this machine. To be used as a context; its end gives up what is under way."""

    crashes = (BrokenExecutor,)

    def __init__(self, workers: int) -> None:
        self._workers = workers
        # forking this process would copy its threads
        self._context: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        if SERVED:
            self._context.set_forkserver_preload(["vad.batch.task"])
        self._stop: Event = self._context.Event()
        self._pool: Executor | None = None
        self._careful: Executor | None = None

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return self._workers

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for pool in (self._pool, self._careful):
            if pool:
                pool.shutdown(cancel_futures=True)

    def submit(self, task: Task[T], group: list[Input]) -> Future[list[Outcome[T]]]:
        """Have `run(task, group)` done by one of the workers."""
        if self._pool:
            with contextlib.suppress(BrokenExecutor):
                return self._pool.submit(run, task, group)
        self._pool = self._start(self._workers)
        return self._pool.submit(run, task, group)

    def alone(self, task: Task[T], one: Input) -> Outcome[T]:
        """What becomes of a recording that may bring its worker down."""
        self._careful = self._careful or self._start(1)
        try:
            return self._careful.submit(run, task, [one]).result()[0]
        except BrokenExecutor:
            self._careful = None
            return Outcome(one, AudioError(f"{one.path}: brings the program down that decodes it; convert it first"))

    def _start(self, workers: int) -> Executor:
        if SERVED:
            _start_server()
        return ProcessPoolExecutor(workers, self._context, _begin, (self._stop,))


def _start_server() -> None:
    """Start what forks the workers, to load the modules that this process would.

    Python alone would have it look into the working folder first, which may hold another `vad`, or anything.
    """
    here = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    before = {name: os.environ.get(name) for name in here}
    os.environ.update(here)
    try:
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _begin(stop: Event) -> None:
    """In a new worker: leave Ctrl-C to those who started it, and do not outlive them."""
    heed(stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
