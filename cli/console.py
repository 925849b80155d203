"""What is said on standard error: failures, warnings, details, progress."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vad.errors import VadError
from vad.formats import printable

if TYPE_CHECKING:
    from vad.batch.task import Result

T = TypeVar("T")

Around = Callable[[], contextlib.AbstractContextManager[None]]

PATIENCE = 1.0  # seconds of work that need no progress bar
INTERVAL = 0.1  # seconds between drawings
MINUTE = 60.0  # seconds between lines where standard error is no terminal
WIDTH = 24
WIPE = "\r\033[K"


class Line:
    """A line on the terminal that is drawn anew in its place, and not torn by what else is written there."""

    def __init__(self) -> None:
        self.text = ""

    def draw(self, text: str) -> None:
        """Put `text` in the place of what stood there."""
        self.text = text
        click.echo(WIPE + text, err=True, nl=False)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while something else is written."""
        if self.text:
            click.echo(WIPE, err=True, nl=False)
        yield
        if self.text:
            click.echo(self.text, err=True, nl=False)


class Console:
    """A line per failure, and for long work on a terminal a progress bar that the lines do not tear.

    `around` takes away whatever else stands on the terminal while a line is written.
    """

    def __init__(self, quiet: bool, verbose: bool = False, around: Around = contextlib.nullcontext) -> None:
        self._around = around
        self._quiet, self._verbose = quiet, verbose
        self._live = sys.stderr.isatty()
        self._began = time.monotonic()
        self._told = self._began - INTERVAL if self._live else self._began
        self._bar = Line()
        self.failed = False

    def __enter__(self) -> Console:
        self._shown, warnings.showwarning = warnings.showwarning, self._warning  # type: ignore[assignment]
        warnings.simplefilter("always", UserWarning)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings.showwarning = self._shown
        if self._bar.text:
            click.echo(err=True)

    def to(self, share: float, text: str = "") -> None:
        """Move the bar on to `share` of the work, with `text` beside it; without a terminal a line a minute."""
        now = time.monotonic()
        due = now >= self._told + (INTERVAL if self._live else MINUTE) or (self._live and share >= 1)
        if self._quiet or not due or now < self._began + PATIENCE:
            return
        self._told = now
        left = (now - self._began) * (1 / max(share, 1e-6) - 1)
        said = ", ".join(filter(None, [text, f"{clock(left)} left"]))
        if self._live:
            self._bar.draw(f"[{'#' * int(WIDTH * share):<{WIDTH}}] {share:4.0%} {said}")
        else:
            click.echo(f"{share:.0%}: {said}", err=True)

    @contextlib.contextmanager
    def result(self, result: Result[T]) -> Iterator[T]:
        """Say what was to be said of a recording, and raise what went wrong with it; its result is written aside."""
        for warning in result.warnings:
            self.warn(warning)
        if isinstance(result.value, VadError):
            raise result.value
        with self._bar.aside():
            yield result.value

    def error(self, error: Exception) -> None:
        """Something failed: said, and remembered for the exit status."""
        self.failed = True
        self._say(f"Error: {error}")

    def note(self, text: str) -> None:
        """Something that is no failure."""
        if not self._quiet:
            self._say(text)

    def warn(self, text: str) -> None:
        """Something that was done otherwise than one may think."""
        self._warning(text)

    def detail(self, text: str) -> None:
        """Something for those who asked for more."""
        if self._verbose:
            self._say(text)

    def _warning(self, message: Warning | str, *_: Any) -> None:
        if not self._quiet:
            self._say(f"Warning: {message}")

    def _say(self, text: str) -> None:
        with self._bar.aside(), self._around():
            click.echo(printable(text), err=True)


def clock(seconds: float) -> str:
    """Seconds as `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
