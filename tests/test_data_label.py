"""`vad data label`: labels by level, or by a detector that serves as teacher."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import DATA, RATE, Write, bursts, invoke
from corpora import PAUSED
from vad import AudioError
from vad.data.gather import gather
from vad.data.labelling import detect_by_energy
from vad.evaluation.frames import frame_mask
from vad.formats import read_labels
from vad.grid import Grid


class TestLabel:
    def test_speech_is_what_is_loud(self) -> None:
        rng = np.random.default_rng(0)
        spans = ((0.5, 1.2), (1.25, 1.8), (2.5, 2.53), (3.0, 4.0))  # a pause of 50 ms, a click of 30 ms
        sound = bursts(*spans, seconds=5) + 1e-3 * rng.standard_normal(5 * RATE)
        found = detect_by_energy(sound.astype(np.float32), Grid(), "sound")
        assert np.allclose(found, [(0.48, 1.82), (2.98, 4.02)], atol=0.011)

    def test_what_is_not_clean_is_refused_by_name(self) -> None:
        noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
        with pytest.raises(AudioError, match=r"street.*dB.*20"):
            detect_by_energy(0.1 * noise, Grid(), "street")
        with pytest.raises(AudioError, match="no sound"):
            detect_by_energy(noise[:0], Grid(), "nothing")

    def test_labels_come_in_any_format_and_failures_do_not_stop_the_others(
        self, write_bursts: Write, tmp_path: Path
    ) -> None:
        rng = np.random.default_rng(0)
        good = write_bursts("audio/good.wav", *PAUSED)
        soundfile.write(tmp_path / "audio/street.wav", 0.1 * rng.standard_normal(RATE), RATE)
        result = invoke("data", "label", tmp_path / "audio", "-o", tmp_path / "out", "--format", "audacity", status=1)
        assert "street.wav" in result.stderr and "good" not in result.stderr
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["good.txt"]
        assert len(gather(good, tmp_path / "out/good.txt").regions) == 2

    def test_the_labels_say_that_they_come_from_energy(self, write_bursts: Write, tmp_path: Path) -> None:
        invoke("data", "label", write_bursts("good.wav", *PAUSED), "-o", tmp_path / "good.json")
        assert json.loads((tmp_path / "good.json").read_text())["model"]["name"] == "energy"

    def test_a_detector_can_be_the_teacher(self, talk: Path, tmp_path: Path) -> None:
        invoke("data", "label", talk, "-o", tmp_path / "talk.txt", "--model", "speech-1")
        frames, grid = 2465, Grid()
        ours, truth = (
            frame_mask(read_labels(p)[0].segments, frames, grid) for p in (tmp_path / "talk.txt", DATA / "talk.tsv")
        )
        assert (ours == truth).mean() > 0.85
