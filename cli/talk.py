"""What is said on standard error: failures, warnings, details, progress."""

from __future__ import annotations

import sys
import warnings
from types import TracebackType
from typing import Any

import click


class Talk:
    """A line per failure, and on a terminal a progress bar that the lines do not tear.

    The bar is there only while this is used as a context, and never in a pipe.
    """

    def __init__(self, length: int, quiet: bool, verbose: bool) -> None:
        self._quiet, self._verbose = quiet, verbose
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            self._bar = click.progressbar(length=max(1, length), file=sys.stderr, update_min_steps=1)
        self.failed = False

    def __enter__(self) -> Talk:
        self._shown, warnings.showwarning = warnings.showwarning, self._warning  # type: ignore[assignment]
        warnings.simplefilter("always", UserWarning)
        if self._bar:
            self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings.showwarning = self._shown
        if self._bar:
            self._bar.__exit__(kind, error, trace)

    def to(self, position: int) -> None:
        """Move the bar on to `position` of `length`."""
        if self._bar and position > self._bar.pos:
            self._bar.update(position - self._bar.pos)

    def error(self, error: Exception) -> None:
        """Something failed: said, and remembered for the exit status."""
        self.failed = True
        self._say(f"Error: {error}")

    def detail(self, text: str) -> None:
        """Something for those who asked for more."""
        if self._verbose:
            self._say(text)

    def _warning(self, message: Warning | str, *_: Any) -> None:
        if not self._quiet:
            self._say(f"Warning: {message}")

    def _say(self, text: str) -> None:
        printable = "".join(c if c.isprintable() else "\ufffd" for c in text)
        click.echo(("\r\033[K" if self._bar else "") + printable, err=True)
        if self._bar:
            self._bar.render_progress()
