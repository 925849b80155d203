"""Options as dataclasses: values, sections of the help, and errors that name the option."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner

from vad import SettingError, VadError
from vad.cli import COMMANDS, main
from vad.cli.command import Command, command, option


@dataclass(frozen=True)
class InputOptions:
    title = "Input"
    count: int = option("-n", "--count", type=int, default=3, show_default=True, help="How many.")
    names: tuple[str, ...] = option("--name", multiple=True, default=())


@dataclass(frozen=True)
class MoreInputOptions(InputOptions):
    target: str | None = option("--save", parameter="min_target", help="Where to.")

    def __post_init__(self) -> None:
        if self.count < 0:
            raise SettingError(f"count={self.count}: give 0 or more", "count")


@dataclass(frozen=True)
class OutputOptions:
    title = "Output"
    count: bool = option("--tally", is_flag=True, default=False, help="A field of the same name as another group's.")


def run(*arguments: str) -> tuple[object, ...]:
    """What a command with these arguments gets."""
    got: list[object] = []

    @command()
    @click.argument("path")
    def example(path: str, source: MoreInputOptions, output: OutputOptions) -> None:
        got.extend([path, source, output])

    assert CliRunner().invoke(example, list(arguments), standalone_mode=False, catch_exceptions=False).exception is None
    return tuple(got)


def failing(error: Exception) -> Command:
    """A command that raises `error`."""

    @command()
    def example(source: MoreInputOptions) -> None:
        raise error

    return example


def test_a_function_gets_its_arguments_and_a_dataclass_per_group() -> None:
    assert run("a") == ("a", MoreInputOptions(3, ()), OutputOptions(False))
    given = run("a", "-n", "5", "--name", "x", "--name", "y", "--save", "z", "--tally")
    assert given == ("a", MoreInputOptions(5, ("x", "y"), "z"), OutputOptions(True))


def test_an_options_dataclass_has_the_defaults_of_the_command_line() -> None:
    assert MoreInputOptions() == run("a")[1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        MoreInputOptions().count = 4  # type: ignore[misc]


def test_the_help_has_a_section_per_title_and_base_options_come_first() -> None:
    @command()
    def example(output: OutputOptions, source: MoreInputOptions) -> None:
        """Do nothing."""

    text = CliRunner().invoke(example, ["--help"]).stdout
    words = ["Output:", "--tally", "Input:", "--count", "--save", "--help"]
    assert [word for word in text.split() if word in words] == words


@pytest.mark.parametrize(
    ("error", "line", "status"),
    [
        (SettingError("count=-1: give 0 or more", "count"), "--count=-1: give 0 or more", 2),
        (VadError("count.wav: exists; give another count", "count"), "count.wav: exists; give another --count", 1),
        (SettingError("count=1 is below min_target", "count"), "--count=1 is below --save", 2),
        (VadError("min_target is missing"), "min_target is missing", 1),
        (SettingError("nothing=1: there is no such option", "nothing"), "nothing=1: there is no such option", 2),
    ],
)
def test_an_error_names_the_option_of_the_parameter(error: VadError, line: str, status: int) -> None:
    done = CliRunner().invoke(failing(error), [])
    assert (done.stderr, done.exit_code) == (f"Error: {line}\n", status)


def test_what_a_group_refuses_is_wrong_usage() -> None:
    done = CliRunner().invoke(failing(AssertionError()), ["-n", "-1"])
    assert (done.stderr, done.exit_code) == ("Error: --count=-1: give 0 or more\n", 2)


def leaves(group: click.Group) -> list[click.Command]:
    """Every command and subcommand."""
    found = []
    for name in group.list_commands(click.Context(group)):
        one = group.get_command(click.Context(group), name)
        assert one
        found += leaves(one) if isinstance(one, click.Group) else [one]
    return found


def test_every_option_has_a_help_text_and_a_flag_of_its_own() -> None:
    commands = leaves(main)
    assert len(commands) >= len(COMMANDS)
    for one in commands:
        options = [param for param in one.params if isinstance(param, click.Option)]
        assert all(param.help for param in options), one.name
        flags = [flag for param in options for flag in [*param.opts, *param.secondary_opts]]
        assert len(flags) == len(set(flags)), one.name
