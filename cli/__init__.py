"""The command line: `vad COMMAND ...`. One file per command, imported when the command is called."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import io
import os
import shlex
import sys
from typing import Any

import click

from vad import __version__

from .colors import highlight
from .signals import ending

NO_MEMORY = "not enough memory; raise the limit (ulimit -v) or lower --jobs"
INTERRUPTED = 130  # exit status of a program that Ctrl-C ended, 128 + SIGINT

# Listed here, so that `vad --help` need not import the commands.
COMMANDS = {
    "detect": "Find the speech in sound files.",
    "stream": "Find the speech in live sound: microphone, pipe or file.",
    "evaluate": "Measure how well speech is found.",
    "compare": "Compare detectors on your own sound.",
    "plot": "Draw sound, scores and segments (needs the [plot] extra).",
    "review": "See, hear and correct in the browser (needs the [review] extra).",
    "split": "Cut sound files into a file per segment.",
    "trim": "Cut the silence out of sound and video files.",
    "play": "Hear what was found, and only that (needs the [mic] extra).",
    "remap": "Bring labels of a trimmed file back to the original's times.",
    "convert": "Turn labels of one format into another.",
    "tune": "Find the settings that suit labelled recordings.",
    "info": "Show what a weights file is.",
    "export": "Write a model for other programs: C++, mobile, browsers.",
    "data": "Check, label and import data for training.",
    "train": "Train a model (needs the [train] extra).",
    "doctor": "Show what is installed and what of it works.",
    "completion": "Make a shell complete commands and options.",
}


class _Commands(click.Group):
    """Imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"No such command {name!r}.{_suggestion(name)}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f".commands.{name}", __package__), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *arguments: Any, standalone_mode: bool = True, **settings: Any) -> Any:
        # Imports create many objects, none of them garbage: to search them takes a sixth of a short run
        gc.set_threshold(50_000)
        atexit.register(gc.freeze)
        _open_closed_streams()
        with ending():
            run: Any = super().main if not standalone_mode else self._run
            return run(*arguments, standalone_mode=False, **settings)

    def _run(self, *arguments: Any, **settings: Any) -> None:
        """Run as a program: errors become messages in colour, and the exit status."""
        if os.environ.get("NO_COLOR"):  # https://no-color.org
            settings.setdefault("color", False)
        try:
            run: Any = super().main
            status = run(*arguments, **settings)
        except click.ClickException as error:
            color = error.ctx.color if isinstance(error, click.UsageError) and error.ctx else settings.get("color")
            _show(error, color)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("Aborted!", err=True)
            sys.exit(INTERRUPTED)
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of the output has closed it
                raise
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise click.ClickException(f"{error.strerror}; raise the limit (ulimit -n) or lower --jobs") from error
            raise click.ClickException(f"{error.filename or 'standard output'}: {error.strerror}") from error
        except MemoryError as error:
            raise click.ClickException(NO_MEMORY) from error
        finally:
            _discard_unwritable_output()


def _open_closed_streams() -> None:
    """Whoever reads from standard input that is closed (`<&-`), or writes to such output, gets an error.

    As with other programs, messages are lost where standard error is closed.
    """
    for name, way, mode in (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            stream = os.fdopen(os.open(os.devnull, way), mode, encoding="utf-8")
            stream.buffer.raw.name = f"<{name}>"  # type: ignore[attr-defined]
            setattr(sys, name, stream)


def _show(error: click.ClickException, color: bool | None) -> None:
    """Write the message of an error, without colours where memory does not even suffice for that."""
    try:
        text = io.StringIO()
        error.show(text)
        click.echo(highlight(text.getvalue()), err=True, nl=False, color=color)
    except MemoryError:
        os.write(2, f"Error: {NO_MEMORY}\n".encode())


def _suggestion(name: str) -> str:
    """What somebody may have meant by a command that does not exist."""
    import difflib
    from pathlib import Path

    from vad.settings import EXTENSIONS

    if os.path.exists(name) or "://" in name or Path(name).suffix.lower() in EXTENSIONS:
        return f" To find the speech in it: vad detect {shlex.quote(name)}"
    close = difflib.get_close_matches(name, COMMANDS, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _discard_unwritable_output() -> None:
    """Empty the buffer of standard output where it cannot be written: Python would try, and complain, again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _set_color(ctx: click.Context, param: click.Parameter, value: bool | None) -> None:
    """Use colours in this command and in its errors, also those about the options that follow."""
    if value is not None:
        ctx.color = value


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vad")
@click.option(
    "--color/--no-color",
    default=None,
    is_eager=True,
    expose_value=False,
    callback=_set_color,
    help="Colours in messages.  [default: on a terminal]",
)
def main() -> None:
    """Find where in sound somebody speaks.

    Results go to standard output, everything else to standard error. Exit status: 0 everything is
    done, 1 an input failed (the others are still done), 2 wrong usage, 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is escaped
            stream.reconfigure(errors="backslashreplace")
