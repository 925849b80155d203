"""What the README shows is what happens. Run as a program, this file writes the outputs anew."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import COMMAND, ROOT
from vad import Detector

README = ROOT / "README.md"
TEXT = README.read_text("utf-8")
TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"
# A command after "$ " in a `console` block, and the lines of output below it.
SHOWN = re.compile(r"(?<=```console\n)\$ (?P<command>.*)\n(?P<output>(?:(?!```).*\n)*)(?=```)")


CLAIMED = re.compile(r"(?<=# \[)Segment\(.*?\)(?=, \.\.\.\])")


def first_segment() -> str:
    """What `Detector().detect("data/talk.flac")[0]` is."""
    return repr(Detector().detect(ROOT / "data" / "talk.flac")[0])


def run(command: str) -> str:
    """What the calls of `vad` in `command` print from the root of the repository, where they leave nothing."""
    calls = [words for part in command.split(" && ") if (words := part.split())[0] in ("vad", ".venv/bin/vad")]
    shown = ""
    with tempfile.TemporaryDirectory() as root:
        for path in ROOT.iterdir():
            Path(root, path.name).symlink_to(path)
        for _, *arguments in calls:
            done = subprocess.run([COMMAND, *arguments], cwd=root, capture_output=True, text=True, check=True)
            assert done.stderr == ""
            shown += done.stdout
    assert calls
    return shown


def test_the_readme_shows_commands_with_their_output() -> None:
    assert sum(bool(shown["output"]) for shown in SHOWN.finditer(TEXT)) >= 3
    assert len(SHOWN.findall(TEXT)) == TEXT.count("```console")


@pytest.mark.parametrize("shown", list(SHOWN.finditer(TEXT)), ids=lambda shown: shown["command"][-30:])
def test_a_command_prints_what_the_readme_shows(shown: re.Match[str]) -> None:
    if shown["command"] == TEST_COMMAND:
        assert shown["output"] == ""
    else:
        assert run(shown["command"]) == shown["output"]


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_python_examples_run(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(block, names)
    assert "segments" in names


def test_the_segment_that_the_readme_names_is_the_first_one() -> None:
    assert CLAIMED.findall(TEXT) == [first_segment()]


def test_the_ci_runs_the_test_command_of_the_readme() -> None:
    assert f"$ {TEST_COMMAND}\n" in TEXT
    assert f"\n{TEST_COMMAND}\n" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_links_lead_somewhere(link: str) -> None:
    assert link.startswith("https://") or (ROOT / link).exists()


def rewrite(shown: re.Match[str]) -> str:
    """A command with the output it has now."""
    output = "" if shown["command"] == TEST_COMMAND else run(shown["command"])
    return f"$ {shown['command']}\n{output}"


if __name__ == "__main__":
    README.write_text(CLAIMED.sub(first_segment(), SHOWN.sub(rewrite, TEXT)), "utf-8")
