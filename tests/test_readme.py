"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")
TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/pytest"


def console() -> list[tuple[str, str]]:
    """Commands in `console` blocks with the output shown below them."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [
        (command, output)
        for block in blocks
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


def test_the_readme_shows_commands_with_their_output() -> None:
    shown = [command for command, output in console() if output]
    assert len(shown) >= 3


@pytest.mark.parametrize(("command", "output"), console(), ids=lambda text: text[-40:])
def test_a_command_prints_what_the_readme_shows(command: str, output: str) -> None:
    if command == TEST_COMMAND:
        assert output == ""
        return
    last = command.rpartition("&& ")[2]
    program, *arguments = last.split()
    assert program in ("vad", ".venv/bin/vad")
    vad = Path(sys.executable).with_name("vad")
    done = subprocess.run([vad, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == output
    assert done.stderr == ""


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_examples_run(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(block, names)
    claimed = re.search(r"# \[(Segment\(.*?\)), \.\.\.\]", block)
    assert claimed is not None
    assert repr(names["detector"].detect("data/talk.flac")[0]) == claimed[1]  # type: ignore[attr-defined]


def test_the_ci_runs_the_test_command_of_the_readme() -> None:
    assert f"$ {TEST_COMMAND}\n" in README
    assert f"\n{TEST_COMMAND}\n" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README))
def test_links_lead_somewhere(link: tuple[str, str]) -> None:
    target = link[0] or link[1]
    assert target.startswith("https://") or (ROOT / target).exists()
