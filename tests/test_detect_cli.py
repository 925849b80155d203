"""`vad detect`: inputs, channels, settings, and how the command behaves."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import DOUBLE, ENERGY, RATE, Write, bursts, detect, invoke, near, on_a_terminal, run, spans
from vad import Detector
from vad.model.pretrained import write_tuned


@pytest.fixture
def one(write_bursts: Write) -> Path:
    return write_bursts("one.wav", (1, 2))


@pytest.fixture
def two(write_bursts: Write) -> Path:
    return write_bursts("two.wav", (0.5, 1), (2, 2.5))


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([bursts((0.5, 1), seconds=3), bursts((2, 2.5), seconds=3)], 1), RATE)
    return path


class TestInputs:
    def test_one_file_gives_start_and_end_of_each_segment(self, two: Path) -> None:
        result = detect(two)
        assert result.stdout == "0.490\t1.010\n1.990\t2.510\n"
        assert result.stderr == ""

    def test_several_files_stand_before_their_segments(self, one: Path, two: Path) -> None:
        lines = detect(two, one).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == [str(two), str(two), str(one)]
        assert spans("\n".join(lines)) == near((0.5, 1), (2, 2.5), (1, 2))

    def test_silence_gives_nothing(self, write_bursts: Write) -> None:
        assert detect(write_bursts("silence.wav")).stdout == ""

    def test_a_file_named_twice_is_done_once(self, one: Path) -> None:
        assert detect(one, one).stdout == detect(one).stdout

    def test_a_folder_is_searched_to_its_depth_in_order(self, write_bursts: Write, tmp_path: Path) -> None:
        for name in ("b.wav", "a/z.flac", "a/deep/er/y.ogg", "A.WAV", ".hidden.wav", ".git/x.wav"):
            write_bursts(name, (1, 2))
        (tmp_path / "notes.txt").write_text("no sound")
        lines = detect(tmp_path).stdout.splitlines()
        found = [str(Path(line.split("\t")[0]).relative_to(tmp_path)) for line in lines]
        assert found == ["A.WAV", "b.wav", "a/z.flac", "a/deep/er/y.ogg"]

    def test_a_pattern_is_resolved_in_order(self, write_bursts: Write, tmp_path: Path) -> None:
        for name in ("b1.wav", "b2.wav", "c.wav", "sub/b3.wav"):
            write_bursts(name, (1, 2))
        names = [Path(line.split("\t")[0]).name for line in detect(f"{tmp_path}/b*.wav").stdout.splitlines()]
        assert names == ["b1.wav", "b2.wav"]
        names = [Path(line.split("\t")[0]).name for line in detect(f"{tmp_path}/**/b*.wav").stdout.splitlines()]
        assert sorted(names) == ["b1.wav", "b2.wav", "b3.wav"]

    def test_a_pattern_skips_the_labels_beside_the_sound(self, one: Path, tmp_path: Path) -> None:
        detect(one, "-o", tmp_path / "one.srt")
        done = detect(f"{tmp_path}/one.*")
        assert (done.stdout, done.stderr) == (detect(one).stdout, "")
        details = detect(f"{tmp_path}/one.*", "-v").stderr
        assert f"{tmp_path}/one.srt: skipped, has no name of a sound file\n" in details
        assert f"{tmp_path}/one.srt: holds no audio track" in detect(one, tmp_path / "one.srt", status=1).stderr

    def test_a_name_that_looks_like_a_pattern_is_a_file(self, write_bursts: Write) -> None:
        assert spans(detect(write_bursts("take [1].wav", (1, 2))).stdout) == near((1, 2))

    def test_from_file_adds_inputs_one_per_line(self, one: Path, two: Path, tmp_path: Path) -> None:
        names = tmp_path / "list.txt"
        names.write_text(f"\n  {two}\n\n")
        assert detect(one, "--from-file", names).stdout == detect(one, two).stdout

    def test_from_file_takes_a_list_of_windows(self, one: Path, two: Path, tmp_path: Path) -> None:
        names = tmp_path / "list.txt"
        names.write_text(f"{one}\r\n{two}\r\n", "utf-8-sig", newline="")
        assert detect("--from-file", names).stdout == detect(one, two).stdout

    def test_from_file_takes_standard_input(self, one: Path) -> None:
        assert detect("--from-file", "-", stdin=f"{one}\n").stdout == detect(one).stdout

    @pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
    def test_a_container_comes_from_standard_input(self, kind: str) -> None:
        content = io.BytesIO()
        soundfile.write(content, bursts((1, 2), seconds=3, rate=44_100), 44_100, format=kind)
        done = run("detect", *DOUBLE, "-", input=content.getvalue(), text=False)
        assert not done.stderr
        assert spans(done.stdout.decode()) == near((1, 2))

    @pytest.mark.parametrize(
        ("arguments", "rate", "dtype", "channels"),
        [
            ([], 16_000, "int16", 1),
            (["--rate", "8000", "--channels", "2", "--dtype", "float32"], 8_000, "float32", 2),
        ],
    )
    def test_bare_samples_come_from_standard_input(
        self, arguments: list[str], rate: int, dtype: str, channels: int
    ) -> None:
        samples = np.repeat(bursts((1, 2), seconds=3, rate=rate)[:, None], channels, axis=1)
        scaled = samples if dtype == "float32" else (samples * 32767).astype(dtype)
        done = run("detect", *DOUBLE, "--raw", *arguments, "-", input=scaled.tobytes(), text=False)
        assert not done.stderr
        assert spans(done.stdout.decode()) == near((1, 2))

    def test_bare_samples_come_from_files(self, tmp_path: Path) -> None:
        path = tmp_path / "a.pcm"
        path.write_bytes((bursts((1, 2), seconds=3) * 32767).astype("<i2").tobytes())
        assert spans(detect(path, "--raw").stdout) == near((1, 2))

    def test_standard_input_can_stand_among_files(self, one: Path, two: Path) -> None:
        done = run("detect", *DOUBLE, one, "-", input=two.read_bytes(), text=False)
        assert spans(done.stdout.decode()) == near((1, 2), (0.5, 1), (2, 2.5))


class TestChannels:
    def test_mix_hears_all(self, stereo: Path) -> None:
        assert spans(detect(stereo).stdout) == near((0.5, 1), (2, 2.5))

    @pytest.mark.parametrize(("number", "span"), [(1, (0.5, 1)), (2, (2, 2.5))])
    def test_a_number_hears_that_one(self, stereo: Path, number: int, span: tuple[float, float]) -> None:
        assert spans(detect(stereo, "--channel", str(number)).stdout) == near(span)

    def test_each_is_kept_apart(self, stereo: Path) -> None:
        rows = list(csv.DictReader(io.StringIO(detect(stereo, "--channel", "each", "-f", "csv").stdout)))
        assert [(row["channel"], float(row["start"])) for row in rows] == [
            ("1", pytest.approx(0.5, abs=0.02)),
            ("2", pytest.approx(2, abs=0.02)),
        ]

    def test_each_in_a_folder_is_a_file_per_channel(self, stereo: Path, tmp_path: Path) -> None:
        detect(stereo, "--channel", "each", "-o", tmp_path / "out", "--scores", tmp_path / "out")
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "stereo.ch1.npz",
            "stereo.ch1.txt",
            "stereo.ch2.npz",
            "stereo.ch2.txt",
        ]
        assert spans((tmp_path / "out" / "stereo.ch2.txt").read_text()) == near((2, 2.5))

    def test_each_by_a_template(self, stereo: Path, tmp_path: Path) -> None:
        detect(stereo, "--channel", "each", "-o", "{dir}/{stem}-{channel}.txt")
        assert spans((tmp_path / "stereo-1.txt").read_text()) == near((0.5, 1))
        assert spans((tmp_path / "stereo-2.txt").read_text()) == near((2, 2.5))

    def test_each_has_a_summary_per_channel(self, stereo: Path) -> None:
        lines = detect(stereo, "--channel", "each", "--summary").stdout.splitlines()
        assert [line.split(":")[0] for line in lines] == [f"{stereo} channel 1", f"{stereo} channel 2"]

    def test_each_as_text_tells_the_channels_apart(self, stereo: Path) -> None:
        first, second = detect(stereo, "--channel", "each").stdout.splitlines()
        assert "[1]" in first
        assert "[2]" in second

    def test_each_as_json_is_an_array(self, stereo: Path) -> None:
        content = json.loads(detect(stereo, "--channel", "each", "-f", "json").stdout)
        assert [document["channel"] for document in content] == [1, 2]


class TestSettings:
    def test_min_speech_drops_what_is_shorter(self, write_bursts: Write) -> None:
        path = write_bursts("a.wav", (0.5, 0.7), (1, 2))
        assert spans(detect(path).stdout) == near((0.5, 0.7), (1, 2))
        assert spans(detect(path, "--min-speech", "0.4").stdout) == near((1, 2))

    def test_min_silence_bridges_what_is_shorter(self, two: Path) -> None:
        assert spans(detect(two, "--min-silence", "0.5").stdout) == near((0.5, 1), (2, 2.5))
        assert spans(detect(two, "--min-silence", "1.1").stdout) == near((0.5, 2.5))

    def test_padding_widens_and_stays_within_the_recording(self, two: Path) -> None:
        assert spans(detect(two, "--pad-start", "0.2", "--pad-end", "0.1").stdout) == near((0.3, 1.1), (1.8, 2.6))
        assert spans(detect(two, "--pad-start", "9", "--pad-end", "9").stdout) == [(0, 3)]

    def test_max_speech_cuts(self, one: Path) -> None:
        found = spans(detect(one, "--max-speech", "0.4").stdout)
        assert len(found) > 2
        assert all(end - start <= 0.4001 for start, end in found)
        assert [found[0][0], found[-1][1]] == pytest.approx([1, 2], abs=0.02)

    def test_a_model_has_a_limit_of_its_own(self, one: Path, tmp_path: Path) -> None:
        """As `vad tune --max-speech 0.4 --write` makes it."""
        detector = Detector(ENERGY)
        limited = replace(detector.settings(), max_speech=0.4)
        write_tuned(detector.path, tmp_path / "mine.onnx", detector.description, "default", limited)
        found = spans(invoke("detect", "--model", tmp_path / "mine.onnx", one).stdout)
        assert len(found) > 2 and found == near(*Detector(tmp_path / "mine.onnx").detect(one))
        assert spans(invoke("detect", "--model", tmp_path / "mine.onnx", "--max-speech", "inf", one).stdout) == near(
            (1, 2)
        )

    def test_thresholds_decide_what_is_loud_enough(self, tmp_path: Path) -> None:
        path = tmp_path / "quiet.wav"
        soundfile.write(path, bursts((1, 2), seconds=3) * 10**-3.77, RATE, "FLOAT")
        with_scores = tmp_path / "scores.npz"
        detect(path, "--scores", with_scores)
        level = float(np.load(with_scores)["scores"][150])
        assert 0.02 < level < 0.98
        below, above = str(level - 0.01), str(level + 0.01)
        assert spans(detect(path, "--onset", below).stdout) == near((1, 2))
        assert detect(path, "--onset", above).stdout == ""

    def test_a_low_onset_takes_the_offset_with_it(self, one: Path) -> None:
        content = json.loads(detect(one, "--onset", "0.2", "-f", "json").stdout)
        assert (content["settings"]["onset"], content["settings"]["offset"]) == (0.2, 0.2)

    @pytest.mark.parametrize(
        ("preset", "setting", "value"),
        [
            ("default", "min_speech", 0.1),
            ("recall", "pad_start", 0.1),
            ("precision", "min_speech", 0.2),
            ("asr", "max_speech", 30),
        ],
    )
    def test_a_preset_sets(self, one: Path, preset: str, setting: str, value: float) -> None:
        assert json.loads(detect(one, "--preset", preset, "-f", "json").stdout)["settings"][setting] == value

    def test_an_option_wins_over_the_preset(self, one: Path) -> None:
        content = json.loads(detect(one, "--preset", "asr", "--pad-end", "0", "-f", "json").stdout)
        assert (content["settings"]["pad_end"], content["settings"]["pad_start"]) == (0, 0.2)


class TestRun:
    @pytest.mark.skipif(sys.platform == "win32", reason="other folders, and reports by way of the system")
    def test_onnx_runtime_is_kept_from_reporting(self, one: Path, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        inherited = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
        run("detect", one, *DOUBLE, env={**inherited, "HOME": str(home), "XDG_CACHE_HOME": str(home)})
        assert list(home.iterdir()) == []  # where it would keep its reports, and the number of this machine

    def test_what_lies_in_the_working_folder_is_not_run(self, write_bursts: Write, tmp_path: Path) -> None:
        """It may be another checkout of this repository."""
        paths = [write_bursts(name, (1, 2)) for name in ("a.wav", "b.wav")]
        for name in ("vad", "numpy"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
        done = run("detect", *DOUBLE, "--jobs", "2", "--summary", *paths, cwd=tmp_path)
        assert (done.stderr, done.stdout.count("1 segment")) == ("", 2)

    @pytest.mark.parametrize("jobs", ["1", "2", "8"])
    def test_the_order_is_that_of_the_inputs_however_many_jobs(self, write_bursts: Write, jobs: str) -> None:
        lengths = (20, 0.5, 8, 0.5, 3, 0.5, 1, 0.5)  # the long ones end last
        paths = [write_bursts(f"{9 - i}.wav", (0, 0.3), seconds=s) for i, s in enumerate(lengths)]
        lines = detect(*paths, "--jobs", jobs).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == list(map(str, paths))

    def test_one_bad_among_good_is_status_1(self, one: Path, two: Path, tmp_path: Path) -> None:
        bad = tmp_path / "bad.wav"
        bad.write_text("no sound")
        result = detect(one, bad, two, status=1)
        assert result.stdout == detect(one, two).stdout
        assert result.stderr.startswith(f"Error: {bad}: ")
        assert len(result.stderr.splitlines()) == 1

    @pytest.mark.parametrize("same", ["0.3s", "300ms", " 0.3 "])
    def test_durations_may_have_a_unit(self, one: Path, same: str) -> None:
        longer = detect(one, "--pad-start", "0.3").stdout
        assert longer == detect(one, "--pad-start", same).stdout != detect(one).stdout

    def test_what_is_no_duration_is_said(self, one: Path) -> None:
        result = detect(one, "--min-speech", "1 minute", status=2)
        assert "'--min-speech': '1 minute' is not a duration; give seconds, like 0.1 or 100ms" in result.stderr

    def test_verbose_says_model_settings_and_what_was_found(self, one: Path) -> None:
        result = detect(one, "-v")
        assert result.stdout == detect(one).stdout
        first, second = result.stderr.splitlines()
        assert str(ENERGY) in first
        assert "onset 0.5, offset " in first
        assert second.startswith(f"{one}: 3.00 s, speech 34.0 %")

    def test_quiet_leaves_errors_alone_and_warnings_out(self, one: Path, tmp_path: Path) -> None:
        bad = tmp_path / "nan.wav"
        soundfile.write(bad, np.full(RATE, np.nan), RATE, "FLOAT")
        assert "Warning: " in detect(bad).stderr
        assert detect(bad, "-q").stderr == ""
        assert detect(tmp_path / "missing.wav", "-q", status=1).stderr.startswith("Error: ")

    def test_a_pipe_gets_no_progress_bar(self, one: Path, two: Path) -> None:
        done = run("detect", *DOUBLE, one, two)
        assert not done.stderr
        assert done.stdout == detect(one, two).stdout

    @pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals to pretend here")
    @pytest.mark.parametrize("how", [[], ["-q"]], ids=["bar", "quiet"])
    def test_a_terminal_gets_a_progress_bar_unless_quiet(self, one: Path, two: Path, how: list[str]) -> None:
        impatient = "import vad.cli.console; vad.cli.console.PATIENCE = -1; from vad.cli import main; main()"
        command = [sys.executable, "-c", impatient, "detect", "--model", str(ENERGY), str(one), str(two), *how]
        done, shown = on_a_terminal(command)
        assert (b"100%" in shown) == (not how)
        assert done.stdout == detect(one, two).stdout
