"""What becomes of a recording, in whichever process it is worked on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from vad.batch.inputs import Input
from vad.errors import AudioError, VadError

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

T = TypeVar("T")
Task = Callable[[Input], T]  # to be pickled, where others do it


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one recording, and what was to be said on the way."""

    source: Input
    result: T | VadError
    warnings: tuple[str, ...] = ()


class Interrupted(VadError):
    """The work was given up from outside."""


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


_stopped: Event | None = None


def heed(stop: Event) -> None:
    """Have `check` raise once `stop` is set."""
    global _stopped  # noqa: PLW0603
    _stopped = stop


def check() -> None:
    """To be called by tasks now and then: raises `Interrupted` where nobody waits for them any more."""
    if _stopped is not None and _stopped.is_set():
        raise Interrupted("interrupted")
