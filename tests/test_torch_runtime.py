"""Another device, run by torch, gives the scores of ONNX Runtime. "cpu:0" is torch's name for one that all have."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from conftest import ENERGY, RATE, invoke, run
from vad import Detector, ModelError, SettingError
from vad.audio.decode import open_sound

DEVICES = ["cpu:0", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
DEVICE = ["--device", "cpu:0"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """torch with one thread: more of them wait for each other where other programs run, too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def sound(talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a talker, with two segments of speech."""
    path = tmp_path_factory.mktemp("sound") / "talk.wav"
    soundfile.write(path, soundfile.read(talk, dtype="int16")[0][4 * RATE : 8 * RATE], RATE)
    return path


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("latency", [None, 0.1, 1.0])
def test_scores_are_those_of_the_processor(sound: Path, device: str, latency: float | None) -> None:
    there, here = Detector(device=device), Detector()
    scores = there.scores(sound, latency=latency)
    assert type(there.model.runtime) is not type(here.model.runtime)
    np.testing.assert_allclose(scores, here.scores(sound, latency=latency), atol=1e-3)
    assert there.for_latency(0.1).device == device


@pytest.mark.parametrize("device", DEVICES)
def test_batches_and_threads_change_nothing_that_matters(talk: Path, device: str) -> None:
    """The whole recording in blocks of a second, so that there are batches for several threads."""
    detector, here = Detector(device=device), Detector()
    found = [
        detector.analyse(open_sound(talk), detector.settings(), latency=1.0, threads=threads)[0] for threads in (1, 3)
    ]
    expected = here.analyse(open_sound(talk), here.settings(), latency=1.0)[0]
    assert len(expected.segments) > 5
    assert found[0].segments == found[1].segments == expected.segments


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command_takes_it(sound: Path, jobs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "again.wav"
    other.write_bytes(sound.read_bytes())
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    command = ["detect", sound, other, "--format", "csv"]
    here = invoke(*command)
    there = (invoke if jobs == "1" else run)(*command, *DEVICE, "--jobs", jobs)
    assert here.stdout.count("\n") > 4
    assert there.stdout == here.stdout


def test_torch_reads_the_weights_once_and_opens_no_other_runtime(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    weights = tmp_path / "ours.onnx"
    weights.write_bytes(Detector().path.read_bytes())
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    opened = []
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *how: (opened.append(self), real(self, *how))[1])
    assert Detector(weights, device="cpu:0").detect(sound)
    assert opened.count(weights) == 1


@pytest.mark.parametrize("device", ["gpu", "cuda:99", ""])
def test_one_that_is_not_there_is_one_line(device: str) -> None:
    with pytest.raises(SettingError, match=f"^device {device}: torch cannot use it here .*; give cpu or another$"):
        Detector(device=device)


def test_one_that_fails_at_work_is_one_line(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory\nTried to allocate 2 GiB")

    monkeypatch.setattr(torch.nn.LSTM, "forward", fail)
    with pytest.raises(SettingError, match=r"^device cpu:0: torch cannot use it here \(out of memory\); give cpu or"):
        Detector(device="cpu:0").detect(sound)


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "vad.network.torch_runtime", raising=False)
    with pytest.raises(SettingError, match=r"device cuda: needs torch .*\[train\]"):
        Detector(device="cuda")


def test_weights_that_torch_does_not_know_are_refused() -> None:
    with pytest.raises(ModelError, match=r"energy\.onnx: its network is none that torch can make again"):
        Detector(ENERGY, device="cpu:0")
