"""`vad info`, `vad --help` and `vad --version`."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from conftest import ENERGY, invoke
from vad import Detector, Segmentation, __version__
from vad.model.pretrained import copy_described
from vad.settings import PRESETS


class TestInfo:
    def test_info_says_what_a_model_is(self) -> None:
        lines = invoke("info", ENERGY).stdout.splitlines()
        assert lines[0] == "energy, version 1"
        rows = {cells[0]: cells[1:] for line in lines if (cells := line.split())}
        assert rows["preset"] == [field.name for field in fields(Segmentation)]
        assert rows["asr"] == ["0.5", "0.35", "0.1", "0.6", "0.2", "0.3", "30"]
        assert rows.keys() >= PRESETS.keys()
        assert "n_mels" not in rows and "sha256:" not in rows

    def test_raw_settings_are_for_those_who_ask(self) -> None:
        text = invoke("info", "-v").stdout
        assert {"n_mels", "learning_rate", "sha256:"} <= set(text.split())

    def test_info_says_what_it_was_trained_on_and_how_well_it_does(self) -> None:
        text = invoke("info").stdout
        assert "h of speech, " in text and "speech-1-live, version " in text
        assert re.search(r"^results on +AUC +cost %", text, re.MULTILINE)

    def test_an_adapted_model_names_its_base(self, tmp_path: Path) -> None:
        path, about = tmp_path / "mine.onnx", Detector(ENERGY).description
        training = {
            "base": {"name": "speech-1", "version": "4", "data": [{"kind": "speech", "hours": 12.25}]},
            "data": [{"kind": "speech", "hours": 0.25}],
            "results": {"recordings, left out": {"auc": 0.98, "miss": 0.0123}},
            "verdict": ["better on 7 of 8 recordings"],
        }
        copy_described(ENERGY, path, replace(about, training=training))
        text = invoke("info", path).stdout
        assert "adapted from:  speech-1, version 4, trained on 12.2 h of speech\n" in text
        assert "trained on:    0.2 h of speech\n" in text
        assert re.search(r"recordings, left out  0.980 +1.23\n", text)
        assert "better on 7 of 8 recordings\n" in text

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
