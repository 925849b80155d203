"""The work on one of many recordings, which can be pickled to other processes, and its result."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from vad.audio.decode import Sound, open_sound
from vad.audio.resample import Channel
from vad.batch.inputs import Input, fetched
from vad.detector import CPU, Detection, Detector
from vad.errors import AudioError, ModelError, VadError
from vad.model.runtime import keep_memory
from vad.settings import Raw, Segmentation

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

T = TypeVar("T")
Task = Callable[[Input], T]  # picklable where other processes run it


@dataclass(frozen=True)
class Result(Generic[T]):
    """The result of a task for one recording: its value, or the error that it raised."""

    source: Input
    value: T | VadError
    warnings: tuple[str, ...] = ()  # raised on the way, where another process ran the task


class Interrupted(VadError):
    """The run has ended; nobody waits for this task any more."""


def run_task(task: Task[T], one: Input) -> Result[T]:
    """Run `task` for one recording; a `VadError` or `OSError` becomes the value of the result."""
    try:
        return Result(one, task(one))
    except VadError as error:
        return Result(one, error)
    except OSError as error:
        return Result(one, AudioError(f"{one.path}: {error.strerror or error}"))


def run_group(task: Task[T], group: list[Input]) -> list[Result[T]]:
    """Run `task` for each recording of `group` in a worker; warnings become part of the results."""
    return [_with_warnings(task, one) for one in group]


def _with_warnings(task: Task[T], one: Input) -> Result[T]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        result = run_task(task, one)
    texts = tuple(str(w.message) for w in caught if issubclass(w.category, UserWarning))
    return Result(one, result.value, texts)


_stop: Event | None = None


def set_stop_event(event: Event) -> None:
    """Let `check_interrupted` raise in this process once `event` is set."""
    global _stop  # noqa: PLW0603
    _stop = event


def check_interrupted() -> None:
    """Raise `Interrupted` where the run has ended; long tasks call this now and then."""
    if _stop is not None and _stop.is_set():
        raise Interrupted("interrupted")


def load(model: str | None, device: str = CPU) -> Detector:
    """The detector of this process, loaded once."""
    return _load(model, device)


@functools.lru_cache(1)
def _load(model: str | None, device: str) -> Detector:
    keep_memory()
    return Detector(model, device)


@dataclass(frozen=True)
class Analysis:
    """A task that finds speech: `Detector.analyse` with all its arguments."""

    model: str | None
    settings: Segmentation
    channel: Channel = "mix"
    latency: str | None = None
    keep_scores: bool = False
    raw: Raw | None = None
    device: str = CPU  # of the network
    threads: int = 1
    on_progress: Callable[[float], None] | None = None  # takes the share done, where the length is known
    digest: str = field(init=False)  # of the weights, which every process reads for itself

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", self.detector.model.digest)

    @property
    def detector(self) -> Detector:
        """The detector of this process, for this latency."""
        return load(self.model, self.device).for_latency(self.latency)

    def __call__(self, one: Input) -> list[Detection]:
        """Find speech in a recording: a `Detection` per channel."""
        with fetched(one.path) as path:
            source, name = (sys.stdin.buffer, "") if one.path == "-" else (path, one.path)
            with open_sound(source, self.raw, name) as sound:
                return self.analyse(sound)

    def analyse(self, sound: Sound) -> list[Detection]:
        """Find speech in an opened recording: a `Detection` per channel."""
        detector = self.detector
        if detector.model.digest != self.digest:
            raise ModelError(f"{detector.path}: has been replaced since this run began; run again")
        return detector.analyse(
            sound,
            self.settings,
            self.channel,
            latency=self.latency,
            keep_scores=self.keep_scores,
            on_block=lambda _: self._on_block(sound),
            threads=self.threads,
        )

    def _on_block(self, sound: Sound) -> None:
        check_interrupted()
        if self.on_progress and sound.share is not None:
            self.on_progress(sound.share)
