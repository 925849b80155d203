"""How far the work on many recordings is, at what rate, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vad.errors import VadError

from .console import Console, clock

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.batch.task import Result
    from vad.detector import Detection

LONG = 60.0  # seconds after which a report is due


class Progress:
    """Counts recordings and the sound in them, moves the bar of `console`, reports at the end."""

    def __init__(self, console: Console, inputs: Sequence[Input], left_out: int) -> None:
        from vad.batch.pool import effort

        self._talk, self._inputs, self._left_out, self._effort = console, inputs, left_out, effort
        self._total = sum(map(effort, inputs)) or 1
        self._worked = self._done = self._failed = 0
        self._sound = 0.0  # seconds
        self._began = time.monotonic()

    def moved(self, share: float) -> None:
        """So much of the only recording is done."""
        self._talk.to(share)

    def count(self, result: Result[list[Detection]]) -> None:
        """A recording is done, or has failed."""
        self._worked += self._effort(result.source)
        self._done += 1
        if isinstance(result.value, VadError):
            self._failed += 1
        elif result.value:
            self._sound += result.value[0].duration
        self._talk.to(self._worked / self._total, f"{self._done} of {len(self._inputs)}, {self._rates()}")

    def report(self, verbose: bool) -> None:
        """What came of many recordings, where it took a while."""
        spent = time.monotonic() - self._began
        if len(self._inputs) + self._left_out < 2 or (spent < LONG and not verbose):
            return
        parts = [f"{self._done} recordings, {self._sound / 3600:.2f} h of sound in {clock(spent)} ({self._rates()})"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._left_out:
            parts.append(f"{self._left_out} were done before")
        self._talk.note("; ".join(parts))

    def _rates(self) -> str:
        spent = max(time.monotonic() - self._began, 1e-3)
        return f"{self._done / spent:.3g}/s, {self._sound / spent:.0f} x real time"
