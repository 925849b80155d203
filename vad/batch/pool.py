"""Recordings worked through side by side, in processes of this machine or in those of others.

Whoever works is an executor of the kind of `concurrent.futures`, so that a pool of processes and a
cluster are the same here. Small recordings are handed out many at a time. A recording that brings
its worker down costs that recording alone: what was under way is done again, one by one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Protocol

from vad.batch.inputs import Input
from vad.batch.outcome import Outcome, T, Task, outcome, run

GROUP = 32  # recordings handed out at once, at most
GROUP_BYTES = 1 << 22  # and how much they may hold, unless it is one
AHEAD = 64  # groups per worker that may be done before their turn
OVERHEAD = 1 << 16  # bytes of sound that take as long as opening a file
WORTH = 1 << 24  # bytes of sound that are worth starting workers for, half a second of work

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def open_pool(jobs: int | None, inputs: Sequence[Input]) -> contextlib.AbstractContextManager[Pool | None]:
    """`jobs` processes for `inputs`; by default one per core where starting them pays. None where one is enough."""
    if jobs is None:
        jobs = CORES if sum(map(effort, inputs)) > WORTH else 1
    jobs = min(jobs, len(inputs))
    if jobs <= 1:
        return contextlib.nullcontext()
    from vad.batch.processes import Processes  # what it takes to start them is a twentieth of a short run

    return Processes(jobs)


def threads_each(jobs: int | None, inputs: Sequence[Input]) -> int:
    """How many threads there are for each of `inputs` that is worked on at once."""
    return max(1, (jobs or CORES) // max(1, len(inputs)))
