"""What the README and the pages in `docs` show is what happens. Run as a program, this file writes the outputs anew.

A `console` block is a command and what it prints, a `python` block runs as it stands; `py` blocks
hold the code of other packages.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

import click
import pytest

from conftest import COMMAND, ROOT
from vad import Detector
from vad.cli import main

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference.md"
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in [README, *ROOT.glob("docs/*.md")]}
TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"
# A command after "$ " in a `console` block, and the lines of output below it.
SHOWN = re.compile(r"(?<=```console\n)\$ (?P<command>.*)\n(?P<output>(?:(?!```).*\n)*)(?=```)")
CLAIMED = re.compile(r"(?<=# \[)Segment\(.*?\)(?=, \.\.\.\])")


def each(pattern: str | re.Pattern[str]) -> list[object]:
    """What `pattern` finds in all pages, as cases of a test: the page and the match."""
    return [
        pytest.param(page, found, id=f"{page}-{' '.join(found[0].split())[:40]}")
        for page, text in TEXTS.items()
        for found in re.finditer(pattern, text)
    ]


def first_segment() -> str:
    """What `Detector().detect("data/talk.flac")[0]` is."""
    return repr(Detector().detect(ROOT / "data" / "talk.flac")[0])


def run(command: str) -> str:
    """What the calls of `vad` in `command` print from the root of the repository, where they leave nothing."""
    calls = [words for part in command.split(" && ") if (words := part.split())[0] in ("vad", ".venv/bin/vad")]
    narrow = {**os.environ, "COLUMNS": "80"}
    shown = ""
    with tempfile.TemporaryDirectory() as root:
        for path in ROOT.iterdir():
            Path(root, path.name).symlink_to(path)
        for _, *arguments in calls:
            done = subprocess.run(
                [COMMAND, *arguments], cwd=root, env=narrow, capture_output=True, text=True, check=True
            )
            assert done.stderr == ""
            shown += done.stdout
    assert calls
    return shown


def commands(group: click.Group, words: tuple[str, ...] = ("vad",)) -> list[str]:
    """Every command and subcommand, as it is called."""
    found = [" ".join(words)]
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        found += commands(command, (*words, name)) if isinstance(command, click.Group) else [" ".join((*words, name))]
    return found


def test_the_readme_shows_commands_with_their_output() -> None:
    assert sum(bool(shown["output"]) for shown in SHOWN.finditer(TEXTS["README.md"])) >= 3
    for text in TEXTS.values():
        assert len(SHOWN.findall(text)) == text.count("```console")


@pytest.mark.parametrize(("page", "shown"), each(SHOWN))
def test_a_command_prints_what_is_shown(page: str, shown: re.Match[str]) -> None:
    if shown["command"] == TEST_COMMAND:
        assert shown["output"] == ""
    else:
        assert shown["output"], "an example that prints nothing shows nothing"
        assert run(shown["command"]) == shown["output"]


@pytest.mark.parametrize(("page", "block"), each(r"```python\n((?:.|\n)*?)```"))
def test_python_examples_run(page: str, block: re.Match[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(block[1], names)
    assert "segments" in names


def test_the_segment_that_is_named_is_the_first_one() -> None:
    claimed = [segment for text in TEXTS.values() for segment in CLAIMED.findall(text)]
    assert set(claimed) == {first_segment()}


def test_the_reference_has_the_help_of_every_command() -> None:
    assert re.findall(r"\$ (.*) --help", REFERENCE.read_text("utf-8")) == commands(main)


def test_the_ci_runs_the_test_command_of_the_readme() -> None:
    assert f"$ {TEST_COMMAND}\n" in TEXTS["README.md"]
    assert f"\n{TEST_COMMAND}\n" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize(("page", "link"), each(r"\]\(([^)#]+)[^)]*\)"))
def test_links_lead_somewhere(page: str, link: re.Match[str]) -> None:
    assert link[1].startswith("https://") or (ROOT / Path(page).parent / link[1]).exists()


def rewrite(shown: re.Match[str]) -> str:
    """A command with the output it has now."""
    output = "" if shown["command"] == TEST_COMMAND else run(shown["command"])
    return f"$ {shown['command']}\n{output}"


def reference() -> str:
    """The page with the help of every command, its outputs still to be written."""
    parts = [f"## {name}\n\n```console\n$ {name} --help\n```\n" for name in commands(main)]
    return "# Reference\n\nWhat every command says of itself.\n\n" + "\n".join(parts)


if __name__ == "__main__":
    REFERENCE.parent.mkdir(exist_ok=True)
    REFERENCE.write_text(reference(), "utf-8")
    for page, text in (TEXTS | {"docs/reference.md": reference()}).items():
        (ROOT / page).write_text(CLAIMED.sub(first_segment(), SHOWN.sub(rewrite, text)), "utf-8")
