"""Another device, run by torch, gives the scores of ONNX Runtime. "cpu:0" is torch's name for one that all have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import COMMAND, ENERGY
from vad import Detector, ModelError, SettingError
from vad.audio.decode import open_sound

DEVICES = ["cpu:0", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


DEVICE = ["--device", "cpu:0"]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("latency", [None, 0.1, 1.0])
def test_scores_are_those_of_the_processor(talk: Path, device: str, latency: float | None) -> None:
    there, here = Detector(device=device), Detector()
    scores = there.scores(talk, latency=latency)
    assert type(there.model.runtime) is not type(here.model.runtime)
    np.testing.assert_allclose(scores, here.scores(talk, latency=latency), atol=1e-3)
    assert there.for_latency(0.1).device == device


@pytest.mark.parametrize("device", DEVICES)
def test_batches_and_threads_change_nothing_that_matters(talk: Path, device: str) -> None:
    detector = Detector(device=device)
    found = [detector.analyse(open_sound(talk), detector.settings(), threads=threads)[0] for threads in (1, 3)]
    assert found[0].segments == found[1].segments == Detector().detect(talk)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command_takes_it(talk: Path, jobs: str, tmp_path: Path) -> None:
    other = tmp_path / "again.flac"
    other.write_bytes(talk.read_bytes())
    command = [COMMAND, "detect", talk, other, "--jobs", jobs, "--format", "csv"]
    here, there = (subprocess.run([*command, *how], stdout=subprocess.PIPE, check=True) for how in ([], DEVICE))
    assert here.stdout.count(b"\n") > 10
    assert there.stdout == here.stdout


@pytest.mark.parametrize("device", ["gpu", "cuda:99", ""])
def test_one_that_is_not_there_is_one_line(talk: Path, device: str) -> None:
    with pytest.raises(SettingError, match=f"^device {device}: torch cannot use it here .*; give cpu or another$"):
        Detector(device=device)


def test_one_that_cannot_work_is_one_line(talk: Path) -> None:
    with pytest.raises(SettingError, match=r"^device meta: torch cannot use it here .*; give cpu or another$"):
        Detector(device="meta").detect(talk)


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "vad.network.device", raising=False)
    with pytest.raises(SettingError, match=r"device cuda: needs torch .* pip install 'vad-bilstm\[train\]'"):
        Detector(device="cuda")


def test_weights_that_torch_does_not_know_are_refused() -> None:
    with pytest.raises(ModelError, match=r"energy\.onnx: its network is none that torch can make again"):
        Detector(ENERGY, device="cpu:0")
