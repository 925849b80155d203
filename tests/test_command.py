"""Options as dataclasses: values, sections of the help, and errors that name the option."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from vad import SettingError, VadError
from vad.cli import COMMANDS, main
from vad.cli.command import SYNONYMS, Command, command, option


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


@pytest.mark.parametrize("command", ["train", "export", "trim x", "data gather x", "data import x", "data label x"])
def test_a_required_option_that_is_missing_is_named(command: str) -> None:
    done = CliRunner().invoke(main, command.split())
    assert done.exit_code == 2 and "Missing option '-o' / '--output'" in done.stderr


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
    words = ["Input:", "--count", "--save", "Output:", "--tally", "--help"]
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


@pytest.mark.parametrize("name", ["detect", "split", "trim", "stream", "evaluate", "tune"])
def test_the_help_leads_with_three_examples_and_lists_formats_once(name: str) -> None:
    text = CliRunner().invoke(main, [name, "--help"], prog_name="vad", terminal_width=78).stdout
    examples = text.split("\n\n")[2].splitlines()
    assert len(examples) == 3 and all(f"vad {name}" in line for line in examples)
    assert text.count("textgrid") <= 1
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["detcet"], "No such command 'detcet'. Did you mean detect?"),
        (["talk.mp3"], "No such command 'talk.mp3'. To find the speech in it: vad detect talk.mp3"),
        (["my talk.MP4"], "To find the speech in it: vad detect 'my talk.MP4'"),
        (["s3://bucket/talk"], "To find the speech in it: vad detect s3://bucket/talk"),
        (["xyzzy"], "No such command 'xyzzy'.\n"),
        (["detect", "--threshold", "0.5", "a.wav"], "No such option '--threshold'. Did you mean '--onset'?"),
        (["compare", "--labels", "a.txt", "a.wav"], "No such option '--labels'. Did you mean '--reference'?"),
        (["split", "--overwrite", "a.wav"], "No such option '--overwrite'. Did you mean '--force'?"),
        (["convert", "--threshold", "0.5", "a", "b"], "No such option '--threshold'.\n"),
        (["detect", "--ofset", "0.5", "a.wav"], "No such option '--ofset'. (Did you mean one of: '--offset',"),
        (["detect", "a.wav", "-f", "doc"], "Invalid value for '-f' / '--format': 'doc' is not one of 'text',"),
        (["detect", "a.wav", "--model", "nope"], "Error: --model nope: no such weights file"),
        (["detect", "a.wav", "-o", "{nope}.srt"], "Error: --output {nope}.srt: not a template"),
        (["detect", "a.wav", "--scores", "{nope}.npz"], "Error: --scores {nope}.npz: not a template"),
    ],
)
def test_what_is_mistyped_gets_a_hint(arguments: list[str], hint: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code in (1, 2) and hint in done.stderr


@pytest.mark.parametrize("name", ["detect", "compare", "tune"])
def test_a_synonym_is_never_an_option_of_the_command_that_has_what_it_stands_for(name: str) -> None:
    found = main.get_command(click.Context(main), name)
    assert found
    flags = {flag for param in found.params for flag in param.opts}
    assert not any(synonym in flags and ours in flags for synonym, ours in SYNONYMS.items())
    assert name != "detect" or set(SYNONYMS.values()) - flags == {"--labels", "--reference"}


def test_choices_may_be_written_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1\t2\n")
    done = CliRunner().invoke(main, ["convert", str(tmp_path / "a.txt"), "-", "-f", "SRT"])
    assert done.stdout.startswith("1\n00:00:01,000 --> 00:00:02,000\n")
