"""Many recordings side by side: order, failures, workers that die, and that nothing is left behind."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from vad.batch.inputs import Input
from vad.batch.pool import GROUP, GROUP_BYTES, divide, open_pool, run_tasks
from vad.batch.process_pool import Processes
from vad.batch.task import check_interrupted
from vad.errors import AudioError, ModelError


def source(path: str, size: int | None = 100) -> Input:
    return Input(path, Path(Path(path).name), size)


def sources(count: int) -> list[Input]:
    return [source(str(number)) for number in range(count)]


FAILURES = {
    "b": AudioError("b: no sound"),
    "c": ModelError("no model"),
    "d": OSError(errno.EACCES, "Permission denied"),
    "e": OSError("odd"),
}


def echo(one: Input) -> str:
    """The task of most tests; others wait, fail, warn or die."""
    if one.path in FAILURES:
        raise FAILURES[one.path]
    return one.path


def process_of(one: Input) -> int:
    return os.getpid()


def first_waits(one: Input) -> str:
    time.sleep(0.5 if one.path == "0" else 0)
    return one.path


def mistaken(one: Input) -> str:
    raise ZeroDivisionError


def warned(one: Input) -> str:
    warnings.warn(f"{one.path} is odd", stacklevel=1)
    return one.path


def deadly(one: Input) -> str:
    if one.path in ("7", "50"):
        os.kill(os.getpid(), signal.SIGKILL)
    return one.path


def endless(one: Input) -> str:
    while one.path != "0":
        check_interrupted()
        time.sleep(0.01)
    return one.path


@pytest.fixture(scope="module")
def pool() -> Iterator[Processes]:
    with Processes(2) as pool:
        yield pool


@pytest.fixture(params=["here", "processes"])
def place(request: pytest.FixtureRequest, pool: Processes) -> Processes | None:
    return pool if request.param == "processes" else None


def test_results_come_in_the_order_of_the_inputs(pool: Processes) -> None:
    inputs = sources(20)
    found = list(run_tasks(inputs, first_waits, pool))
    assert [(one.source, one.value) for one in found] == [(one, one.path) for one in inputs]


def test_results_come_as_they_are_done_where_order_is_not_asked_for(pool: Processes) -> None:
    inputs = sources(20)
    found = [one.value for one in run_tasks(inputs, first_waits, pool, ordered=False)]
    assert found[0] != "0"
    assert sorted(found) == sorted(one.path for one in inputs)


def test_errors_stand_in_the_place_of_results(place: Processes | None) -> None:
    results = [one.value for one in run_tasks([source(name) for name in "abcdef"], echo, place)]
    assert results[0] == "a" and results[5] == "f"
    assert [(type(r), str(r)) for r in results[1:5]] == [
        (AudioError, "b: no sound"),
        (ModelError, "no model"),
        (AudioError, "d: Permission denied"),
        (AudioError, "e: odd"),
    ]


def test_a_mistake_in_the_program_is_no_result(place: Processes | None) -> None:
    with pytest.raises(ZeroDivisionError):
        list(run_tasks(sources(1), mistaken, place))


def test_warnings_come_with_their_recording(pool: Processes) -> None:
    found = [one.warnings for one in run_tasks(sources(3), warned, pool)]
    assert found == [("0 is odd",), ("1 is odd",), ("2 is odd",)]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_recording_that_kills_its_worker_costs_that_recording_alone(ordered: bool) -> None:
    with Processes(2) as pool:
        found = {one.source.path: one.value for one in run_tasks(sources(100), deadly, pool, ordered)}
    assert len(found) == 100
    for path, result in found.items():
        if path in ("7", "50"):
            assert str(result) == f"{path}: crashes the decoder; convert it first"
        else:
            assert result == path


def test_work_that_nobody_waits_for_is_given_up() -> None:
    with Processes(2) as pool:
        results = run_tasks([source("0", GROUP_BYTES), *sources(20)[1:]], endless, pool)  # a group of its own
        assert next(results).value == "0"
        results.close()
    # the end of the pool waits for its workers: being here says that they heard of it


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_stay_in_this_process(pool: Processes, tmp_path: Path) -> None:
    """A shell's `<(...)` is open in no other process."""
    os.mkfifo(tmp_path / "pipe")
    inputs = [source(path, None) for path in (str(tmp_path / "pipe"), "-", "a.wav")]
    here = [result.value == os.getpid() for result in run_tasks(inputs, process_of, pool)]
    assert here == [True, True, False]


def test_an_interrupt_ends_the_workers_and_no_other_process() -> None:
    own = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    own.start()
    try:
        with pytest.raises(KeyboardInterrupt), Processes(2) as pool:
            waiting = pool.submit(endless, sources(2)[1:])
            raise KeyboardInterrupt
        assert waiting.exception() or waiting.cancelled()
        assert own.is_alive()
    finally:
        own.kill()
        own.join()


def test_nothing_to_do_is_done(place: Processes | None) -> None:
    assert list(run_tasks([], echo, place)) == []


def test_small_recordings_are_handed_out_together_and_large_ones_alone() -> None:
    small, large = sources(1000), [source("large", GROUP_BYTES), source("unknown", None)]
    groups = list(divide([*small, *large, *small], 2))
    assert [one for group in groups for one in group] == [*small, *large, *small]
    assert max(map(len, groups)) == GROUP
    assert [len(group) for group in groups if group[0] in large] == [1, 1]
    assert [len(group) for group in divide(sources(8), 2)] == [1] * 8  # as many as there are workers for


@pytest.mark.parametrize(
    ("jobs", "inputs", "expected"),
    [
        (1, sources(100), None),
        (None, sources(2), None),  # not worth starting anybody
        (3, sources(2), 2),
        (3, sources(100), 3),
    ],
)
def test_there_are_as_many_processes_as_pay(jobs: int | None, inputs: list[Input], expected: int | None) -> None:
    with open_pool(jobs, inputs) as pool:
        assert (pool and pool.workers) == expected
