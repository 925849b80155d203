"""What a terminal shows: colours, counts at the end, and text in place of JSON."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import COMMAND, DOUBLE, Write, invoke, run
from vad.cli.colors import highlight

RED, YELLOW, END = "\x1b[31m\x1b[1m", "\x1b[33m\x1b[1m", "\x1b[0m"


def on_a_terminal(*arguments: object, **changes: str) -> str:
    """What `vad` writes to a terminal that is its standard output and its standard error."""
    ours, theirs = os.openpty()
    command = [str(COMMAND), *map(str, arguments)]
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **changes}
    subprocess.run(command, stdout=theirs, stderr=theirs, env=environment, timeout=60, check=False)
    os.write(theirs, b"end")
    shown = b""
    while not shown.endswith(b"end"):
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    os.close(theirs)
    text = shown.removesuffix(b"end").decode().replace("\r\n", "\n")
    return re.sub(
        r"\r\x1b\[K(\[[# ]*\] [^\r\n]*\n?)?", "", text
    )  # without the progress bar, which a slow machine shows


@pytest.fixture
def sounds(write_bursts: Write) -> list[Path]:
    """Speech, silence, and a file that does not exist."""
    first = write_bursts("speech.wav", (1, 2))
    return [first, write_bursts("silence.wav"), first.with_name("gone.wav")]


def test_errors_are_red_and_a_batch_ends_with_counts(sounds: list[Path]) -> None:
    lines = on_a_terminal("detect", *DOUBLE, *sounds).splitlines()
    assert lines[-2].startswith(f"{RED}Error:{END} {sounds[2]}: ")
    assert lines[-1].startswith("2 recordings done, 0.00 h of sound in 0:0")
    assert lines[-1].endswith(f"; 1 without speech; {RED}1 failed{END}")


def test_wrong_usage_is_red(sounds: list[Path]) -> None:
    assert f"\n{RED}Error:{END} No such option" in on_a_terminal("detect", "--frobnicate", sounds[0])
    assert f"{RED}Error:{END} --onset=2" in on_a_terminal("detect", "--onset", "2", *DOUBLE, sounds[0])


def test_splitting_ends_with_counts_too(sounds: list[Path], tmp_path: Path) -> None:
    shown = on_a_terminal("split", *DOUBLE, *sounds, "-o", tmp_path / "out")
    assert f"{YELLOW}Warning:{END} {sounds[1]}: no speech" in shown
    assert "\n2 recordings done, 0.00 h of sound" in shown


@pytest.mark.parametrize("off", [("--no-color",), ()])
def test_colours_can_be_turned_off(sounds: list[Path], off: tuple[str, ...]) -> None:
    shown = on_a_terminal(*off, "detect", *DOUBLE, *sounds, **({} if off else {"NO_COLOR": "1"}))
    assert "\x1b[" not in shown and "1 failed" in shown


def test_without_a_terminal_there_are_neither_colours_nor_counts_unless_wanted(sounds: list[Path]) -> None:
    quiet = invoke("detect", *DOUBLE, *sounds, status=1).stderr
    assert "\x1b[" not in quiet and "recordings done" not in quiet
    assert run("--color", "detect", *DOUBLE, *sounds, status=1).stderr.startswith(RED)


def test_a_recording_without_speech_is_named(sounds: list[Path]) -> None:
    done = invoke("detect", *DOUBLE, sounds[1])
    assert (done.stdout, done.stderr) == ("", f"{sounds[1]}: no speech found\n")
    assert invoke("detect", *DOUBLE, "-q", sounds[1]).stderr == ""
    assert invoke("detect", *DOUBLE, sounds[0]).stderr == ""


def test_a_stream_on_a_terminal_writes_text(sounds: list[Path]) -> None:
    shown = on_a_terminal("stream", *DOUBLE, "-q", sounds[0])
    assert shown == invoke("stream", *DOUBLE, sounds[0], "-f", "text").stdout != ""
    assert on_a_terminal("stream", *DOUBLE, "-q", sounds[0], "-f", "jsonl").startswith('{"event": "header"')


def test_only_the_beginning_of_a_line_is_highlighted() -> None:
    text = "Error: a\nno Error: here\nWarning: b; 2 failed\n3 failed at once"
    shown = f"{RED}Error:{END} a\nno Error: here\n{YELLOW}Warning:{END} b; {RED}2 failed{END}\n3 failed at once"
    assert highlight(text) == shown
