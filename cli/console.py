"""Messages on standard error: errors, warnings, details, progress."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from vad.clock import clock
from vad.formats import printable
from vad.wording import pluralize

from .colors import highlight
from .command import describe

if TYPE_CHECKING:
    from vad.batch.run import Totals

Around = Callable[[], contextlib.AbstractContextManager[None]]

PATIENCE = 1.0  # seconds of work before the progress bar appears
INTERVAL = 0.1  # seconds between drawings
LONG = 60.0  # seconds after which a run ends with a summary
MINUTE = 60.0  # seconds between lines where standard error is not a terminal
WIDTH = 24
CLEAR_LINE = "\r\033[K"


class StatusLine:
    """A line on the terminal that is drawn in place, and cleared while other text is written."""

    def __init__(self) -> None:
        self.text = ""

    def draw(self, text: str) -> None:
        """Replace the line by `text`."""
        self.text = text
        click.echo(CLEAR_LINE + text, err=True, nl=False)

    @contextlib.contextmanager
    def cleared(self) -> Iterator[None]:
        """Clear the line while something else is written."""
        text = self.text
        if text:
            self.draw("")
        yield
        if text:
            self.draw(text)


class Console:
    """Messages on standard error, and for long work a progress bar. A context manager.

    Leaving it ends the program with status 1 where an error was reported. `around` is a context
    that clears whatever else is on the terminal while a message is written.
    """

    def __init__(self, quiet: bool, verbose: bool = False, around: Around = contextlib.nullcontext) -> None:
        self._around = around
        self._quiet, self.verbose = quiet, verbose
        self._terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._shown = self._began - INTERVAL if self._terminal else self._began
        self._bar = StatusLine()
        self._failed = False

    def __enter__(self) -> Console:
        self._showwarning, warnings.showwarning = warnings.showwarning, self._warning  # type: ignore[assignment]
        warnings.simplefilter("always", UserWarning)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings.showwarning = self._showwarning
        if self._bar.text:
            click.echo(err=True)
        if self._failed and kind is None:
            raise SystemExit(1)

    def progress(self, share: float, text: str = "") -> None:
        """Show that `share` of the work is done, with `text` beside it; without a terminal, once a minute."""
        now = time.monotonic()
        due = now >= self._shown + (INTERVAL if self._terminal else MINUTE) or (self._terminal and share >= 1)
        if self._quiet or not due or now < self._began + PATIENCE:
            return
        self._shown = now
        left = (now - self._began) * (1 / max(share, 1e-6) - 1)
        text = ", ".join(filter(None, [text, f"{clock(left)} left"]))
        if self._terminal:
            self._bar.draw(f"[{'#' * int(WIDTH * share):<{WIDTH}}] {share:4.0%} {text}")
        else:
            click.echo(f"{share:.0%}: {text}", err=True)

    def cleared(self) -> contextlib.AbstractContextManager[None]:
        """Clear the progress bar while results are written."""
        return self._bar.cleared()

    def error(self, error: Exception) -> None:
        """Report an error; the exit status will be 1."""
        self._failed = True
        self._write(f"Error: {describe(error)}")

    def errors(self, errors: Iterable[Exception], skipped: Iterable[str] = ()) -> None:
        """Report each of `errors`, and as details the files that were `skipped`."""
        for path in skipped:
            self.detail(f"{path}: skipped, has no name of a sound file")
        for error in errors:
            self.error(error)

    def note(self, text: str) -> None:
        """Write a line that is neither an error nor a warning."""
        if not self._quiet:
            self._write(text)

    def warn(self, text: str) -> None:
        """Write a warning: something was not done as one may expect."""
        self._warning(text)

    def summary(self, totals: Totals, *, left_out: int = 0, silent: int = 0) -> None:
        """Write the totals of several recordings on a terminal, or where the run was long."""
        if totals.done + left_out < 2 or not (self._terminal or self.verbose or totals.elapsed >= LONG):
            return
        sound = f"{totals.sound / 3600:.2f} h of sound in {clock(totals.elapsed)} ({totals.rates})"
        done = f"{pluralize(totals.done - totals.failed, 'recording')} done"
        parts = [f"{done}, {sound}" if totals.sound else done]
        parts += [f"{silent} without speech"] if silent else []
        parts += [f"{totals.failed} failed"] if totals.failed else []
        parts += [f"{left_out} were done before"] if left_out else []
        self.note("; ".join(parts))

    def detail(self, text: str) -> None:
        """Write a line for those who asked for `--verbose`."""
        if self.verbose:
            self._write(text)

    def _warning(self, message: Warning | str, *_: Any) -> None:
        if not self._quiet:
            self._write(f"Warning: {message}")

    def _write(self, text: str) -> None:
        with self._bar.cleared(), self._around():
            click.echo(highlight(printable(text)), err=True)
