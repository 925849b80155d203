"""`Detector`, on recordings and on synthetic sounds with a known result."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import DATA, ENERGY, RATE, bursts, write_causal
from vad import Detector, ModelError, Segment, Segmentation, SettingError
from vad.audio.decode import from_array
from vad.audio.sound import Sound
from vad.evaluation.frames import detection_cost, frame_mask, roc_auc
from vad.events import Score
from vad.formats import read_labels
from vad.geometry import OFFLINE
from vad.grid import Grid
from vad.scorer import Scorer, open_scorer
from vad.segments import total


def reference(frames: int) -> np.ndarray:
    (labels,) = read_labels(DATA / "talk.tsv")
    return frame_mask(labels.segments, frames, Grid())


def test_the_shipped_model_finds_the_words_of_a_real_recording(talk: Path) -> None:
    detector = Detector()
    scores = detector.scores(talk)
    labels = reference(len(scores))
    assert roc_auc(labels, scores) > 0.85
    found = frame_mask(detector.detect(talk), len(scores), detector.grid)
    assert found[labels].mean() > 0.9  # few misses
    assert detection_cost(labels, found) < 0.15  # calling everything speech costs 0.25, nothing 0.75


def test_the_shipped_model_finds_no_speech_in_dishes_silence_and_hiss() -> None:
    detector = Detector()
    hiss = np.random.default_rng(0).normal(0, 0.01, RATE * 5)
    assert total(detector.detect(DATA / "dishes.flac")) < 0.6
    assert detector.detect(np.zeros(RATE * 5), sample_rate=RATE) == []
    assert detector.detect(hiss, sample_rate=RATE) == []


def test_the_level_of_a_recording_matters_little(talk: Path) -> None:
    sound, rate = soundfile.read(talk, dtype="float32")
    detector = Detector()
    labels = reference(detector.grid.frame_count(len(sound)))
    for gain in (-40, -20, 0, 10):
        louder = np.clip(sound * 10 ** (gain / 20), -1, 1)
        assert roc_auc(labels, detector.scores(louder, sample_rate=rate)) > 0.85, gain


def test_scores_are_probabilities_one_per_ten_milliseconds(talk: Path) -> None:
    scores = Detector().scores(talk)
    assert scores.dtype == np.float32
    assert scores.shape == (math.ceil(soundfile.info(talk).duration * 100),)
    assert 0 <= scores.min() < scores.max() <= 1


def test_segments_of_stored_scores_are_those_of_the_recording(talk: Path) -> None:
    detector = Detector()
    scores = detector.scores(talk)
    assert detector.segment(scores) == detector.detect(talk)
    assert detector.segment(scores, preset="asr") == detector.detect(talk, preset="asr")
    assert total(detector.segment(scores, onset=0.9)) < total(detector.segment(scores, onset=0.2))


def test_a_tone_is_found_where_it_is(energy: Detector) -> None:
    found = energy.detect(bursts((1, 2), (2.5, 2.8), seconds=4), sample_rate=RATE)
    for (start, end), (begin, finish) in zip(found, [(1, 2), (2.5, 2.8)], strict=True):
        assert abs(start - begin) <= 0.02
        assert abs(end - finish) <= 0.02


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000, 96_000])
def test_times_do_not_depend_on_the_sample_rate(energy: Detector, rate: int) -> None:
    (segment,) = energy.detect(bursts((1, 2), seconds=3, rate=rate), sample_rate=rate)
    assert segment.start == pytest.approx(1, abs=0.021)
    assert segment.end == pytest.approx(2, abs=0.021)


def test_a_segment_up_to_the_end_stops_with_the_last_millisecond(energy: Detector) -> None:
    (segment,) = energy.detect(bursts((1, 9), seconds=2.0155), sample_rate=RATE)
    assert segment.end == 2.015
    assert energy.detect(bursts((1, 9), seconds=2), sample_rate=RATE, pad_end=5.0)[0].end == 2.0


@pytest.mark.parametrize("samples", [0, 1, 80, 160, 161])
def test_the_shortest_sounds_are_scored(samples: int) -> None:
    detector = Detector()
    assert detector.detect(np.zeros(samples), sample_rate=RATE) == []
    assert detector.scores(np.zeros(samples), sample_rate=RATE).shape == (-(-samples // 160),)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 200_000), max_size=6))
def test_scores_do_not_depend_on_the_blocks_in_which_sound_is_read(pieces: list[int]) -> None:
    detector = Detector()
    samples, rate = soundfile.read(DATA / "talk.flac", dtype="float32", always_2d=True)
    whole = detector.scores(samples, sample_rate=rate)
    cuts = np.cumsum(pieces)
    blocks = iter(np.split(samples, cuts[cuts < len(samples)]))
    sound = Sound("talk", rate, 1, len(samples), blocks)
    (detection,) = detector.analyse(sound, detector.settings(), keep_scores=True)
    assert detection.scores is not None
    assert np.array_equal(detection.scores, whole)
    assert detection.duration == 24.648


def test_each_channel_has_its_own_segments(energy: Detector) -> None:
    stereo = np.column_stack([bursts((0.5, 1), seconds=3), bursts((2, 2.5), seconds=3)])
    left, right = energy.analyse(from_array(stereo, RATE), energy.settings(), "each")
    assert (left.channel, right.channel) == (1, 2)
    assert left.segments == energy.detect(stereo, sample_rate=RATE, channel=1)
    assert right.segments == energy.detect(stereo, sample_rate=RATE, channel=2)
    assert right.segments == energy.detect(stereo, sample_rate=RATE, channel=np.int64(2))
    assert left.segments != right.segments
    assert len(energy.detect(stereo, sample_rate=RATE)) == 2


def test_memory_does_not_grow_with_the_length() -> None:
    script = """
import io, resource, sys
from vad import Detector
from vad.audio.decode import open_sound
from vad.settings import Raw

class Endless(io.RawIOBase):
    left = int(sys.argv[2]) * 32_000
    def readable(self): return True
    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        buffer[:count] = bytes(count)
        self.left -= count
        return count

detector = Detector(sys.argv[1])
(found,) = detector.analyse(open_sound(io.BufferedReader(Endless()), Raw()), detector.settings())
assert found.duration == int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    short, long = (
        int(subprocess.check_output([sys.executable, "-c", script, str(ENERGY), str(seconds)]))
        for seconds in (1800, 7200)
    )
    assert long - short < 4  # MiB, where the scores alone are 2 and an hour as float32 is 230


def test_one_detector_serves_many_threads(talk: Path) -> None:
    detector = Detector()
    expected, found = detector.detect(talk), []
    threads = [threading.Thread(target=lambda: found.append(detector.detect(talk))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_presets_differ_as_documented(talk: Path) -> None:
    detector = Detector()
    speech = {name: total(detector.detect(talk, preset=name)) for name in ("precision", "default", "recall")}
    assert speech["precision"] < speech["default"] < speech["recall"]
    chunks = detector.detect(talk, preset="asr", max_speech=10)
    assert max(s.duration for s in chunks) <= 10.0
    assert detector.settings("asr").max_speech == 30.0


def test_settings_are_those_of_model_and_preset_with_single_changes(energy: Detector) -> None:
    assert energy.settings() == Segmentation(onset=0.5, offset=0.35)
    assert energy.settings(onset=0.2) == Segmentation(onset=0.2, offset=0.2)
    assert energy.settings("asr", min_silence=1).pad_end == energy.settings("asr").pad_end


@pytest.mark.parametrize(
    ("wrong", "parameter", "message"),
    [
        ({"onset": 0.2, "offset": 0.3}, "offset", "offset=0.3"),
        ({"threshold": 0.5}, None, "valid are"),
        ({"preset": "best"}, "preset", "valid are default"),
        ({"min_speech": -1}, "min_speech", "min_speech"),
        ({"max_speech": 0.01}, "max_speech", "max_speech=0.01"),
        ({"channel": "each"}, "channel", "analyse"),
        ({"channel": "left"}, "channel", "channel='left'"),
        ({"channel": 1.0}, "channel", "channel=1.0"),
        ({"latency": "fast"}, "latency", "latency=fast"),
        ({"latency": 0.01}, "latency", "latency=0.01"),
    ],
)
def test_wrong_settings_are_refused_by_name(
    energy: Detector, wrong: dict[str, object], parameter: str | None, message: str
) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        energy.detect(np.zeros(100), sample_rate=RATE, **wrong)  # type: ignore[arg-type]
    error = pickle.loads(pickle.dumps(caught.value))  # as another process hands it back
    assert (type(error), str(error), error.parameter) == (SettingError, str(caught.value), parameter)


def test_samples_need_a_rate_and_files_have_one(energy: Detector, talk: Path) -> None:
    with pytest.raises(SettingError, match="sample_rate"):
        energy.detect(np.zeros(100))
    with pytest.raises(SettingError, match="sample_rate"):
        energy.detect(talk, sample_rate=16_000)


def test_a_model_is_found_by_path_folder_or_name(tmp_path: Path) -> None:
    own = Detector().path
    (tmp_path / "model.onnx").write_bytes(own.read_bytes())
    for model in (None, "speech-1", own, str(own), tmp_path, tmp_path / "model.onnx"):
        assert Detector(model).description.name == "speech-1"
    for missing in ("speech-999", ""):
        with pytest.raises(ModelError, match="speech-1"):
            Detector(missing)


def test_a_folder_with_the_name_of_a_model_of_the_package_is_named_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speech-1").mkdir()
    (tmp_path / "speech-1" / "model.onnx").write_bytes(ENERGY.read_bytes())
    assert [Detector(m).description.name for m in (None, "speech-1")] == ["speech-1"] * 2
    assert [Detector(m).description.name for m in ("./speech-1", Path("speech-1"))] == ["energy"] * 2


def test_a_pickled_detector_opens_its_weights_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.onnx").write_bytes(ENERGY.read_bytes())
    monkeypatch.chdir(tmp_path)
    detectors = [Detector(model) for model in ("own.onnx", None)]
    monkeypatch.chdir("/")
    pickled = [pickle.dumps(detector.detect) for detector in detectors]
    sound = bursts((0.5, 1), seconds=2)
    assert pickle.loads(pickled[0])(sound, sample_rate=RATE) == [Segment(0.49, 1.01)]
    assert b"/" not in pickled[1]  # another machine has the package elsewhere
    assert pickle.loads(pickled[1])(sound, sample_rate=RATE) == []


def test_damaged_weights_of_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in (".onnx", ".sha256"):
        (tmp_path / f"speech-1{suffix}").write_bytes(Detector().path.with_suffix(suffix).read_bytes())
    monkeypatch.setattr("vad.model.pretrained.FOLDER", tmp_path)
    Detector()
    content = bytearray((tmp_path / "speech-1.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "speech-1.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="sha256"):
        Detector()


def test_a_segment_is_a_start_and_an_end() -> None:
    start, end = Segment(0.41, 3.27)
    assert (start, end) == (0.41, 3.27)
    assert repr(Segment(0.41, 3.27)) == "Segment(start=0.41, end=3.27)"


def test_a_causal_network_beside_the_weights_is_used_at_low_latencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = write_causal(tmp_path / "ours-live.onnx", 6)
    ours = weights.with_name("ours.onnx")
    ours.write_bytes(Detector().path.read_bytes())
    monkeypatch.chdir(tmp_path)
    detector = Detector("ours.onnx")
    monkeypatch.chdir("/")
    assert detector.live is not None
    assert detector.live.path == weights
    assert detector.for_latency(0.1) is detector.for_latency("lowest") is detector.live
    assert detector.for_latency(None) is detector.for_latency(2.0) is detector
    assert isinstance(open_scorer(detector.model, OFFLINE), Scorer)
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000)
    live, windows = (
        Detector(path).scores(sound, sample_rate=16_000, latency=0.1) for path in (weights, Detector().path)
    )
    assert np.array_equal(detector.scores(sound, sample_rate=16_000, latency=0.1), live)
    assert not np.array_equal(live, windows)
    stream = detector.stream(sample_rate=16_000, latency=0.1, scores=True)
    events = [*stream.push(sound), *stream.finish()]
    assert [e.score for e in events if isinstance(e, Score)] == live.tolist()
    assert stream.geometry.left == 0
    weights.with_name("alone.onnx").write_bytes(Detector().path.read_bytes())
    alone = Detector(weights.with_name("alone.onnx"))
    assert alone.live is None
    assert alone.for_latency(0.1) is alone
