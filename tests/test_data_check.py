"""`vad data check` finds the faults of a corpus before training does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import DATA, RATE, bursts, invoke
from corpora import PAUSED, label
from vad import Segment
from vad.audio.decode import read
from vad.data.check import check
from vad.data.label_shift import contrast
from vad.data.labelling import detect_by_energy, frame_levels
from vad.formats import read_labels
from vad.grid import Grid


class TestCheck:
    def test_good_data_passes_and_says_what_it_holds(self, labelled: tuple[Path, Path]) -> None:
        result = invoke("data", "check", *labelled)
        remarks = [line for line in result.stdout.splitlines() if "!" in line]
        assert len(remarks) == 1 and "0.5 min of sound in 10 recordings: expect little" in remarks[0]
        report = json.loads(invoke("data", "check", *labelled, "--format", "json").stdout)
        assert report["ok"]
        assert sum(split["seconds"] for split in report["splits"].values()) == pytest.approx(30)
        assert sum(split["speech"] for split in report["splits"].values()) == pytest.approx(15)

    def test_each_fault_is_found_where_it_is(self, labelled: tuple[Path, Path]) -> None:
        audio, labels = labelled
        rng = np.random.default_rng(0)
        shutil.copy(audio / "s0/0.wav", audio / "s0/1.wav")
        soundfile.write(audio / "s1/2.wav", np.clip(9 * bursts(*PAUSED, seconds=3), -1, 1), RATE)
        soundfile.write(audio / "s1/3.wav", 1e-5 * rng.standard_normal(3 * RATE), RATE, subtype="FLOAT")
        label(labels / "s2/4.txt", (0.5, 1.2), (1.6, 7.0))
        label(labels / "s4/9.txt", (0.5, 1.2), (1.6, 2.7), (3.02, 3.08))  # little, but all of it past the end
        soundfile.write(audio / "s2/5.wav", np.zeros((8000, 2)), 8000)
        label(labels / "s3/6.txt")
        (labels / "s3/7.txt").unlink()
        label(labels / "s3/seven.txt", (0, 1))
        report = check(audio, labels)
        remarks = {r.file: " ".join(r.remarks) for r in report.recordings}
        assert "the same sound as s0/0.wav" in remarks["s0/1.wav"]
        assert "clipped" in remarks["s1/2.wav"]
        assert "silent" in remarks["s1/3.wav"]
        assert "labels reach to 7.00 s, past the end at 3.00 s" in remarks["s2/4.wav"]
        assert "labels reach to 3.08 s, past the end at 3.00 s, 1 of which begin there" in remarks["s4/9.wav"]
        assert "has no speech" in remarks["s3/6.wav"]
        assert not remarks["s0/0.wav"] and not remarks["s4/8.wav"]
        assert report.unlabelled == ["s3/7.wav"]
        assert "seven" in report.orphans[0]
        assert "8000 Hz, 16000 Hz" in " ".join(report.warnings)
        assert report.error is None

    @pytest.mark.parametrize("late", [0.48, -0.3])
    def test_labels_that_lie_beside_the_sound_are_noticed(self, tmp_path: Path, late: float) -> None:
        rng = np.random.default_rng(1)
        for number in range(3):
            spans = [(at, at + rng.uniform(0.5, 2)) for at in np.arange(2, 28, 3.7)]
            sound = bursts(*spans, seconds=30) + 1e-3 * rng.standard_normal(30 * RATE)
            soundfile.write(tmp_path / f"{number}.wav", sound, RATE)
            label(tmp_path / f"{number}.txt", *((start + late, end + late) for start, end in spans))
        report = check(tmp_path)
        said = f"{abs(late):.2f} s {'late' if late > 0 else 'early'}"
        assert all(said in " ".join(r.remarks) for r in report.recordings)
        assert said in " ".join(report.warnings)
        assert report.late == pytest.approx(late, abs=0.011)
        refused = invoke("train", "--audio", tmp_path, "-o", tmp_path / "model", status=1)
        assert f"the labels seem {said}" in refused.stderr
        assert "--shift-labels auto" in refused.stderr and "--trust-labels" in refused.stderr

    def test_a_true_offset_is_found_in_speech_and_none_is_imagined(self, talk: Path) -> None:
        grid = Grid()
        levels = frame_levels(read(talk, RATE), grid)
        loud = detect_by_energy(read(talk, RATE), grid, "talk")
        assert contrast(levels, loud, grid).late == 0
        moved = [Segment(start + 0.7, end + 0.7) for start, end in loud]
        assert contrast(levels, moved, grid).late == pytest.approx(0.7, abs=0.02)
        assert contrast(levels, read_labels(DATA / "talk.tsv")[0].segments, grid).late == 0

    def test_speech_that_is_quieter_than_the_rest_is_said(self, talk: Path, tmp_path: Path) -> None:
        """A rumble at its end is the loudest sound of the recording."""
        (tmp_path / "talk.txt").write_text("0.85\t22.8\n")
        result = invoke("data", "check", talk, tmp_path / "talk.txt", "--split-by", "time")
        assert "dB quieter than the rest" in result.stdout

    def test_all_that_is_damaged_is_named_beside_what_stops_training(self, labelled: tuple[Path, Path]) -> None:
        audio, labels = labelled
        for name in ("s0/0", "s3/6"):
            label(labels / f"{name}.txt", *((1000 * start, 1000 * end) for start, end in PAUSED))
        (labels / "s4/9.txt").write_text("once upon a time\n")
        (audio / "s1/2.wav").write_bytes(b"no sound")
        result = invoke("data", "check", audio, labels, status=1)
        assert "milliseconds; write them in seconds (1 recording more like it)" in result.stdout.splitlines()[0]
        assert all(name in result.stdout for name in ("0.wav", "6.wav", "9.txt", "2.wav"))

    def test_what_would_stop_training_is_status_1(self, labelled: tuple[Path, Path], tmp_path: Path) -> None:
        (tmp_path / "none").mkdir()
        result = invoke("data", "check", labelled[0], tmp_path / "none", status=1)
        assert result.stderr == ""
        assert result.stdout.startswith("stops training: ")
        report = json.loads(
            invoke("data", "check", labelled[0], tmp_path / "none", "--format", "json", status=1).stdout
        )
        assert not report["ok"]
        assert "no labels" in report["error"]
