"""Recordings worked through side by side, in processes of this machine or in those of others.

Whoever works is an executor of the kind of `concurrent.futures`, so that a pool of processes and a
cluster are the same here. Small recordings are handed out many at a time. A recording that brings
its worker down costs that recording alone: what was under way is done again, one by one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import wait as wait_for
from multiprocessing.synchronize import Event
from typing import Any, Generic, Protocol, TypeVar

from vad.batch import Input
from vad.errors import AudioError, VadError

T = TypeVar("T")
Task = Callable[[Input], T]  # to be pickled, where others do it

GROUP = 32  # recordings handed out at once, at most
GROUP_BYTES = 1 << 22  # and how much they may hold, unless it is one
AHEAD = 64  # groups per worker that may be done before their turn
OVERHEAD = 1 << 16  # bytes of sound that take as long as opening a file
WORTH = 1 << 24  # bytes of sound that are worth starting workers for, half a second of work

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# Whether workers are forked by a server that has loaded everything; older Pythons cannot tell it from where.
SERVED = sys.platform == "linux" and sys.version_info >= (3, 11)


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one recording, and what was to be said on the way."""

    source: Input
    result: T | VadError
    warnings: tuple[str, ...] = ()


class Pool(Protocol):
    """Workers, at least as long as the work."""

    @property
    def crashes(self) -> tuple[type[BaseException], ...]:
        """What a future raises whose worker was lost."""

    @property
    def workers(self) -> int:
        """How many groups are worked on at once."""

    def submit(self, task: Task[T], group: list[Input]) -> Future[list[Outcome[T]]]:
        """Have `run(task, group)` done."""

    def alone(self, task: Task[T], one: Input) -> Outcome[T]:
        """What becomes of a recording that may bring its worker down."""


class Interrupted(VadError):
    """The work was given up from outside."""


def effort(one: Input) -> int:
    """What a recording costs, in bytes of sound; one of unknown size counts as a large one."""
    return OVERHEAD + (WORTH if one.size is None else one.size)


def work(
    inputs: Sequence[Input], task: Task[T], pool: Pool | None = None, ordered: bool = True
) -> Iterator[Outcome[T]]:
    """`task` of each input, in the order of the inputs or as they are done.

    Without a `pool` in this process, one after the other, where Ctrl-C reaches even a read that
    waits. Only so many wait for their turn as a long recording among short ones needs.
    """
    if pool is None:
        yield from (outcome(task, one) for one in inputs)
        return
    groups = enumerate(divide(inputs, pool.workers))
    running: dict[Future[list[Outcome[T]]], tuple[int, list[Input]]] = {}
    done: dict[int, list[Outcome[T]]] = {}
    turn = 0
    while True:
        while len(running) < 2 * pool.workers and len(done) < AHEAD * pool.workers:
            number, group = next(groups, (0, []))
            if not group:
                break
            own = len(group) == 1 and group[0].path == "-"  # no other process has this standard input
            running[_here(task, group) if own else pool.submit(task, group)] = (number, group)
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            number, group = running.pop(future)
            done[number] = _outcomes(future, pool, task, group)
        for number in list(done) if not ordered else []:
            yield from done.pop(number)
        while turn in done:
            yield from done.pop(turn)
            turn += 1


def divide(inputs: Sequence[Input], workers: int) -> Iterator[list[Input]]:
    """Groups to hand out: small recordings together, but a few groups for each worker."""
    most = min(GROUP, -(-len(inputs) // (4 * workers)))
    group: list[Input] = []
    size = 0
    for one in inputs:
        size += effort(one)
        if group and (len(group) >= most or size > GROUP_BYTES):
            yield group
            group, size = [], effort(one)
        group.append(one)
    if group:
        yield group


def _here(task: Task[T], group: list[Input]) -> Future[list[Outcome[T]]]:
    future: Future[list[Outcome[T]]] = Future()
    future.set_result(run(task, group))
    return future


def _outcomes(future: Future[list[Outcome[T]]], pool: Pool, task: Task[T], group: list[Input]) -> list[Outcome[T]]:
    try:
        return future.result()
    except pool.crashes:
        return [pool.alone(task, one) for one in group]


def run(task: Task[T], group: list[Input]) -> list[Outcome[T]]:
    """What becomes of each of `group`, in the process that calls this."""
    return [_collected(task, one) for one in group]


def _collected(task: Task[T], one: Input) -> Outcome[T]:
    """As `outcome`, with the warnings kept for whoever asked."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = outcome(task, one)
    return Outcome(one, found.result, tuple(str(w.message) for w in caught if issubclass(w.category, UserWarning)))


def outcome(task: Task[T], one: Input) -> Outcome[T]:
    """What becomes of a recording: a result, or what went wrong with it."""
    try:
        return Outcome(one, task(one))
    except VadError as error:
        return Outcome(one, error)
    except OSError as error:
        return Outcome(one, AudioError(f"{one.path}: {error.strerror or error}"))


def open_pool(jobs: int | None, inputs: Sequence[Input]) -> contextlib.AbstractContextManager[Pool | None]:
    """`jobs` processes for `inputs`; by default one per core where starting them pays. None where one is enough."""
    if jobs is None:
        jobs = CORES if sum(map(effort, inputs)) > WORTH else 1
    jobs = min(jobs, len(inputs))
    return Processes(jobs) if jobs > 1 else contextlib.nullcontext()


def threads_each(jobs: int | None, inputs: Sequence[Input]) -> int:
    """How many threads there are for each of `inputs` that is worked on at once."""
    return max(1, (jobs or CORES) // max(1, len(inputs)))


class Processes:
    """`workers` processes of this machine. To be used as a context; its end gives up what is under way."""

    crashes = (BrokenExecutor,)

    def __init__(self, workers: int) -> None:
        self._workers = workers
        # forking this process would copy its threads
        self._context: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
        if SERVED:
            self._context.set_forkserver_preload(["vad.analysis"])
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


_stopped: Event | None = None


def check() -> None:
    """To be called by tasks now and then: raises `Interrupted` where nobody waits for them any more."""
    if _stopped is not None and _stopped.is_set():
        raise Interrupted("interrupted")


def _begin(stop: Event) -> None:
    """In a new worker: leave Ctrl-C to those who started it, and do not outlive them."""
    global _stopped  # noqa: PLW0603
    _stopped = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
