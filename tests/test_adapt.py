"""Adapting to somebody's own recordings: folds, what it may cost elsewhere, and the verdict."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import DATA, ROOT, invoke
from vad import Detector, RecipeError
from vad.model.pretrained import find
from vad.network.to_onnx import from_onnx
from vad.settings import COST_WEIGHTS, Segmentation
from vad.training.adapt import divide
from vad.training.corpus import Clip
from vad.training.finish_adapted import moved
from vad.training.general_sound import INDEX, general_clips
from vad.training.verdict import Candidate, Verdict, thresholds

QUICK = ["loop.steps=2", "loop.batch=2", "loop.workers=0", "loop.dev_crops=2", "mixture.seconds=2.0", "--trust-labels"]


def clip(speaker: str, seconds: float, file: str = "") -> Clip:
    target = np.ones(round(100 * seconds), np.float32)
    return Clip("own", speaker, np.zeros(160 * len(target), np.int16), target, target, file=file)


class TestFolds:
    def test_each_recording_is_left_out_once_and_speakers_stay_together(self) -> None:
        clips = [clip(speaker, seconds) for speaker, seconds in zip("aabbcd", (5, 4, 3, 2, 6, 1), strict=True)]
        folds = divide(clips)
        assert set(folds) == {0, 1, 2}
        assert folds[0] == folds[1] and folds[2] == folds[3]
        assert folds[5] in (folds[2], folds[4])  # with those who say less than speaker a

    def test_recordings_of_one_speaker_are_divided(self) -> None:
        assert sorted(divide([clip("a", 1, "x"), clip("a", 1, "y")])) == [0, 1]

    def test_the_parts_of_a_recording_stay_together(self) -> None:
        folds = divide([clip("a", seconds, file) for seconds, file in zip((1, 4, 2, 3), "xyxy", strict=True)])
        assert folds[0] == folds[2] != folds[1] == folds[3]

    def test_one_recording_alone_cannot_be_left_out(self, talk: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="at least two"):
            divide([clip("a", 1), clip("b", 0)])
        refused = invoke("train", *QUICK, "--audio", talk, "-o", tmp_path / "mine", status=1)
        assert "speech in one recording alone" in refused.stderr and "dev" not in refused.stderr


def test_the_readme_shows_the_verdict_of_the_recipe() -> None:
    values = json.loads((ROOT / "recipes" / "custom" / "verdict.json").read_text())
    verdict = Verdict(**{field.name: values[field.name] for field in fields(Verdict)})
    assert "\n".join(["```", *verdict.lines(), "```"]) in (ROOT / "README.md").read_text("utf-8")


class TestVerdict:
    def test_noise_taken_for_speech_costs_elsewhere(self) -> None:
        spoken, noise = [9.0, 1.0, 0.0, 5.0], [0.0, 0.0, 0.1, 9.9]
        one = Candidate(1.0, Segmentation(), np.array([spoken]), np.array([spoken, noise]))
        assert one.cost(COST_WEIGHTS, np.array([True])) == pytest.approx(0.075)
        assert one.elsewhere(COST_WEIGHTS) == pytest.approx(0.075 + 12 * 0.25 * 0.01)

    def test_the_settings_of_the_base_are_tried_first(self) -> None:
        base = Segmentation(0.41, 0.39)
        tried = list(thresholds(base))
        assert tried[0] == base
        assert all(one.offset <= one.onset for one in tried)

    @pytest.mark.parametrize(
        ("low", "says"),
        [
            (0.004, "better by 2.0 points (95 %: 0.4 .. 3.0)"),
            (-0.1, "not better"),
            (-0.0004, "not better: +2.0 points (95 %: 0.0 .. 3.0)"),
        ],
    )
    def test_it_says_what_was_gained(self, low: float, says: str) -> None:
        before, after = ({"dcf": d, "deter": d, "miss": d, "false_alarm": d} for d in (0.1, 0.08))
        verdict = Verdict(5, 2.5, 0.5, before, after, (0.05, 0.052), low, 0.03)
        assert verdict.better == (low > 0)
        assert says in verdict.lines()[-1]


def test_presets_move_as_the_default_does_and_keep_their_order() -> None:
    default, precise = {"onset": 0.4, "offset": 0.4}, {"onset": 0.76, "offset": 0.7, "min_speech": 0.2}
    assert moved(default, default, Segmentation(0.2, 0.1)) == {"onset": 0.2, "offset": 0.1}
    lower = moved(precise, default, Segmentation(0.2, 0.1))
    assert 0.2 < lower["onset"] < 0.76 and lower["offset"] < lower["onset"] and lower["min_speech"] == 0.2
    assert moved(precise, default, Segmentation(0.4, 0.4)) == precise


def test_the_general_sound_names_its_licences() -> None:
    lines = [json.loads(line) for line in INDEX.read_text("utf-8").splitlines()]
    assert len(lines) == 70
    assert all(line["licence"] and line["speaker"] for line in lines)
    text = (INDEX.parent / "README.md").read_text("utf-8")
    assert {line["licence"].removesuffix(" (free)").replace("CMU ARCTIC", "free") for line in lines} <= {
        word for word in ("CC-BY-4.0", "Apache-2.0", "public domain", "CC0-1.0", "free") if word in text
    }


def test_loud_general_sound_is_clipped() -> None:
    """The peaks of the coded sound are beyond full scale."""
    network = from_onnx(find("speech-1"))[0]
    for clip in general_clips(network, Detector().description.features):
        assert np.abs(np.diff(clip.samples.astype(int))).max() < 50_000  # 65 535 where a peak turns over


def test_an_adapted_model_names_what_it_was_made_from_and_keeps_the_splits(tmp_path: Path) -> None:
    samples, rate = soundfile.read(DATA / "talk.flac")
    for number in range(3):
        excerpt = samples[8 * number * rate : 8 * (number + 1) * rate]
        soundfile.write(tmp_path / f"{number}.wav", excerpt, rate)
        found = Detector().detect(excerpt, sample_rate=rate)  # labels that leave nothing to learn
        (tmp_path / f"{number}.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in found))
    output = tmp_path / "mine"
    command = ["train", *QUICK, "--audio", tmp_path, "--noise", DATA / "dishes.flac", "-o", output]
    refused = invoke(*command, status=1)
    assert "3 recordings (0.4 min), each left out once" in refused.stdout
    assert "not better" in refused.stdout and "--keep-anyway" in refused.stderr
    assert "0.4 min of sound in 3 recordings: expect little" in refused.stderr
    assert not (output / "model.onnx").exists()

    command += ["--keep-anyway", "--speaker-pattern", "[01]"]  # which makes other speakers of the same recordings
    splits = (output / "corpus" / "speech.jsonl").read_text()
    assert "--resume" in invoke(*command, status=1).stderr
    assert (output / "corpus" / "speech.jsonl").read_text() == splits
    kept = invoke(*command, "--resume")
    assert (output / "corpus" / "speech.jsonl").read_text() == splits
    assert "step" not in kept.stderr  # nothing is trained again
    assert kept.stdout.splitlines()[-1] == str(output / "model.onnx")
    detector = Detector(output)
    about = detector.description
    assert about.name == "mine" and about.recipe["network"] == Detector().description.recipe["network"]
    assert about.training["base"]["name"] == "speech-1" and about.training["base"]["data"]
    assert {"speech", "noise", "general"} == {line["kind"] for line in about.training["data"]}
    assert about.thresholds.keys() == Detector().description.thresholds.keys()
    assert detector.detect(DATA / "talk.flac")
    assert "adapting `speech-1`" in (output / "model.md").read_text("utf-8")
    assert re.search("adapted from: +speech-1", invoke("info", output).stdout)
    assert json.loads((output / "verdict.json").read_text())["recordings"] == 3
