"""Model files that are damaged or of others work or are refused with one clear line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ENERGY, RATE, SOUND, error_line, invoke, run, write_wav
from vad import Detector, ModelError, VadError
from vad.features import LogMel
from vad.model.pretrained import Description


def describe(**changes: Any) -> str:
    """The metadata of the model double, with changes."""
    thresholds = {"default": {"onset": 0.5, "offset": 0.35}}
    about = Description("strange", "1", LogMel(), thresholds, {}, {}).to_metadata()["vad"]
    return json.dumps({**json.loads(about), **changes})


def write_onnx(path: Path, metadata: dict[str, str], inputs: str = "features", shape: str = "scores") -> Path:
    """A network that takes the largest of 64 bands; `shape` says what is wrong with its scores."""
    onnx = pytest.importorskip("onnx", reason="onnx makes the models of this test")
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    taken = helper.make_tensor_value_info(inputs, kind, ["window", "frame", 64])
    if shape == "scores":
        nodes, rank = [helper.make_node("ReduceMax", [inputs], ["loud"], axes=[2], keepdims=0)], 2
        nodes.append(helper.make_node("Sigmoid", ["loud"], ["scores"]))
    elif shape == "one per window":
        nodes, rank = [helper.make_node("ReduceMax", [inputs], ["scores"], axes=[1, 2], keepdims=0)], 1
    else:
        nodes, rank = [helper.make_node("Sigmoid", [inputs], ["scores"])], 3
    given_out = helper.make_tensor_value_info("scores", kind, [f"d{i}" for i in range(rank)])
    graph = helper.make_graph(nodes, "strange", [taken], [given_out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "tail cut": lambda content: content[:-30],
    "random": lambda content: np.random.default_rng(2).bytes(4000),
    "text": lambda content: b"This is not a model.\n" * 20,
    "zeros": lambda content: bytes(1000),
}


class TestModels:
    @pytest.mark.parametrize("damage", DAMAGED)
    @pytest.mark.parametrize("command", ["detect", "info"])
    def test_a_damaged_file_is_named(self, tmp_path: Path, damage: str, command: str) -> None:
        path, good = tmp_path / "model.onnx", tmp_path / "good.wav"
        path.write_bytes(DAMAGED[damage](ENERGY.read_bytes()))
        write_wav(good)
        arguments = ["info", path] if command == "info" else ["detect", "--model", path, good]
        result = invoke(*arguments, status=1)
        assert result.stdout == ""
        assert str(path) in error_line(result.stderr)
        with pytest.raises(ModelError, match=re.escape(str(path))):
            Detector(path)

    def test_a_damaged_file_is_one_line_of_a_real_process(self, tmp_path: Path) -> None:
        path = tmp_path / "model.onnx"
        path.write_bytes(ENERGY.read_bytes()[:200])
        done = run("info", path, status=1)
        assert done.stdout == ""
        assert str(path) in error_line(done.stderr)

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(places=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
    def test_a_model_with_wrong_bytes_works_or_is_refused(
        self, tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
    ) -> None:
        content = bytearray(ENERGY.read_bytes())
        for where, value in places:
            content[where % len(content)] = value
        path = tmp_path_factory.getbasetemp() / "mutated.onnx"
        path.write_bytes(content)
        try:
            Detector(path).detect(SOUND, sample_rate=RATE)
        except VadError as error:
            assert len(str(error).splitlines()) == 1

    @pytest.mark.parametrize("name", ["no-such-model", "no/such/model.onnx", "../energy", "speech-1.onnx.bak"])
    def test_an_unknown_model_is_named_with_those_there_are(self, tmp_path: Path, name: str) -> None:
        write_wav(tmp_path / "good.wav")
        result = invoke("detect", "--model", name, tmp_path / "good.wav", status=1)
        assert result.stdout == ""
        assert re.search(rf"{re.escape(name)}: no such weights file.*model of the package", error_line(result.stderr))

    def test_a_folder_without_a_model_is_named(self, tmp_path: Path) -> None:
        result = invoke("info", tmp_path, status=1)
        assert f"{tmp_path}: a folder without model.onnx" in error_line(result.stderr)

    def test_a_folder_made_by_training_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "model.onnx").write_bytes(ENERGY.read_bytes())
        assert Detector(tmp_path).description.name == "energy"

    @pytest.mark.parametrize("inputs", ["features", "mel"])
    def test_somebody_elses_network_is_not_ours(self, tmp_path: Path, inputs: str) -> None:
        path = write_onnx(tmp_path / "foreign.onnx", {"author": "somebody"}, inputs)
        result = invoke("info", path, status=1)
        assert f"{path}: an ONNX file, but not a speech detector of this package" in error_line(result.stderr)

    def test_our_own_metadata_on_a_sound_network_is_taken(self, tmp_path: Path) -> None:
        path = write_onnx(tmp_path / "ours.onnx", {"vad": describe()})
        assert Detector(path).scores(SOUND, sample_rate=RATE).shape == (100,)

    def test_a_newer_format_says_so(self, tmp_path: Path) -> None:
        path = write_onnx(tmp_path / "newer.onnx", {"vad": describe(format=99)})
        with pytest.raises(ModelError, match="newer version"):
            Detector(path)

    @pytest.mark.parametrize(
        "metadata",
        [
            "",
            "not JSON",
            "[]",
            "null",
            "3",
            "{}",
            describe(format="one"),
            describe(format=None),
            describe(unknown=1),
            describe(features=None),
            describe(features={}),
            describe(thresholds=None),
            describe(thresholds={}),
            describe(thresholds={"default": {"onset": 0.5}}),
            describe(thresholds={"default": None}),
            describe(features={**LogMel().to_dict(), "hop": "wide"}),
        ],
    )
    def test_metadata_that_is_not_ours_is_refused(self, tmp_path: Path, metadata: str) -> None:
        path = write_onnx(tmp_path / "strange.onnx", {"vad": metadata})
        with pytest.raises(ModelError, match=r"strange\.onnx"):
            Detector(path)

    @pytest.mark.parametrize(
        "changes",
        [
            {"thresholds": {"default": {"onset": "high", "offset": 0.3}}},
            {"thresholds": {"default": ["onset", "offset"]}},
            {"thresholds": {"default": {"onset": 0.5, "offset": 0.3, "middle": 0.4}}},
            {"thresholds": {"default": {"onset": 0.5, "offset": None}}},
            {"thresholds": {"default": {"onset": 5, "offset": 0.3}}},
            {"thresholds": {"default": {"onset": 0.3, "offset": 0.5}}},
            {"features": {**LogMel().to_dict(), "hop": 160.5}},
            {"features": {**LogMel().to_dict(), "n_mels": 0}},
            {"features": {**LogMel().to_dict(), "n_mels": -1}},
            {"features": {**LogMel().to_dict(), "n_mels": "64"}},
            {"features": {**LogMel().to_dict(), "floor": "low"}},
            {"features": {**LogMel().to_dict(), "floor": None}},
            {"features": {**LogMel().to_dict(), "floor": 1e-300}},
            {"features": {**LogMel().to_dict(), "sample_rate": 16000.5}},
            {"features": {**LogMel().to_dict(), "window": 400.5}},
            {"features": {**LogMel().to_dict(), "hop": 0}},
            {"features": {**LogMel().to_dict(), "high": 9000}},
            {"features": {**LogMel().to_dict(), "n_mels": 40}},
        ],
        ids=lambda changes: json.dumps(changes)[:90],
    )
    def test_metadata_with_values_that_cannot_be_is_refused(self, tmp_path: Path, changes: dict[str, Any]) -> None:
        path = write_onnx(tmp_path / "strange.onnx", {"vad": describe(**changes)})
        with pytest.raises(ModelError, match=r"strange\.onnx"):
            Detector(path).detect(SOUND, sample_rate=RATE)

    @pytest.mark.parametrize("shape", ["one per window", "one per band"])
    def test_a_network_that_gives_no_score_per_frame_is_refused(self, tmp_path: Path, shape: str) -> None:
        path = write_onnx(tmp_path / "strange.onnx", {"vad": describe()}, shape=shape)
        with pytest.raises(ModelError):
            Detector(path).detect(SOUND, sample_rate=RATE)
