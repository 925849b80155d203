"""What helps to get started: `vad doctor` and `vad completion`."""

from __future__ import annotations

import importlib
import os
import subprocess

import pytest

from conftest import COMMAND, invoke
from vad import Detector, __version__
from vad.extras import install_command


def test_doctor_names_what_is_there_and_runs_the_models() -> None:
    result = invoke("doctor")
    model = f"speech-1 {Detector().description.version} works"
    for part in (f"vad {__version__}", "onnxruntime ", "[train] torch 2.", model, "FLAC", "opus", "GPU"):
        assert part in result.stdout


def test_doctor_says_what_fails_and_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("vad.cli.commands.doctor")
    monkeypatch.setattr(module, "NEEDED", ("numpy", "no-such-package"))
    monkeypatch.setitem(module.EXTRAS, "mic", ("no_such_module",))
    result = invoke("doctor", status=1)
    assert "packages     fails: No package metadata was found for no-such-package" in result.stdout
    assert f"[mic] without no_such_module; {install_command('mic')}" in result.stdout
    assert "works" in result.stdout  # the other checks are made all the same
    assert "install the package again" in result.stderr


def test_bash_completes_commands_and_options() -> None:
    script = """
        source <(vad completion bash)
        for words in "det" "detect --ons"; do
            COMP_WORDS=(vad $words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _vad_completion vad
            echo "${COMPREPLY[*]}"
        done
    """
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "detect\n--onset\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_completion(shell: str) -> None:
    assert "_VAD_COMPLETE" in invoke("completion", shell).stdout
