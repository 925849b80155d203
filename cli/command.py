"""Commands with typed options: every dataclass among a function's parameters is a section of options.

@dataclass(frozen=True)
class Messages:
    title = "Messages"
    quiet: bool = option("-q", "--quiet", is_flag=True, help="Only errors.")

@command()
def example(messages: Messages) -> None:
    if not messages.quiet:
        ...
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Container, Iterator
from typing import Any, get_type_hints

import click
from click.core import ParameterSource

from vad.errors import SettingError, VadError, reason
from vad.formats import FORMATS

from .signals import Ended


def option(*flags: str, default: Any = None, parameter: str = "", **settings: Any) -> Any:
    """A field of an options dataclass, set by a command line option with these `flags`.

    `settings` are those of `click.option`. `parameter` is the library's name for the value, where
    it is not that of the field: an error about this parameter names the option.
    """
    if not settings.get("required"):  # a default of None would be a value, too
        settings["default"] = default
    return dataclasses.field(default=default, metadata={"flags": flags, "settings": settings, "parameter": parameter})


# Options of other detectors, and words that come to mind, with the options of this program.
SYNONYMS = {
    "--threshold": "--onset",
    "--neg-threshold": "--offset",
    "--min-duration-on": "--min-speech",
    "--min-duration-off": "--min-silence",
    "--min-speech-duration": "--min-speech",
    "--min-silence-duration": "--min-silence",
    "--max-speech-duration": "--max-speech",
    "--padding": "--pad-start",
    "--speech-pad": "--pad-start",
    "--out": "--output",
    "--workers": "--jobs",
    "--overwrite": "--force",
    "--labels": "--reference",
    "--reference": "--labels",
}


LAST = ("Output", "Scale", "Messages")  # sections of the help


class Option(click.Option):
    """An option that belongs to a section of the help, and sets a parameter of the library."""

    def __init__(self, declarations: list[str], *, section: str, parameter: str, **settings: Any) -> None:
        super().__init__(declarations, **settings)
        self.section, self.parameter = section, parameter

    @property
    def names_one_path(self) -> bool:
        """Whether the value is a path, of which a second one would silently replace the first; of settings the last
        counts, so that a command can add to those of an alias."""
        return isinstance(self.type, click.Path) and not self.multiple


class Command(click.Command):
    """A command whose help has sections, and whose library errors become one line that names the option.

    `extra` is the extra of the package without which the command cannot run.
    """

    def __init__(self, *arguments: Any, extra: str = "", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.extra = extra

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; an option of another program's name suggests the one of this."""
        try:
            given = self.make_parser(ctx).parse_args(list(args))[2]
            for param in given:
                if isinstance(param, Option) and param.names_one_path and given.count(param) > 1:
                    flag = max(param.opts, key=len)
                    raise click.UsageError(f"{flag}: given {given.count(param)} times; only one is possible.", ctx)
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            ours = SYNONYMS.get(error.option_name, "")
            if any(ours in param.opts for param in self.params):
                text = f"No such option {error.option_name!r}. Did you mean {ours!r}?"
                raise click.NoSuchOption(error.option_name, text, ctx=ctx) from error
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, in the order in which the sections begin, those in `LAST` after the others."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record:
                sections.setdefault(param.section if isinstance(param, Option) else "", []).append(record)
        rest = sections.pop("", [])  # --help
        titles = sorted(sections, key=lambda title: LAST.index(title) if title in LAST else -1) or ["Options"]
        for title in titles:
            with formatter.section(title):
                formatter.write_dl(sections.get(title, []) + (rest if title == titles[-1] else []))
        if any(param.metavar == "FORMAT" for param in self.params):
            with formatter.section("Label formats"):
                formatter.write_text(", ".join(FORMATS))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors of the library become those of click."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise click.UsageError(describe(error)) from error
        except VadError as error:
            raise click.ClickException(describe(error)) from error
        except ImportError as error:
            cause = error.__cause__ or error.__context__
            if isinstance(cause, (KeyboardInterrupt, Ended)):  # a signal came while a module was loading
                raise cause from None
            if "bad_alloc" in str(error) or "allocate memory" in str(error):
                raise MemoryError(str(error)) from error
            if not self.extra:
                raise
            from vad.extras import install_command

            missing = f"needs {error.name.partition('.')[0]}" if error.name else reason(error)
            raise click.ClickException(f"{missing}; {install_command(self.extra)}") from error


def command(name: str | None = None, *, extra: str = "") -> Callable[[Callable[..., None]], Command]:
    """Make a `Command` of a function, which gets an instance of each options dataclass among its parameters.

    A field of such a class that is no `option` is of another such class. The other parameters are
    those of `click.argument`.
    """

    def decorate(function: Callable[..., None]) -> Command:
        hints: dict[str, type[Any]] = get_type_hints(function)
        kinds = {key: kind for key, kind in hints.items() if dataclasses.is_dataclass(kind)}

        @functools.wraps(function)
        def run(**given: Any) -> None:
            for key, kind in kinds.items():
                given[key] = _filled(key, kind, given)
            function(**given)

        options: list[click.Parameter] = [one for key, kind in kinds.items() for one in _options(key, kind)]
        return click.command(name, cls=Command, params=options, extra=extra)(run)

    return decorate


def _options(key: str, kind: type[Any]) -> Iterator[Option]:
    """The options of a dataclass, and of those in it; their names begin with `key`."""
    for f in dataclasses.fields(kind):
        if not f.metadata:
            yield from _options(f"{key}_{f.name}", get_type_hints(kind)[f.name])
            continue
        yield Option(
            [*f.metadata["flags"], f"{key}_{f.name}"],
            section=getattr(kind, "title", "Options"),
            parameter=f.metadata["parameter"] or f.name,
            **f.metadata["settings"],
        )


def _filled(key: str, kind: type[Any], given: dict[str, Any]) -> Any:
    """An instance of a dataclass with its values in `given`, which are removed there."""
    values = {}
    for f in dataclasses.fields(kind):
        name = f"{key}_{f.name}"
        values[f.name] = given.pop(name) if f.metadata else _filled(name, get_type_hints(kind)[f.name], given)
    return kind(**values)


def refuse(parameters: Container[str], why: str) -> None:
    """Raise a usage error where an option of one of these `parameters` stands on the current command line."""
    context = click.get_current_context()
    for param in context.command.params:
        given = context.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
        if given and isinstance(param, Option) and param.parameter in parameters:
            raise click.UsageError(f"{max(param.opts, key=len)}: {why}; leave it out.")


def describe(error: Exception) -> str:
    """The message of `error`, with the options of the current command in place of the parameters that it names."""
    text, name = str(error), getattr(error, "parameter", None)
    context = click.get_current_context(silent=True)
    for param in context.command.params if name and context else ():
        if isinstance(param, Option) and (param.parameter == name or "_" in param.parameter):
            flag = max(param.opts, key=len)
            pattern = rf"(?<![\w./-]){re.escape(param.parameter)}(?![\w./-])"
            text, found = re.subn(pattern, flag, text, count=1)
            if param.parameter == name and not found:  # the message begins with the value
                text = f"{flag} {text}"
    return text
