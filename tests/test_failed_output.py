"""Outputs that cannot be written, or would overwrite one another, and readers that stop reading."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from conftest import (
    COMMAND,
    DOUBLE,
    ENERGY,
    SEGMENT_OF_SOUND,
    SOUND,
    detect,
    error_line,
    run,
    start,
    write_wav,
)

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


class TestOutput:
    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        write_wav(tmp_path / "good.wav")
        return tmp_path / "good.wav"

    @full
    @pytest.mark.parametrize("how", [["-o", "/dev/full"], ["-f", "json"], ["--summary"]])
    def test_a_full_disk_is_one_line(self, good: Path, how: list[str]) -> None:
        with open("/dev/full", "w") as out:
            done = run("detect", *DOUBLE, good, *how, status=1, stdout=out if "-o" not in how else subprocess.PIPE)
        assert "No space left" in error_line(done.stderr)

    @full
    def test_a_full_disk_is_one_line_of_info(self) -> None:
        with open("/dev/full", "w") as out:
            done = run("info", ENERGY, status=1, stdout=out)
        assert "No space left" in error_line(done.stderr)

    @pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
    @pytest.mark.parametrize("how", [[], ["-f", "json"], ["--summary"], ["-j", "2"]], ids=" ".join)
    def test_a_reader_that_goes_away_is_no_error(self, good: Path, tmp_path: Path, how: list[str]) -> None:
        other = tmp_path / "other.wav"
        write_wav(other)
        with start("detect", *DOUBLE, good, other, *how) as process:
            assert process.stdout and process.stderr
            process.stdout.close()  # as `head` does, only earlier
            assert process.stderr.read() == b""
            process.wait(60)
        assert process.returncode in (0, 1, -13)

    @pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
    def test_head_takes_what_it_wants(self, good: Path) -> None:
        line = f"'{COMMAND}' detect --model '{ENERGY}' '{good}' | head -c1"
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
        assert (done.stdout, done.stderr) == ("0", "")

    @pytest.mark.parametrize("target", ["good.wav/out.txt", "good.wav/{stem}.txt"])
    def test_a_place_that_cannot_be_written_is_one_line(self, good: Path, tmp_path: Path, target: str) -> None:
        result = detect(good, "-o", tmp_path / target, status=1)
        assert "good.wav" in error_line(result.stderr)

    def test_a_failed_write_leaves_the_earlier_file_alone(self, tmp_path: Path) -> None:
        out = tmp_path / "out.txt"
        out.write_text("precious")
        detect(tmp_path / "missing.wav", "-o", out, "--onset", "2", status=2)
        assert out.read_text() == "precious"

    def test_when_no_input_could_be_read_the_earlier_file_is_left_alone(self, tmp_path: Path) -> None:
        out = tmp_path / "out.json"
        out.write_text("[]")
        detect(tmp_path / "missing.wav", "-o", out, status=1)
        assert json.loads(out.read_text()) == []

    def test_two_recordings_never_share_a_file_unnoticed(self, tmp_path: Path) -> None:
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
            write_wav(tmp_path / folder / "same.wav")
        one, other = tmp_path / "a" / "same.wav", tmp_path / "b" / "same.wav"
        result = detect(one, other, "-o", tmp_path / "out", status=1)
        assert str(other) in error_line(result.stderr)
        assert (tmp_path / "out" / "same.txt").read_text().endswith(SEGMENT_OF_SOUND)

    def test_two_recordings_never_share_a_file_of_scores_unnoticed(self, tmp_path: Path, good: Path) -> None:
        other = tmp_path / "other.wav"
        write_wav(other)
        result = detect(good, other, "--scores", tmp_path / "scores.npz", status=2)
        assert "scores" in error_line(result.stderr)

    def test_channels_never_share_a_file_of_scores_unnoticed(self, tmp_path: Path) -> None:
        path = tmp_path / "stereo.wav"
        write_wav(path, np.stack([SOUND, SOUND], 1))
        result = detect(path, "--channel", "each", "--scores", tmp_path / "scores.npz", status=2)
        assert "scores" in error_line(result.stderr)

    @pytest.mark.parametrize(("template", "status"), [("out.srt", 2), ("{stem}.txt", 1)])
    def test_channels_never_share_a_file_of_labels_unnoticed(self, tmp_path: Path, template: str, status: int) -> None:
        path = tmp_path / "stereo.wav"
        write_wav(path, np.stack([SOUND, np.zeros_like(SOUND)], 1))
        result = detect(path, "--channel", "each", "-o", tmp_path / template, status=status)
        assert "channel" in error_line(result.stderr)


def test_ctrl_c_ends_even_a_read_that_waits() -> None:
    with start("detect", *DOUBLE, "-", "--raw", "--verbose", stdin=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"energy.onnx" in process.stderr.readline()  # it is about to read
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.split() == [b"Aborted!"]
