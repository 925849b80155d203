"""A pool of processes on this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import wait as wait_for
from multiprocessing.synchronize import Event
from typing import Any

from vad.batch.inputs import Input
from vad.batch.task import Result, T, Task, run_group, set_stop_event
from vad.errors import AudioError

# Workers are forked by a server that has loaded every module; before Python 3.11 it cannot be told where they are.
USE_FORKSERVER = sys.platform == "linux" and sys.version_info >= (3, 11)


class Processes:
    """`workers` processes of this machine: a context manager, whose end cancels the tasks that still run."""

    crashes = (BrokenExecutor,)

    def __init__(self, workers: int) -> None:
        self._workers = workers
        # forking this process would copy its threads
        self._context: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        if USE_FORKSERVER:
            self._context.set_forkserver_preload(["vad.batch.task"])
        with _no_interrupts():  # one that cut the making of a semaphore short would leave it behind
            self._stop: Event = self._context.Event()
        self._pool: ProcessPoolExecutor | None = None
        self._isolated: ProcessPoolExecutor | None = None

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return self._workers

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        interrupted = kind and not issubclass(kind, Exception)
        for pool in filter(None, (self._pool, self._isolated)):
            if interrupted:  # nobody waits for the tasks that run
                for worker in list(pool._processes.values()):  # Python 3.14 has `kill_workers` for this
                    worker.kill()
            pool.shutdown(cancel_futures=True)

    def submit(self, task: Task[T], group: list[Input]) -> Future[list[Result[T]]]:
        """Run `run_group(task, group)` in a worker."""
        if self._pool:
            with contextlib.suppress(BrokenExecutor):
                return _submit(self._pool, task, group)
        self._pool = self._start(self._workers)
        return _submit(self._pool, task, group)

    def run_isolated(self, task: Task[T], one: Input) -> Result[T]:
        """Run `task` for a recording that may crash its worker."""
        self._isolated = self._isolated or self._start(1)
        try:
            return _submit(self._isolated, task, [one]).result()[0]
        except BrokenExecutor:
            self._isolated = None
            return Result(one, AudioError(f"{one.path}: crashes the decoder; convert it first"))

    def _start(self, workers: int) -> ProcessPoolExecutor:
        if USE_FORKSERVER:
            _start_server()
        with _no_interrupts():
            return ProcessPoolExecutor(workers, self._context, _start_worker, (self._stop,))


def _submit(pool: ProcessPoolExecutor, task: Task[T], group: list[Input]) -> Future[list[Result[T]]]:
    with _no_interrupts():
        return pool.submit(run_group, task, group)


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Hold signals back while processes and semaphores are made.

    Processes inherit that, and hold back Ctrl-C for good: it is for their parent.
    """
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # starting it would let the signals pass again
    held: list[tuple[int, Any]] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # the mask is for the processes; in this one another thread may take a signal, and Python then tells the main thread
    handlers = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    for number in handlers:
        signal.signal(number, lambda *given: held.append(given))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if held:
            handlers[signal.Signals(held[0][0])](*held[0])


def _start_server() -> None:
    """Start the fork server with the module path of this process.

    By default it would look in the working folder first, which may hold another `vad`.
    """
    here = {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    before = {name: os.environ.get(name) for name in here}
    os.environ.update(here)
    try:
        with _no_interrupts():
            forkserver.ensure_running()
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _start_worker(stop: Event) -> None:
    """Set up a new worker: it ignores Ctrl-C, which its parent handles, and ends when its parent ends."""
    set_stop_event(stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
