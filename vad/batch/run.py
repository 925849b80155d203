"""A task run for many recordings: results are delivered, errors and progress reported."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vad.batch.inputs import Input
from vad.batch.pool import Pool, effort, run_tasks
from vad.batch.task import T, Task
from vad.errors import SettingError, VadError


class Reporter(Protocol):
    """Shows a user how a batch goes."""

    def progress(self, share: float, text: str = "") -> None:
        """Show that `share` of the work is done, with `text` beside it."""

    def warn(self, text: str) -> None:
        """Show a warning."""

    def error(self, error: Exception) -> None:
        """Show the error of one recording."""

    def cleared(self) -> contextlib.AbstractContextManager[None]:
        """Make room on the terminal while results are written."""


@dataclass
class Totals:
    """What a batch has done so far."""

    done: int = 0  # recordings, those that failed included
    failed: int = 0
    sound: float = 0.0  # seconds
    elapsed: float = 0.0  # seconds

    @property
    def rates(self) -> str:
        """As in "2.1/s, 300 x real time"."""
        elapsed = max(self.elapsed, 1e-3)
        return f"{self.done / elapsed:.3g}/s, {self.sound / elapsed:.0f} x real time"


def run_batch(
    inputs: Sequence[Input],
    task: Task[T],
    deliver: Callable[[Input, T], float],
    reporter: Reporter,
    *,
    pool: Pool | None = None,
    ordered: bool = True,
) -> Totals:
    """Run `task` for each of `inputs` and hand every result to `deliver`, which returns the seconds of sound.

    What goes wrong with one recording is reported, and the others are still done. A `SettingError`
    of `deliver` ends the batch: it would be the same for every recording.
    """
    began, totals = time.monotonic(), Totals()
    total, worked = sum(map(effort, inputs)) or 1, 0
    for result in run_tasks(inputs, task, pool, ordered):
        for text in result.warnings:
            reporter.warn(text)
        try:
            if isinstance(result.value, VadError):
                totals.failed += 1
                reporter.error(result.value)
            else:
                with reporter.cleared():
                    totals.sound += deliver(result.source, result.value)
        except SettingError:
            raise
        except VadError as error:
            totals.failed += 1
            reporter.error(error)
        totals.done += 1
        totals.elapsed = time.monotonic() - began
        worked += effort(result.source)
        reporter.progress(worked / total, f"{totals.done} of {len(inputs)}, {totals.rates}")
    return totals
