"""What is said on standard error: failures, warnings, details, progress."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import click

from vad.formats import printable

Around = Callable[[], contextlib.AbstractContextManager[None]]

PATIENCE = 1.0  # seconds of work that need no progress bar


class Talk:
    """A line per failure, and for long work on a terminal a progress bar that the lines do not tear.

    `around` takes away whatever else stands on the terminal while a line is written.
    """

    def __init__(self, length: int, quiet: bool, verbose: bool, around: Around = contextlib.nullcontext) -> None:
        self._around = around
        self._length, self._quiet, self._verbose = length, quiet, verbose
        self._live = sys.stderr.isatty() and not quiet
        self._started = time.monotonic()
        self._bar: Any = None
        self.failed = False

    def __enter__(self) -> Talk:
        self._shown, warnings.showwarning = warnings.showwarning, self._warning  # type: ignore[assignment]
        warnings.simplefilter("always", UserWarning)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings.showwarning = self._shown
        if self._bar:
            self._bar.__exit__(kind, error, trace)

    def expect(self, length: int) -> None:
        """Say how far the bar will go, where that was not known at first."""
        self._length = length

    def to(self, position: int) -> None:
        """Move the bar on to `position` of `length`."""
        if self._live and not self._bar and time.monotonic() > self._started + PATIENCE:
            self._bar = click.progressbar(length=self._length, file=sys.stderr)
            self._bar.__enter__()
        if self._bar:
            self._bar.update(position - self._bar.pos)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar away while something else is written to the terminal."""
        if self._bar:
            click.echo("\r\033[K", err=True, nl=False)
        yield
        if self._bar:
            self._bar.render_progress()

    def error(self, error: Exception) -> None:
        """Something failed: said, and remembered for the exit status."""
        self.failed = True
        self._say(f"Error: {error}")

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
        with self.aside(), self._around():
            click.echo(printable(text), err=True)
