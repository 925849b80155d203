"""`vad compare`, with stand-ins for the packages of other detectors."""

from __future__ import annotations

import csv
import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from conftest import ENERGY, RATE, Write, bursts, invoke
from vad import ModelError, Segment, __version__
from vad.evaluation.compare import compare as run
from vad.evaluation.peers import installed, open_system
from vad.labels.labelled_set import read_labelled

# As loud as the real packages would have it: (samples of a chunk) -> (is it speech?)
WEBRTC = """
import numpy as np
class Vad:
    def __init__(self, mode):
        self.floor = 100 * (mode + 1)
    def is_speech(self, frame, rate):
        assert rate == 16000 and len(frame) == 320
        return bool(np.abs(np.frombuffer(frame, np.int16)).max() > self.floor)
"""
TEN = """
import numpy as np
class TenVad:
    def __init__(self, hop):
        self.hop = hop
    def process(self, chunk):
        assert chunk.dtype == np.int16 and chunk.shape == (self.hop,)
        return float(np.abs(chunk).max() > 100), 0
"""


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the packages of WebRTC and TEN; Silero's is missing."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "webrtcvad.py").write_text(WEBRTC)
    (tmp_path / "packages" / "ten_vad.py").write_text(TEN)
    for name in ("webrtcvad", "ten_vad"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.setitem(sys.modules, "silero_vad", None)
    importlib.invalidate_caches()


@pytest.fixture
def recordings(write_bursts: Write, tmp_path: Path) -> Path:
    """Two recordings, of which one has labels."""
    write_bursts("set/a.wav", (1, 2))
    write_bursts("set/b.wav", (0.5, 1), seconds=2)
    (tmp_path / "set/a.tsv").write_text("1\t2\n")
    return tmp_path / "set"


def compare(*arguments: object, status: int = 0) -> Result:
    return invoke("compare", *arguments, status=status)


@pytest.mark.usefixtures("peers")
class TestPeers:
    @pytest.mark.parametrize("name", ["webrtc", "ten"])
    def test_they_hear_what_is_loud_where_it_is(self, name: str) -> None:
        samples = bursts((1, 2), seconds=3.005)
        system = open_system(name)
        assert len(system.scores(samples)) == 301
        assert [(round(s.start, 1), round(s.end, 1)) for s in system.segments(samples)] == [(1, 2)]

    def test_a_missing_package_is_a_line_with_its_command(self) -> None:
        with pytest.raises(ModelError, match=r"^silero: .*; pip install silero-vad$"):
            open_system("silero")

    def test_what_is_installed_is_known_without_loading_it(self) -> None:
        assert [name for name in installed() if name != "silero"] == ["ten", "webrtc"]
        assert "ten_vad" not in sys.modules


@pytest.mark.usefixtures("peers")
class TestCompare:
    def test_a_row_per_system_with_accuracy_and_speed(self, recordings: Path) -> None:
        result = compare(recordings / "a.wav", "--systems", f"{ENERGY},webrtc,ten", "-f", "csv")
        assert result.exit_code == 0, result.stderr
        rows = list(csv.DictReader(result.stdout.splitlines()))
        assert [row["system"] for row in rows] == [str(ENERGY), "webrtc", "ten"]
        assert all(float(row["DetER %"]) < 10 and float(row["AUC"]) > 0.95 for row in rows)
        assert all(float(row["s per hour"]) > 0 for row in rows)

    def test_without_a_reference_they_are_compared_with_each_other(self, recordings: Path) -> None:
        result = compare(recordings / "b.wav", "--systems", f"{ENERGY},webrtc", "-f", "json")
        systems = json.loads(result.stdout)["systems"]
        energy, webrtc = systems.values()
        assert energy["agreement"][str(ENERGY)] == 1
        assert energy["agreement"]["webrtc"] == webrtc["agreement"][str(ENERGY)] > 0.9
        assert energy["speech"] == pytest.approx(0.25, abs=0.05)
        assert energy["segments_per_hour"] == 1800
        assert "pooled" not in energy
        assert "as webrtc %" in compare(recordings / "b.wav", "--systems", f"{ENERGY},webrtc").stdout

    def test_recordings_with_and_without_reference(self, recordings: Path) -> None:
        result = compare(recordings, "--systems", f"{ENERGY}")
        expected = "0.08 min of sound, 1 of 2 recordings with a reference: "
        assert re.match(rf"{expected}\S+\n\nsystem", result.stdout)
        assert compare(recordings, "--systems", f"{ENERGY}", "-f", "markdown").stdout.count("\n|---|") == 1

    def test_a_difference_has_an_interval_over_the_same_recordings(self, write_bursts: Write, tmp_path: Path) -> None:
        for number in range(6):
            start = 0.5 + number / 5
            write_bursts(f"many/{number}.wav", (start, start + 1))
            (tmp_path / f"many/{number}.tsv").write_text(f"{start}\t{start + 1}\n")
        options = (tmp_path / "many", "--systems", f"webrtc,{ENERGY},ten")
        content = json.loads(compare(*options, "-f", "json").stdout)
        systems = content["systems"]
        assert content["vad"] == __version__ and content["collar"] == 0 and content["uem"] is None
        assert content["models"].keys() == systems.keys()
        assert systems["webrtc"]["differences"]["dcf"] == [0, 0, 0]
        for name in (str(ENERGY), "ten"):
            value, low, high = systems[name]["differences"]["dcf"]
            assert value == systems[name]["pooled"]["dcf"] - systems["webrtc"]["pooled"]["dcf"]
            assert low <= value <= high
        assert "DCF to webrtc" in compare(*options).stdout
        assert "DCF to" not in compare(*options, "--resamples", 0).stdout

    def test_what_cannot_be_had_is_left_out_and_said(self, recordings: Path) -> None:
        (recordings / "c.wav").write_bytes(b"no sound")
        result = compare(recordings, "--systems", f"silero,{ENERGY},gone.onnx", status=1)
        for text in ("pip install silero-vad", "gone.onnx", "c.wav"):
            assert sum(text in line for line in result.stderr.splitlines()) == 1
        assert str(ENERGY) in result.stdout
        compare(recordings, "--systems", "silero", status=1)
        compare(recordings / "a.wav", "--reference", recordings / "gone", status=1)

    def test_a_folder_without_sound_is_said(self, tmp_path: Path) -> None:
        result = compare(tmp_path, "--systems", ENERGY, status=1)
        assert "no sound files" in result.stderr and "none of the recordings" in result.stderr

    def test_a_peer_can_be_evaluated_like_a_model(self, recordings: Path, tmp_path: Path) -> None:
        options = ["evaluate", "--audio", recordings, "--model", "ten", "--report", tmp_path / "r.html"]
        content = json.loads(invoke(*options, "-f", "json").stdout)
        assert content["model"]["name"] == "ten" and content["pooled"]["deter"] < 0.1
        assert "at its own defaults" in (tmp_path / "r.html").read_text()
        invoke(*options, "--force", "--onset", "0.3", status=2)


def test_sound_can_be_changed_on_its_way(recordings: Path) -> None:
    class Loud:
        def scores(self, samples: np.ndarray) -> np.ndarray:
            return np.abs(samples[::160])

        def segments(self, samples: np.ndarray) -> list[Segment]:
            return [Segment(0.0, 1.0)] if np.abs(samples).max() > 0.2 else []

    labelled = read_labelled(recordings).recordings
    plain = run(labelled, [], {"loud": Loud()})
    quiet = run(labelled, [], {"loud": Loud()}, change=lambda samples: samples / 2)
    assert (plain.speech["loud"], quiet.speech["loud"]) == (1, 0)
    assert plain.seconds == quiet.seconds == 3 and RATE == 16_000
    assert quiet.groups["loud"].pooled["miss"] == 1
