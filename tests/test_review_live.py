"""What takes longer in `vad review`: the microphone, from a file in its place, and training on what is corrected."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from conftest import ENERGY, wait
from vad.audio.decode import open_sound, read
from vad.detector import Detector
from vad.errors import FormatError, SettingError
from vad.features import LogMel
from vad.labels.matching import match, read_uem
from vad.live.loop import SoundReader, Source
from vad.live.recorder import StreamRecorder
from vad.model.pretrained import Description, write_tuned
from vad.network.bilstm import Network, NetworkSettings
from vad.network.to_onnx import export
from vad.review import worker
from vad.review.cache import Cache
from vad.review.live import Live
from vad.review.pictures import to_bytes
from vad.review.project import Project
from vad.review.teach import Teacher
from vad.stream import Stream
from vad.training.recipe import Recipe


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
        wait(lambda: live.status(0)["seconds"] > 0)
        thread = live._thread
        assert thread
        thread.join(60)
        assert not thread.is_alive()
        live.start({})  # another page
        assert sum(r.place.startswith("live/") for r in project.library.recordings.values()) == 1
        wait(lambda: live.status(0)["seconds"] > 0)
        live.stop()
        assert sum(r.place.startswith("live/") for r in project.library.recordings.values()) == 2

    def test_the_settings_are_those_of_the_live_network(
        self, project: Project, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        energy = Detector(ENERGY)
        settings = replace(energy.settings(), onset=0.9, offset=0.8)
        for name in ("x", "x-live"):
            write_tuned(energy.path, tmp_path / f"{name}.onnx", energy.description, "default", settings)
            settings = replace(settings, onset=0.7, offset=0.6)
        detector = Detector(tmp_path / "x.onnx")
        project.work.use(detector, detector.settings())
        streams: list[dict[str, Any]] = []
        make = Detector.stream

        def stream(detector: Detector, **given: Any) -> Stream:
            streams.append(given)
            return make(detector, **given)

        monkeypatch.setattr(Detector, "stream", stream)
        live = Live(project, lambda device, rate: SoundReader(open_sound(talk)))
        live.start({"settings": {"min_silence": 0.3}})
        live.stop()
        assert [streams[0][name] for name in ("onset", "offset", "min_silence")] == [0.7, 0.6, 0.3]

    def test_two_pages_that_start_at_once_open_one_microphone(self, project: Project, talk: Path) -> None:
        opened = []

        def source(device: str | int | None, rate: int) -> Source:
            opened.append(device)
            time.sleep(0.2)  # as devices take
            return SoundReader(open_sound(talk), realtime=True)

        live = Live(project, source)
        with ThreadPoolExecutor(2) as pages:
            started = [pages.submit(live.start, {}) for _ in range(2)]
        assert sorted(one.exception() is None for one in started) == [False, True] and len(opened) == 1
        live.stop()

    def test_what_is_stopped_while_it_starts_is_stopped(self, project: Project, talk: Path) -> None:
        starting, stopping = threading.Event(), threading.Event()

        def source(device: str | int | None, rate: int) -> Source:
            starting.set()
            stopping.wait(60)
            return SoundReader(open_sound(talk), realtime=True)

        live = Live(project, source)
        with ThreadPoolExecutor(2) as pages:
            start = pages.submit(live.start, {})
            starting.wait(60)
            stop = pages.submit(live.stop)
            time.sleep(0.05)  # it waits for the start
            stopping.set()
            start.result()
            stop.result()
        assert live._thread and not live._thread.is_alive()

    def test_a_microphone_that_cannot_be_used_is_closed(
        self, project: Project, talk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = SoundReader(open_sound(talk))

        def fail(*given: object) -> None:
            raise SettingError("8 Hz cannot be written")

        monkeypatch.setattr("vad.review.live.StreamRecorder", fail)
        live = Live(project, lambda device, rate: source)
        with pytest.raises(SettingError, match="8 Hz"):
            live.start({})
        assert source._closed.is_set() and live.stop() is None

    def test_the_page_hears_of_a_file_that_cannot_be_completed(
        self, project: Project, talk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(recorder: StreamRecorder) -> None:
            raise FormatError("the disk is full")

        monkeypatch.setattr(StreamRecorder, "close", fail)
        live = Live(project, lambda device, rate: SoundReader(open_sound(talk)))
        live.start({})
        wait(lambda: not live.status(0)["running"])
        assert live.status(0)["error"] == "the disk is full"

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

    @pytest.fixture
    def corrected(self, write_bursts: Callable[..., Path], tmp_path: Path) -> Iterator[Project]:
        """Two recordings that are done."""
        write_bursts("sound/a.wav", (1.0, 2.0))
        write_bursts("sound/b.wav", (1.0, 2.0))
        made = Project([str(tmp_path / "sound")], tmp_path / "work", model=ENERGY, cache=Cache(tmp_path / "cache"))
        for recording in made.library.recordings.values():
            wait(lambda recording=recording: recording.scored)
            made.change(recording, {"kind": "begin", "version": 0, "segments": [[1, 2]]})
            made.change(recording, {"kind": "state", "version": 1, "state": "done"})
        yield made
        made.close()

    def test_what_goes_wrong_is_shown(self, corrected: Project) -> None:
        teacher = Teacher(corrected)
        teacher.start({"steps": 1})
        wait(lambda: not teacher.status()["running"])
        assert "energy.onnx" in teacher.status()["error"]  # no network that can be trained

    def test_another_can_begin_after_one_that_could_not(
        self, corrected: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*given: object) -> None:
            raise OSError("the disk is full")

        monkeypatch.setattr("vad.review.teach.write_uem", fail)
        teacher = Teacher(corrected)
        for number in (1, 2):
            teacher.start({"steps": 1})
            wait(lambda: not teacher.status()["running"])
            assert teacher.status()["error"] == "the disk is full"
            assert (corrected.places.models / f"corrected-{number}").exists()

    def test_what_is_gathered_is_found_by_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "sound").mkdir()
        for name, channels in (("talk.wav", 1), ("talk.aiff", 1), ("talk.flac", 2)):
            soundfile.write(tmp_path / "sound" / name, np.zeros((16_000, channels)), 16_000)
        cache = Cache(tmp_path / "cache")
        project = Project([str(tmp_path / "sound")], tmp_path / "work", model=ENERGY, channel="each", cache=cache)
        recordings = list(project.library.recordings.values())
        for recording in recordings:
            wait(lambda recording=recording: recording.scored)
            project.change(recording, {"kind": "begin", "version": 0, "segments": [[0, 1]]})
            project.change(recording, {"kind": "state", "version": 1, "state": "done"})
        monkeypatch.setattr(Teacher, "_begin", lambda *given: None)
        teacher = Teacher(project)
        teacher.start({"steps": 1})
        wait(lambda: not teacher.status()["running"])
        output = project.places.models / "corrected-1"
        matches = match(output / "audio", output / "labels")
        assert len(matches.labelled) == len(recordings) == 4 and not matches.orphans and not matches.problems
        assert len(read_uem(output / "scored.uem", matches.places)) == 4
        project.close()

    def test_it_can_be_stopped_while_recordings_are_gathered(
        self, corrected: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        teacher = Teacher(corrected)
        monkeypatch.setattr("vad.review.teach.write_labels", lambda *given: teacher.stop())
        monkeypatch.setattr("vad.review.teach.subprocess.Popen", None)
        teacher.start({"steps": 1})
        wait(lambda: not teacher.status()["running"])
        assert teacher.status()["error"] == "stopped"
        assert len(list((corrected.places.models / "corrected-1/audio").iterdir())) == 1

    def test_a_program_that_was_stopped_has_not_failed(
        self, corrected: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "program"  # ends as vad train does
        program.write_text("#!/bin/sh\ntrap 'echo Aborted!; exit 143' TERM\necho begun\nwhile :; do sleep 0.05; done\n")
        program.chmod(0o755)
        monkeypatch.setattr("sys.executable", str(program))
        teacher = Teacher(corrected)
        teacher.start({"steps": 1})
        wait(lambda: teacher.status()["lines"])
        teacher.stop()
        wait(lambda: not teacher.status()["running"])
        assert teacher.status()["error"] == "stopped"
