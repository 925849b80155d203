"""What takes longer in `vad review`: the microphone, from a file in its place, and training on what is corrected."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from conftest import ENERGY
from vad.audio.decode import open_sound, read
from vad.errors import SettingError
from vad.features import LogMel
from vad.live.loop import SoundReader, Source
from vad.model.pretrained import Description
from vad.network.bilstm import Network, NetworkSettings
from vad.network.to_onnx import export
from vad.review import worker
from vad.review.cache import Cache
from vad.review.live import Live
from vad.review.pictures import to_bytes
from vad.review.project import Project
from vad.review.teach import Teacher
from vad.training.recipe import Recipe


def wait(condition: Callable[[], Any]) -> None:
    for _ in range(2400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("never came true")


@pytest.fixture(autouse=True)
def no_head_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser wants its first picture before the scores."""
    monkeypatch.setattr(worker, "HEAD_START", 0.0)


@pytest.fixture
def project(write_bursts: Callable[..., Path], tmp_path: Path) -> Iterator[Project]:
    write_bursts("sound/a.wav", (1.0, 2.0))
    made = Project([str(tmp_path / "sound")], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
    yield made
    made.close()


class TestLive:
    def test_the_picture_and_the_scores_are_those_of_the_sound(self, project: Project, talk: Path) -> None:
        def source(device: str | int | None, rate: int) -> Source:
            return SoundReader(open_sound(talk))

        live = Live(project, source)
        live.start({"preset": "default", "settings": {"min_silence": 0.3}})
        wait(lambda: not live.status(0)["running"])
        status = live.status(0)
        features = project.detector.description.features
        samples = read(talk, features.sample_rate)
        wanted = to_bytes(features(samples))
        shown = np.frombuffer(base64.b64decode(status["mel"]), np.uint8).reshape(-1, LogMel().n_mels)
        assert np.array_equal(shown, wanted[: len(shown)]) and len(wanted) - len(shown) <= 2
        stream = project.detector.scores(talk, latency="balanced")
        assert status["scores"] == pytest.approx(np.asarray(stream), abs=1e-3)
        later = live.status(len(shown) - 10, len(stream) - 5)
        assert later["scores"] == status["scores"][-5:]
        assert later["first"] == len(shown) - 10 and len(base64.b64decode(later["mel"])) == 10 * LogMel().n_mels
        key = live.stop()
        recording = project.library.recordings[key or ""]
        kept, rate = soundfile.read(recording.path)
        assert rate == LogMel().sample_rate and np.abs(kept - samples).max() < 1e-4
        wait(lambda: recording.scored)
        assert project.library.inside(recording.path)
        ends = [e for e in status["events"] if e["event"] == "end"]
        detected = project.detector.detect(talk, latency="balanced", min_silence=0.3)
        assert [(e["start"], e["end"]) for e in ends] == detected[-len(ends) :]

    def test_a_recording_of_an_earlier_review_is_in_the_list(self, project: Project, talk: Path) -> None:
        live = Live(project, lambda device, rate: SoundReader(open_sound(talk)))
        live.start({})
        wait(lambda: not live.status(0)["running"])
        live.stop()
        project.close()
        again = Project(project.inputs, project.places.home, model=ENERGY, cache=project.cache)
        assert sum(r.place.startswith("live/") for r in again.library.recordings.values()) == 1
        again.close()

    def test_a_page_that_is_gone_leaves_no_open_microphone(
        self, project: Project, talk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("vad.review.live.FORGOTTEN", 0.3)
        live = Live(project, lambda device, rate: SoundReader(open_sound(talk), realtime=True))
        live.start({})
        thread = live._thread
        assert thread
        thread.join(60)
        assert not thread.is_alive()
        live.start({})  # another page
        assert sum(r.place.startswith("live/") for r in project.library.recordings.values()) == 1
        time.sleep(0.1)
        live.stop()
        assert sum(r.place.startswith("live/") for r in project.library.recordings.values()) == 2

    def test_one_microphone_at_a_time(self, project: Project, talk: Path) -> None:
        live = Live(project, lambda device, rate: SoundReader(open_sound(talk), realtime=True))
        live.start({})
        with pytest.raises(SettingError, match="open already"):
            live.start({})
        with pytest.raises(SettingError, match="device="):
            live.start({"device": "../x"})
        live.stop()


def tiny_model(folder: Path) -> Path:
    """Untrained weights of a tiny network, with which a training takes seconds."""
    recipe = Recipe("tiny", network=NetworkSettings(channels=8, hidden=8, layers=1))
    thresholds = {"default": {"onset": 0.5, "offset": 0.4}}
    about = Description("tiny", "1", recipe.features, thresholds, {"network": vars(recipe.network)}, {})
    torch.manual_seed(1)
    export(Network(recipe.features.n_mels, recipe.network), about, folder / "tiny.onnx")
    return folder / "tiny.onnx"


class TestTeach:
    def test_it_trains_on_what_is_done_and_goes_on_with_the_new_model(self, talk: Path, tmp_path: Path) -> None:
        samples, rate = soundfile.read(talk)
        (tmp_path / "sound").mkdir()
        for number in range(3):
            part = samples[number * 8 * rate : (number + 1) * 8 * rate]
            soundfile.write(tmp_path / "sound" / f"{number}.wav", part, rate)
        model = tiny_model(tmp_path)
        project = Project([str(tmp_path / "sound")], tmp_path / "work", model=model, cache=Cache(tmp_path / "cache"))
        small = ("loop.batch=4", "loop.dev_crops=8", "mixture.seconds=2.0", "loop.warmup=2", "loop.workers=0")
        teacher = Teacher(project, small)
        with pytest.raises(SettingError, match="two recordings"):
            teacher.start({"steps": 2})
        recordings = list(project.library.recordings.values())
        wait(lambda: all(r.scored for r in recordings))
        for recording in recordings[:2]:
            project.change(recording, {"kind": "begin", "version": 0, "segments": [[1, 3], [4, 6]]})
            project.change(recording, {"kind": "state", "version": 1, "state": "done"})
        with pytest.raises(SettingError, match="steps="):
            teacher.start({"steps": "many"})
        teacher.start({"steps": 2})
        with pytest.raises(SettingError, match="runs already"):
            teacher.start({"steps": 2})
        wait(lambda: not teacher.status()["running"])
        status = teacher.status()
        assert status["error"] == "" and (status["step"], status["steps"]) == (4, 4)  # in two folds
        assert status["verdict"]["recordings"] == 2
        assert set(status["verdict"]["before"]) == set(status["verdict"]["after"])
        assert not (Path(status["model"]) / "audio" / recordings[2].place).exists()  # it is not done
        teacher.use({})
        assert project.detector.path == Path(status["model"]) / "model.onnx"
        wait(lambda: recordings[0].scored)
        scores = project.work.scores(recordings[0])
        assert scores is not None and scores.model["name"] == "corrected-1"
        teacher.use({"before": True})
        assert project.detector.path == model
        project.close()

    def test_what_goes_wrong_is_shown(self, project: Project, write_bursts: Callable[..., Path]) -> None:
        write_bursts("sound/b.wav", (1.0, 2.0))
        again = Project(project.inputs, project.places.home.with_name("other"), model=ENERGY, cache=project.cache)
        for recording in again.library.recordings.values():
            wait(lambda recording=recording: recording.scored)
            again.change(recording, {"kind": "begin", "version": 0, "segments": [[1, 2]]})
            again.change(recording, {"kind": "state", "version": 1, "state": "done"})
        teacher = Teacher(again)
        teacher.start({"steps": 1})
        wait(lambda: not teacher.status()["running"])
        assert "energy.onnx" in teacher.status()["error"]  # no network that can be trained
        again.close()
