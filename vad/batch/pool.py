"""Tasks run for many recordings side by side: in processes of this machine, or in a cluster.

Both are a `Pool`, which is like an executor of `concurrent.futures`. Small recordings are
submitted in groups. A recording that crashes its worker costs only itself: the rest of its group is
run again, one recording at a time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Protocol

from vad.batch.inputs import Input
from vad.batch.task import Result, T, Task, run_group, run_task
from vad.errors import SettingError
from vad.extras import install_command

GROUP = 32  # recordings in a group, at most
GROUP_BYTES = 1 << 22  # of sound in a group of more than one
AHEAD = 64  # groups per worker that may be done before their turn
OPENING = 1 << 16  # bytes of sound that take as long as opening a file
STARTING = 1 << 24  # bytes of sound that take as long as starting workers, half a second

FILES, FILES_PER_JOB = 24, 8  # that are open in a process with workers, and for each of them

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool(Protocol):
    """Workers that run tasks."""

    @property
    def crashes(self) -> tuple[type[BaseException], ...]:
        """The exceptions of a future whose worker was lost."""

    @property
    def workers(self) -> int:
        """How many groups run at once."""

    def submit(self, task: Task[T], group: list[Input]) -> Future[list[Result[T]]]:
        """Run `run_group(task, group)` in a worker."""

    def run_isolated(self, task: Task[T], one: Input) -> Result[T]:
        """Run `task` for a recording that may crash its worker."""


def effort(one: Input) -> int:
    """The cost of a recording, in bytes of sound; one of unknown size counts as large."""
    return OPENING + (STARTING if one.size is None else one.size)


def run_tasks(
    inputs: Sequence[Input], task: Task[T], pool: Pool | None = None, ordered: bool = True
) -> Iterator[Result[T]]:
    """The result of `task` for each input, in the order of the inputs or as they are done.

    Without a `pool` this process runs them one after the other, and Ctrl-C interrupts even a read
    that waits. At most `AHEAD` groups per worker are held until their turn.
    """
    if pool is None:
        yield from (run_task(task, one) for one in inputs)
        return
    groups = enumerate(divide(inputs, pool.workers))
    running: dict[Future[list[Result[T]]], tuple[int, list[Input]]] = {}
    done: dict[int, list[Result[T]]] = {}
    turn = 0
    while True:
        while len(running) < 2 * pool.workers and len(done) < AHEAD * pool.workers:
            number, group = next(groups, (0, []))
            if not group:
                break
            own = len(group) == 1 and group[0].is_pipe
            running[_run_here(task, group) if own else pool.submit(task, group)] = (number, group)
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            number, group = running.pop(future)
            done[number] = _results(future, pool, task, group)
        for number in list(done) if not ordered else []:
            yield from done.pop(number)
        while turn in done:
            yield from done.pop(turn)
            turn += 1


def divide(inputs: Sequence[Input], workers: int) -> Iterator[list[Input]]:
    """Groups to submit: small recordings together, but at least a few groups for each worker."""
    limit = min(GROUP, -(-len(inputs) // (4 * workers)))
    group: list[Input] = []
    size = 0
    for one in inputs:
        size += effort(one)
        if group and (len(group) >= limit or size > GROUP_BYTES):
            yield group
            group, size = [], effort(one)
        group.append(one)
    if group:
        yield group


def _run_here(task: Task[T], group: list[Input]) -> Future[list[Result[T]]]:
    future: Future[list[Result[T]]] = Future()
    future.set_result(run_group(task, group))
    return future


def _results(future: Future[list[Result[T]]], pool: Pool, task: Task[T], group: list[Input]) -> list[Result[T]]:
    try:
        return future.result()
    except pool.crashes:
        return [pool.run_isolated(task, one) for one in group]


def max_files() -> int:
    """How many files this process may have open."""
    if os.name != "posix":
        return 512
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def open_pool(
    jobs: int | None, inputs: Sequence[Input], cluster: str | None = None
) -> contextlib.AbstractContextManager[Pool | None]:
    """`jobs` processes for `inputs`, or the workers of the Dask scheduler at the address `cluster`.

    By default there is a process per core where starting them pays; None where one is enough.
    """
    if cluster:
        try:
            from vad.batch.dask_pool import Cluster
        except ImportError as error:
            raise SettingError(f"cluster: needs Dask ({error}); {install_command('cluster')}", "cluster") from error
        return Cluster(cluster)
    if jobs is None:
        jobs = CORES if sum(map(effort, inputs)) > STARTING else 1
    jobs = min(jobs, len(inputs), (max_files() - FILES) // FILES_PER_JOB)
    if jobs <= 1:
        return contextlib.nullcontext()
    from vad.batch.process_pool import Processes  # its imports are a twentieth of a short run

    return Processes(jobs)


def threads_each(jobs: int | None, inputs: Sequence[Input]) -> int:
    """How many threads each of the `inputs` that run at once can have."""
    return max(1, (jobs or CORES) // max(1, len(inputs)))
