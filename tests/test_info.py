"""`vad info`, `vad --help` and `vad --version`."""

from __future__ import annotations

import json

import pytest

from conftest import ENERGY, invoke
from vad import __version__


class TestInfo:
    def test_info_says_what_a_model_is(self) -> None:
        result = invoke("info", ENERGY)
        assert {"name:", "version:", "features:", "thresholds:", "sha256:"} <= set(result.stdout.split())
        assert "energy" in result.stdout

    def test_info_as_json(self) -> None:
        content = json.loads(invoke("info", ENERGY, "--json").stdout)
        assert (content["name"], content["version"], content["path"]) == ("energy", "1", str(ENERGY))
        assert content["size"] == ENERGY.stat().st_size
        assert content["features"]["hop"] == 160
        assert content["thresholds"]["default"] == {"onset": 0.5, "offset": 0.35}

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_help_names_the_commands_and_the_exit_status(self, flag: str) -> None:
        result = invoke(flag)
        assert all(word in result.stdout for word in ("detect", "info", "train", "Exit status"))

    def test_help_of_detect_names_every_setting_with_its_default(self) -> None:
        text = " ".join(invoke("detect", "--help").stdout.split())
        assert "Drop shorter speech (pyannote: min_duration_on). [default: 0.1 s, or the model's]" in text
        for flag in ("--onset", "--offset", "--min-silence", "--pad-start", "--pad-end", "--max-speech"):
            assert flag in text

    def test_the_version_is_that_of_the_package(self) -> None:
        assert invoke("--version").stdout == f"vad, version {__version__}\n"
