"""`vad tune`: settings for a goal, that hold, and are used where they were written to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import soundfile
from click.testing import Result
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from conftest import DOUBLE, ENERGY, RATE, detect, invoke
from vad import Detector, ModelError, Segment, Segmentation, SettingError, VadError, __version__
from vad.batch.task import Analysis
from vad.evaluation.evaluate import DetectorHypotheses, evaluate_sound
from vad.evaluation.frames import detection_cost, frame_mask
from vad.evaluation.overlap import to_spans
from vad.grid import Grid
from vad.labels.labelled_set import read_labelled
from vad.model.onnxfile import with_metadata
from vad.segmenter import Segmenter
from vad.settings import PRESETS
from vad.tuning.search import TUNABLE, Trials, TuningRecording, search
from vad.tuning.summary import to_options
from vad.tuning.tune import Goal
from vad.tuning.tune import tune as run

DEFAULT = Segmentation()


def recording(
    scores: Any, *speech: tuple[float, float], scored_regions: tuple[float, float] | None = None
) -> TuningRecording:
    """Scores of 10 ms frames, and where speech is."""
    end = len(scores) / 100
    spoken = to_spans([Segment(*span) for span in speech])
    return TuningRecording(
        np.asarray(scores, np.float32), end, spoken, to_spans([Segment(*(scored_regions or (0, end)))])
    )


def steps(*levels: float, frames: int = 50) -> list[float]:
    """Scores that hold each level for `frames`."""
    return [level for level in levels for _ in range(frames)]


def tune(*arguments: object, status: int | None = 0) -> Result:
    """`vad tune` with the model double."""
    return invoke("tune", *DOUBLE, *arguments, status=status)


@pytest.fixture(scope="module")
def quiet_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recordings whose speech is too quiet for the double's thresholds: onset .5, offset .35."""
    folder = tmp_path_factory.mktemp("dev")
    time = np.arange(3 * RATE) / RATE
    for number in range(6):
        start, end = 0.5 + 0.1 * number, 1.5 + 0.15 * number
        level = np.where((time >= start) & (time < end), 5e-5, 2e-5)
        soundfile.write(folder / f"{number}.wav", level * np.sin(2 * np.pi * 1000 * time), RATE, "FLOAT")
        (folder / f"{number}.tsv").write_text(f"{start}\t{end}\n")
    return folder


class TestTrials:
    @examples(deadline=None, max_examples=30)
    @given(
        st.lists(st.floats(0, 1, width=32), min_size=1, max_size=200),
        st.lists(st.booleans(), min_size=200, max_size=200),
        st.sampled_from([DEFAULT, Segmentation(0.3, 0.3, 0, 0, 0.05, 0.1), Segmentation(0.9, 0.1, 0.2, 0.3)]),
    )
    def test_seconds_are_those_of_frames_within_segments(
        self, scores: list[float], speech: list[bool], settings: Segmentation
    ) -> None:
        grid, truth = Grid(), np.array(speech[: len(scores)])
        spans = [(n / 100, (n + 1) / 100) for n in np.flatnonzero(truth)]
        segmenter = Segmenter(settings, grid)
        said = frame_mask(segmenter.push(np.float32(scores)) + segmenter.finish(), len(scores), grid)
        seconds = Trials([recording(scores, *spans)], grid)(settings)
        counts = [(truth & said).sum(), (truth & ~said).sum(), (~truth & said).sum(), (~truth & ~said).sum()]
        np.testing.assert_allclose(seconds, [np.array(counts) / 100], atol=1e-9)
        cost = Goal()(seconds)
        np.testing.assert_allclose(cost, detection_cost(truth, said), atol=1e-9)

    def test_seconds_are_those_that_evaluate_measures(self, talk: Path) -> None:
        detector = Detector()
        settings = detector.settings("recall")
        analysis = Analysis(None, settings, keep_scores=True)
        (one,) = evaluate_sound(read_labelled(talk), DetectorHypotheses(analysis)).whole.recordings
        np.testing.assert_allclose(Trials([TuningRecording.of(one)], detector.grid)(settings), [one.seconds], atol=1e-9)

    def test_only_what_counts_is_compared(self) -> None:
        one = recording(steps(0, 1), (0.5, 1.0), scored_regions=(0.0, 0.7))
        np.testing.assert_allclose(Trials([one], Grid())(DEFAULT), [[0.2, 0, 0, 0.5]], atol=1e-9)


class TestSearch:
    def test_the_onset_comes_between_noise_and_speech(self) -> None:
        trials = Trials([recording(steps(0.1, 0.3, 0.1, 0.22, 0.1), (0.5, 1.0))], Grid())
        found = search(trials, Goal(), DEFAULT)
        assert Goal()(trials(found)) == 0
        assert 0.22 < found.onset <= 0.3

    def test_pauses_that_the_reference_bridges_are_bridged(self) -> None:
        scores = steps(0, *[1, 0.01] * 4, 1, 0, frames=20)
        trials = Trials([recording(scores, (0.2, 2.0))], Grid())
        found = search(trials, Goal(), DEFAULT)
        assert found.min_silence > 0.2
        assert Goal()(trials(found)) == 0

    def test_wide_labels_are_met_by_padding(self) -> None:
        trials = Trials([recording(steps(0, 0, 1, 0, 0), (0.9, 1.6))], Grid())
        found = search(trials, Goal(), DEFAULT)
        assert (found.pad_start, found.pad_end) == (0.1, 0.1)

    def test_what_the_recordings_do_not_decide_stays(self) -> None:
        trials = Trials([recording(steps(0, 1, 0), (0.5, 1.0))], Grid())
        assert search(trials, Goal(), DEFAULT) == DEFAULT

    def test_only_what_is_free_changes(self) -> None:
        scores = np.random.default_rng(0).random(2000)
        trials = Trials([recording(scores, (3, 8), (12, 14))], Grid())
        for free in ((), ("onset",), ("min_silence", "pad_end")):
            found = search(trials, Goal(), DEFAULT, free)
            assert all(getattr(found, n) == getattr(DEFAULT, n) for n in TUNABLE if n not in free)
            assert Goal()(trials(found)) <= Goal()(trials(DEFAULT))

    def test_it_finds_what_drawing_at_random_finds(self, talk: Path) -> None:
        detector = Detector()
        spoken = [tuple(map(float, line.split())) for line in talk.with_suffix(".tsv").read_text().splitlines()]
        trials = Trials([recording(detector.scores(talk), *spoken)], Grid())
        found = Goal()(trials(search(trials, Goal(), detector.settings())))
        tried = len(trials.tried)
        rng = np.random.default_rng(0)
        drawn = [
            Goal()(trials(Segmentation(onset, onset * rng.random(), *rng.uniform(0, 0.4, 2), *rng.uniform(0, 0.1, 2))))
            for onset in rng.uniform(0.05, 0.95, tried)
        ]
        assert found < min(drawn)


class TestTuning:
    def test_a_gain_that_is_chance_shows_on_the_recordings_left_out(self) -> None:
        rng = np.random.default_rng(3)
        noise = [recording(rng.random(100), (0.3 + 0.05 * n, 0.7)) for n in range(6)]
        tuned = run(Trials(noise, Grid()), Goal(), DEFAULT)
        assert tuned.metrics["tuned"]["dcf"] < tuned.metrics["left_out"]["dcf"]

    def test_a_gain_that_is_real_holds(self) -> None:
        same = [recording(steps(0.1, 0.3, 0.1, 0.1 + n / 100), (0.5, 1.0)) for n in range(6)]
        tuned = run(Trials(same, Grid()), Goal(), DEFAULT)
        assert tuned.metrics["before"]["miss"] == 1
        assert tuned.metrics["left_out"]["dcf"] == 0
        assert len(tuned.folds) == 5
        assert tuned.notes == []

    def test_the_seed_divides_the_recordings(self) -> None:
        rng = np.random.default_rng(0)
        trials = Trials([recording(rng.random(80), (0.2 + 0.1 * n, 0.7)) for n in range(5)], Grid())
        first, again, other = (run(trials, Goal(), DEFAULT, folds=2, seed=seed) for seed in (1, 1, 2))
        assert first == again
        assert first.after == other.after
        assert first.folds != other.folds

    def test_a_single_recording_says_that_nothing_is_known_of_others(self) -> None:
        tuned = run(Trials([recording(steps(0, 1, 0), (0.5, 1.0))], Grid()), Goal(), DEFAULT)
        assert tuned.folds == []
        assert "left_out" not in tuned.metrics
        assert "cannot be cross-validated" in tuned.notes[0]

    def test_limits_are_kept_and_the_other_figure_is_low(self) -> None:
        scores = steps(0.1, 0.4, 0.8, 0.4, 0.6, 0.1)  # the last but one is noise louder than half of the speech
        trials = Trials([recording(scores, (0.5, 2.0))], Grid())
        strict = run(trials, Goal("miss", false_alarm_at_most=0.0), DEFAULT).metrics["tuned"]
        lenient = run(trials, Goal("false_alarm", miss_at_most=0.0), DEFAULT).metrics["tuned"]
        assert strict["false_alarm"] == 0 < lenient["false_alarm"]
        assert lenient["miss"] == 0 < strict["miss"]

    def test_a_goal_out_of_reach_says_how_near_one_comes(self) -> None:
        trials = Trials([recording(np.random.default_rng(0).random(500), (1, 3))], Grid())
        reason = r"no settings reach miss at most 1 % and false alarm at most 1 %; the nearest come to miss \d"
        with pytest.raises(VadError, match=reason):
            run(trials, Goal(miss_at_most=0.01, false_alarm_at_most=0.01), DEFAULT)

    def test_a_limit_that_does_not_hold_on_others_is_said(self) -> None:
        easy = recording(steps(0.1, 0.9, 0.1), (0.5, 1.0))
        hard = recording(steps(0.1, 0.3, 0.1), (0.5, 1.0))
        tuned = run(Trials([easy, easy, hard], Grid()), Goal("false_alarm", miss_at_most=0.02), DEFAULT, folds=3)
        assert tuned.metrics["tuned"]["miss"] == 0
        assert "miss at most 2 % does not hold on others, where it is 33.3 %" in tuned.notes[0]

    @pytest.mark.parametrize(("speech", "lacks"), [((), "no speech"), (((0.0, 1.5),), "no time without speech")])
    def test_references_of_one_kind_are_refused(self, speech: Any, lacks: str) -> None:
        with pytest.raises(VadError, match=f"the references hold {lacks}"):
            run(Trials([recording(steps(0, 1, 0), *speech)], Grid()), Goal(), DEFAULT)

    @pytest.mark.parametrize(
        ("goal", "reason"),
        [
            ({"minimize": "miss"}, "detecting everything would reach this goal; set false_alarm_at_most"),
            ({"minimize": "false_alarm", "false_alarm_at_most": 0.1}, "detecting nothing would reach"),
            ({"minimize": "auc"}, "choose one of dcf, deter"),
            ({"miss_at_most": -0.1}, "give a share from 0 to 1"),
        ],
    )
    def test_goals_that_make_no_sense_are_refused(self, goal: dict[str, Any], reason: str) -> None:
        with pytest.raises(SettingError, match=reason):
            Goal(**goal)


class TestMetadata:
    def test_nothing_else_of_the_file_changes(self) -> None:
        for path in (ENERGY, Detector().path):
            before = onnx.load(path)
            after = onnx.load_from_string(with_metadata(path.read_bytes(), {"vad": "new", "ä": "ö" * 300}))
            onnx.checker.check_model(after)
            assert {p.key: p.value for p in after.metadata_props} == {"vad": "new", "ä": "ö" * 300}
            for model in (before, after):
                del model.metadata_props[:]
            assert after == before

    def test_other_keys_stay(self) -> None:
        model = onnx.load(ENERGY)
        onnx.helper.set_model_props(model, {"author": "me", "vad": "old"})
        after = onnx.load_from_string(with_metadata(model.SerializeToString(), {"vad": "new"}))
        assert {p.key: p.value for p in after.metadata_props} == {"author": "me", "vad": "new"}

    @examples(max_examples=300)
    @given(st.binary(max_size=40))
    def test_no_bytes_break_it(self, content: bytes) -> None:
        try:
            with_metadata(content, {"vad": "x"})
        except ModelError as error:
            assert "not an ONNX file" in str(error)


class TestCommand:
    def test_the_options_it_prints_make_the_settings(self, quiet_speech: Path) -> None:
        result = tune(quiet_speech)
        table, options = result.stdout.rstrip().rsplit("\n\n", 1)
        assert "6 recordings" in table
        assert "tuned, on others" in table
        found = detect(quiet_speech / "0.wav", *options.split())
        start, end = map(float, found.stdout.split())
        assert (start, end) == pytest.approx((0.5, 1.5), abs=0.03)

    def test_json_says_the_same_by_names(self, quiet_speech: Path) -> None:
        found = json.loads(tune(quiet_speech, "--format", "json").stdout)
        assert found["metrics"]["before"]["miss"] == 1
        assert (found["vad"], found["model"]["name"], found["collar"], found["seed"]) == (__version__, "energy", 0, 1)
        assert found["metrics"]["left_out"]["dcf"] < 0.05
        settings = Segmentation(**found["tuned"] | {"max_speech": np.inf})
        assert found["options"] == to_options(settings, DEFAULT, model=str(ENERGY))
        assert to_options(settings, settings, latency="balanced") == "--latency balanced"
        assert len(found["folds"]) == 5

    def test_the_copy_has_the_settings_and_they_are_used(self, quiet_speech: Path, tmp_path: Path) -> None:
        model = tmp_path / "new" / "mine.onnx"
        found = json.loads(tune(quiet_speech, "--write", model, "--format", "json").stdout)
        old, new = Detector(ENERGY), Detector(model)
        assert new.settings() == Segmentation(**found["tuned"] | {"max_speech": np.inf})
        assert new.description.version == old.description.version + "+tuned"
        assert len(new.detect(quiet_speech / "0.wav")) == 1
        assert old.detect(quiet_speech / "0.wav") == []
        other = replace(new.settings(), **PRESETS["asr"])
        assert new.settings("asr") == other

    def test_a_tuned_preset_is_that_preset_and_no_other(self, quiet_speech: Path, tmp_path: Path) -> None:
        model = tmp_path / "mine.onnx"
        arguments = ["--preset", "recall", "--pad-start", "0.25", "--write", model]
        result = tune(quiet_speech, *arguments)
        assert result.stdout.splitlines()[-1].startswith(f"--model {ENERGY} --preset recall --onset")
        assert Detector(model).settings() == Detector(ENERGY).settings()
        assert Detector(model).settings("recall").pad_start == 0.25
        again = json.loads(tune(quiet_speech, "--preset", "recall", "--format", "json").stdout)
        assert again["before"]["pad_start"] == PRESETS["recall"]["pad_start"]

    def test_what_is_given_stays(self, quiet_speech: Path) -> None:
        found = json.loads(tune(quiet_speech, "--min-silence", "0.5", "--format", "json").stdout)
        assert found["tuned"]["min_silence"] == found["before"]["min_silence"] == 0.5
        assert "--min-silence 0.5" in found["options"]

    def test_the_curves_are_drawn(self, quiet_speech: Path, tmp_path: Path) -> None:
        tune(quiet_speech, "--miss-at-most", "5 %", "--plot", tmp_path / "curves.svg")
        text = (tmp_path / "curves.svg").read_text()
        assert "<!-- miss at most 5 % -->" in text
        assert "<!-- detection cost -->" not in text  # the goal is a low false alarm

    def test_a_damaged_recording_costs_itself(self, quiet_speech: Path, tmp_path: Path) -> None:
        for path in quiet_speech.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        (tmp_path / "3.wav").write_bytes(b"RIFF no sound")
        result = tune(tmp_path, status=1)
        assert result.stderr.count("Error") == 1
        assert "5 recordings" in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["nowhere"], "nowhere: does not exist"),
            ([".", "--labels", "a.tsv"], "the references hold no speech"),
            ([".", "--miss-at-most", "none"], "'none' is not a share; give one like 2% or 0.02"),
            ([".", "--miss-at-most", "nan"], "'nan' is not a share"),
            ([".", "--minimize", "miss"], "detecting everything would reach this goal"),
            ([".", "--dcf", "-1", "1"], "two weights"),
            ([".", "--seed", "-1"], "seed=-1: give 0 or more"),
            ([".", "--plot", "a.gif"], "a.gif: pictures are written as .png, .svg, .pdf"),
        ],
    )
    def test_what_cannot_be_tuned_is_said_in_a_line(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        write_bursts: Callable[..., Path],
        arguments: Any,
        said: str,
    ) -> None:
        write_bursts("a.wav", (1, 2))
        (tmp_path / "a.tsv").write_text("start\tend\n" if "a.tsv" in arguments else "1\t2\n")
        monkeypatch.chdir(tmp_path)
        result = tune(*arguments, status=None)
        assert result.exit_code in (1, 2)
        assert said in result.stderr
        assert result.stderr.count("Error") == 1
        assert isinstance(result.exception, SystemExit)
