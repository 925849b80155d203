"""The weights file that takes samples: equal to the package, in Python and in JavaScript."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from conftest import ENERGY, RATE, ROOT, invoke
from vad import Detector
from vad.audio.decode import read
from vad.features import LogMel
from vad.model.pretrained import Description
from vad.network import waveform
from vad.network.bilstm import NetworkSettings
from vad.network.causal import CausalNetwork, build
from vad.network.to_onnx import export

PAGE = (ROOT / "docs" / "embedding.md").read_text("utf-8")
SCRIPT = re.search(r"```js\n(.*?)```", PAGE, re.DOTALL)
PROGRAMS = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
NODE = shutil.which("node")


def has_web() -> bool:
    """Whether Node finds ONNX Runtime for the web, from the root of the repository or by NODE_PATH."""
    if not NODE:
        return False
    command = [NODE, "-e", "require.resolve('onnxruntime-web')"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("web") / "vad.onnx"
    result = invoke("export", "--waveform", "-o", str(path))
    assert "differ by at most" in result.stderr
    return path


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Longer than a window: speech, clatter, and both at another level."""
    both = [read(ROOT / "data" / name, RATE) for name in ("talk.flac", "dishes.flac")]
    return np.concatenate([*both, *both, *(0.01 * x for x in both)])[: 110 * RATE + 77]


def in_blocks(path: Path, samples: np.ndarray) -> np.ndarray:
    """The scores of a recording, block by block as the metadata say."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    said = json.loads(session.get_modelmeta().custom_metadata_map["waveform"])
    hop, scores = said["hop"], []
    frames = -(-len(samples) // hop)
    padded = np.pad(samples, (said["before"], said["after"] + frames * hop - len(samples)))
    for start in range(0, frames, said["block"]):
        first, last = max(0, start - said["left"]), min(frames, start + said["block"] + said["right"])
        window = padded[first * hop : last * hop + said["before"] + said["after"]]
        (found,) = session.run(["scores"], {"samples": window[None]})
        scores.append(found[0, start - first : start - first + said["block"]])
    return np.concatenate(scores)


@pytest.mark.parametrize("length", [1, 159, 160, 161, 16_000, None])
def test_its_scores_are_those_of_the_package(
    exported: Path, detector: Detector, sound: np.ndarray, length: int | None
) -> None:
    samples = sound[:length]
    expected = detector.scores(samples, sample_rate=RATE)
    found = in_blocks(exported, samples)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4
    if length is None:
        assert expected.max() > 0.9 and expected.min() < 0.1  # there is something to be equal in


def test_it_says_what_the_weights_file_says(exported: Path, detector: Detector) -> None:
    said = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    assert {key: said[key] for key in detector.description.to_metadata()} == detector.description.to_metadata()
    assert json.loads(said["waveform"])["sample_rate"] == RATE


def test_the_page_has_the_thresholds_of_the_model(detector: Detector) -> None:
    assert SCRIPT
    said = re.search(r"\[ONSET, OFFSET\] = (.*?);", SCRIPT[1])
    here = detector.description.thresholds["default"]
    assert said and json.loads(said[1]) == [here["onset"], here["offset"]]


def test_scores_that_are_off_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waveform.LogMel, "taper", np.ones(400, np.float32))  # of the graph, as the check comes after
    content = waveform.to_waveform(onnx.load(ENERGY), Detector(ENERGY)).SerializeToString()
    monkeypatch.undo()
    assert waveform.check(content, Detector(ENERGY)) > waveform.TOLERANCE
    monkeypatch.setattr(waveform, "check", lambda *_: 1.0)
    result = invoke("export", "--waveform", "-o", str(tmp_path / "x.onnx"), status=1)
    assert "off by 1" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("delays", [1, 6])
def test_a_causal_network_goes_on_from_its_state(tmp_path: Path, delays: int) -> None:
    torch.manual_seed(0)
    description = Description("live", "1", LogMel(), {"default": {"onset": 0.5, "offset": 0.3}}, {}, {})
    export(CausalNetwork(64, NetworkSettings(8, 8, 2, delays)), description, tmp_path / "live.onnx")
    live = Detector(tmp_path / "live.onnx")
    assert waveform.export_waveform(live, tmp_path / "vad.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "vad.onnx", providers=["CPUExecutionProvider"])
    samples = np.random.default_rng(1).normal(0, 0.1, (1, 240 + 160 * 40)).astype(np.float32)
    state = np.zeros((1, live.model.state_size), np.float32)
    (whole,) = session.run(["scores"], {"samples": samples, "state": state})
    parts = []
    for frame in range(0, 40, 8):
        piece = samples[:, 160 * frame : 160 * (frame + 8) + 240]
        part, state = session.run(["scores", "next_state"], {"samples": piece, "state": state})
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-6)


@pytest.mark.parametrize(("delays", "stride", "geometry"), [(0, 3, (798, 7998, 400)), (6, 4, None)])
def test_it_says_the_steps_of_its_network(
    tmp_path: Path, delays: int, stride: int, geometry: tuple[int, ...] | None
) -> None:
    network = NetworkSettings(8, 8, 1, delays, stride=stride, kernel=8)
    description = Description(
        "steps", "1", LogMel(), {"default": {"onset": 0.5, "offset": 0.3}}, {"network": asdict(network)}, {}
    )
    export(build(64, network), description, tmp_path / "model.onnx")
    said = waveform.contract(Detector(tmp_path / "model.onnx"))
    assert said["stride"] == stride
    assert geometry is None or tuple(said[name] for name in ("left", "block", "right")) == geometry


def test_without_waveform_it_is_the_weights_file(tmp_path: Path, detector: Detector) -> None:
    invoke("export", "-o", str(tmp_path / "x.onnx"))
    assert (tmp_path / "x.onnx").read_bytes() == detector.path.read_bytes()


def test_the_python_of_the_documentation_finds_what_the_package_finds(
    exported: Path, detector: Detector, sound: np.ndarray, tmp_path: Path
) -> None:
    program, _ = PROGRAMS
    integers = np.round(sound * 32768).clip(-32768, 32767).astype("<i2")
    integers.tofile(tmp_path / "talk.pcm")
    command = [sys.executable, "-I", "-c", program, exported, tmp_path / "talk.pcm"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    scores = detector.scores(integers, sample_rate=RATE)
    assert np.abs(np.array(found["scores"]) - scores).max() < 5e-6  # as the page says
    plain = detector.segment(scores, min_speech=0, min_silence=0)
    assert found["segments"] == [pytest.approx(segment, abs=0.0051) for segment in plain]


@pytest.mark.skipif(not has_web(), reason="no Node with onnxruntime-web here")
def test_the_javascript_of_the_documentation_finds_what_the_package_finds(
    exported: Path, detector: Detector, sound: np.ndarray, tmp_path: Path
) -> None:
    assert SCRIPT and NODE
    integers = np.round(sound * 32768).clip(-32768, 32767).astype("<i2")
    (tmp_path / "sound.pcm").write_bytes(integers.tobytes())
    source = SCRIPT[1].replace("process.argv.slice(2)", "process.argv.slice(1)")  # -e leaves no file name there
    command = [NODE, "-e", source, "--", str(exported), str(tmp_path / "sound.pcm")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    expected = detector.scores(integers, sample_rate=RATE)
    assert np.abs(np.array(found["scores"]) - expected).max() < 1e-3
    settings = {"min_speech": 0, "min_silence": 0}
    spans = [[s.start, s.end] for s in detector.segment(np.array(found["scores"], np.float32), **settings)]
    assert found["segments"] == spans
    for name, value in detector.description.thresholds["default"].items():
        assert f"{value:g}" in SCRIPT[1], name


def test_the_live_python_of_the_documentation_gives_the_scores_of_a_stream(
    detector: Detector, sound: np.ndarray, tmp_path: Path
) -> None:
    _, program = PROGRAMS
    invoke("export", "speech-1-live", "--waveform", "-o", str(tmp_path / "live.onnx"))
    integers = np.round(sound[: 10 * RATE] * 32768).clip(-32768, 32767).astype("<i2")
    integers.tofile(tmp_path / "talk.pcm")
    command = [sys.executable, "-I", "-c", program, tmp_path / "live.onnx", tmp_path / "talk.pcm"]
    found = np.array(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    scores = detector.scores(integers, sample_rate=RATE, latency=0.1)
    assert len(scores) - len(found) == 8  # a block, and the delay
    assert np.abs(found - scores[: len(found)]).max() < 5e-6
