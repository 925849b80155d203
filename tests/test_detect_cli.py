"""`vad detect`: every option does what its help says, and standard output holds the result alone."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from conftest import COMMAND, ENERGY, RATE, bursts, on_a_terminal
from vad import __version__
from vad.cli import main
from vad.formats import FORMATS

Write = Callable[..., Path]


def detect(*arguments: str | Path, status: int = 0) -> Result:
    """`vad detect` with the model double, in this process; it must end with `status`."""
    result = CliRunner().invoke(main, ["detect", "--model", str(ENERGY), *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.stderr
    return result


def shell(*arguments: str | Path, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`vad` as a process of its own, with `content` on its standard input."""
    command = [str(COMMAND), *map(str, arguments)]
    return subprocess.run(command, input=content, capture_output=True, timeout=60, check=False)


def spans(text: str) -> list[tuple[float, float]]:
    """The segments of plain text."""
    return [(float(start), float(end)) for start, end in (line.split("\t")[-2:] for line in text.splitlines())]


def near(*expected: tuple[float, float]) -> list[Any]:
    """These segments, up to the frames whose window touches the tone."""
    return [pytest.approx(span, abs=0.0201) for span in expected]


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

    def test_a_name_that_looks_like_a_pattern_is_a_file(self, write_bursts: Write) -> None:
        assert spans(detect(write_bursts("take [1].wav", (1, 2))).stdout) == near((1, 2))

    def test_from_file_adds_inputs_one_per_line(self, one: Path, two: Path, tmp_path: Path) -> None:
        names = tmp_path / "list.txt"
        names.write_text(f"\n  {two}\n\n")
        assert detect(one, "--from-file", names).stdout == detect(one, two).stdout

    def test_from_file_takes_standard_input(self, one: Path) -> None:
        arguments = ["detect", "--model", str(ENERGY), "--from-file", "-"]
        result = CliRunner().invoke(main, arguments, input=f"{one}\n")
        assert result.stdout == detect(one).stdout

    @pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
    def test_a_container_comes_from_standard_input(self, kind: str) -> None:
        content = io.BytesIO()
        soundfile.write(content, bursts((1, 2), seconds=3, rate=44_100), 44_100, format=kind)
        done = shell("detect", "--model", ENERGY, "-", content=content.getvalue())
        assert (done.returncode, done.stderr) == (0, b"")
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
        done = shell("detect", "--model", ENERGY, "--raw", *arguments, "-", content=scaled.tobytes())
        assert (done.returncode, done.stderr) == (0, b"")
        assert spans(done.stdout.decode()) == near((1, 2))

    def test_bare_samples_come_from_files(self, tmp_path: Path) -> None:
        path = tmp_path / "a.pcm"
        path.write_bytes((bursts((1, 2), seconds=3) * 32767).astype("<i2").tobytes())
        assert spans(detect(path, "--raw").stdout) == near((1, 2))

    def test_standard_input_can_stand_among_files(self, one: Path, two: Path) -> None:
        done = shell("detect", "--model", ENERGY, one, "-", content=two.read_bytes())
        assert done.returncode == 0
        assert spans(done.stdout.decode()) == near((1, 2), (0.5, 1), (2, 2.5))


class TestFormats:
    EXPECTED = (
        ("text", "0.490\t1.010\n"),
        ("json", '"start": 0.49'),
        ("jsonl", '"start": 0.49, "end": 1.01'),
        ("csv", ",0.490,1.010,0.520,speech,\n"),
        ("tsv", "\t0.490\t1.010\t0.520\tspeech\t\n"),
        ("rttm", "SPEAKER two 1 0.490 0.520 <NA> <NA> speech <NA> <NA>\n"),
        ("textgrid", "xmin = 0.490\n            xmax = 1.010\n"),
        ("audacity", "0.490000\t1.010000\tspeech\n"),
        ("srt", "00:00:00,490 --> 00:00:01,010\n"),
        ("vtt", "00:00:00.490 --> 00:00:01.010\n"),
        ("lab", "0.490 1.010 speech\n"),
        ("uem", "two 1 0.490 1.010\n"),
        ("elan", 'TIME_VALUE="490"/>'),
        ("ctm", "two 1 0.490 0.520 speech\n"),
        ("kaldi", "two-00000490-00001010 two 0.490 1.010\n"),
        ("lhotse", '"recording_id": "two", "start": 0.49, "duration": 0.52, "channel": 0'),
        ("pyannote", '"start": 0.49,\n      "end": 1.01,\n      "speaker": "SPEECH"'),
    )

    def test_every_format_is_tested(self) -> None:
        assert [kind for kind, _ in self.EXPECTED] == list(FORMATS)

    @pytest.mark.parametrize(("kind", "part"), EXPECTED)
    def test_a_format_by_name_and_by_extension_is_the_same(
        self, two: Path, tmp_path: Path, kind: str, part: str
    ) -> None:
        by_name = detect(two, "-f", kind)
        assert part in by_name.stdout
        assert by_name.stderr == ""
        if kind == "audacity":  # shares .txt with plain text
            return
        out = tmp_path / f"out{FORMATS[kind].extension}"
        assert detect(two, "-o", out).stdout == ""
        assert out.read_bytes().decode() == by_name.stdout

    def test_a_name_wins_over_the_extension(self, two: Path, tmp_path: Path) -> None:
        detect(two, "-f", "json", "-o", tmp_path / "out.csv")
        assert json.loads((tmp_path / "out.csv").read_text())["file"] == str(two)

    def test_json_says_all_there_is_to_know(self, two: Path) -> None:
        content = json.loads(detect(two, "-f", "json", "--min-speech", "0.2").stdout)
        assert content == {
            "file": str(two),
            "channel": None,
            "duration": 3.0,
            "label": "speech",
            "model": {"name": "energy", "version": "1"},
            "settings": {
                "onset": 0.5,
                "offset": 0.35,
                "min_speech": 0.2,
                "min_silence": 0.1,
                "pad_start": 0.0,
                "pad_end": 0.0,
                "max_speech": None,
            },
            "segments": [{"start": 0.49, "end": 1.01}, {"start": 1.99, "end": 2.51}],
        }

    def test_json_of_several_is_an_array(self, one: Path, two: Path, write_bursts: Write) -> None:
        silence = write_bursts("silence.wav")
        content = json.loads(detect(one, silence, two, "-f", "json").stdout)
        assert [document["file"] for document in content] == [str(one), str(silence), str(two)]
        assert [len(document["segments"]) for document in content] == [1, 0, 2]

    def test_json_stays_whole_when_an_input_fails(self, one: Path, tmp_path: Path) -> None:
        content = json.loads(detect(one, tmp_path / "missing.wav", "-f", "json", status=1).stdout)
        assert [document["file"] for document in content] == [str(one)]
        assert json.loads(detect(tmp_path / "x.wav", tmp_path / "y.wav", "-f", "json", status=1).stdout) == []

    def test_csv_of_several_has_one_head(self, one: Path, two: Path) -> None:
        rows = list(csv.DictReader(io.StringIO(detect(one, two, "-f", "csv").stdout)))
        assert [row["file"] for row in rows] == [str(one), str(two), str(two)]
        assert [float(row["duration"]) for row in rows] == pytest.approx([1, 0.5, 0.5], abs=0.03)

    @pytest.mark.parametrize("kind", [name for name, kind in FORMATS.items() if not kind.many])
    def test_a_format_of_one_recording_refuses_several_in_one_file(self, one: Path, two: Path, kind: str) -> None:
        result = detect(one, two, "-f", kind, status=2)
        assert f"{kind} holds one recording and channel per file" in result.stderr
        assert result.stdout == ""


class TestOutput:
    def test_a_file(self, one: Path, two: Path, tmp_path: Path) -> None:
        out = tmp_path / "new" / "out.txt"
        assert detect(one, two, "-o", out).stdout == ""
        assert out.read_text() == detect(one, two).stdout

    def test_a_file_is_replaced_and_nothing_else_is_left(self, one: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.txt"
        out.write_text("old" * 1000)
        detect(one, "-o", out)
        assert out.read_text() == detect(one).stdout
        assert sorted(path.name for path in tmp_path.iterdir()) == ["one.wav", "out.txt"]

    @pytest.mark.parametrize("folder", ["labels", "labels/", "labels.d/", "new/labels"])
    def test_a_folder_gets_a_file_per_recording(self, one: Path, two: Path, tmp_path: Path, folder: str) -> None:
        detect(one, two, "-o", f"{tmp_path}/{folder}", "-f", "srt")
        out = tmp_path / folder
        assert sorted(path.name for path in out.iterdir()) == ["one.srt", "two.srt"]
        assert (out / "one.srt").read_text() == detect(one, "-f", "srt").stdout

    def test_a_folder_keeps_the_folders_that_were_searched(self, write_bursts: Write, tmp_path: Path) -> None:
        for name in ("in/a.wav", "in/sub/a.wav"):
            write_bursts(name, (1, 2))
        detect(tmp_path / "in", "-o", tmp_path / "out")
        assert sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.txt")) == [
            "a.txt",
            "sub/a.txt",
        ]

    def test_a_template_names_the_files(self, one: Path, tmp_path: Path) -> None:
        detect(one, "-o", "{dir}/labels/{stem}-{ext}-{name}-{channel}.json")
        path = tmp_path / "labels" / "one-wav-one.wav-mix.json"
        assert json.loads(path.read_text())["file"] == str(one)

    @pytest.mark.parametrize("target", ["out", "{dir}/out/{stem}.txt"])
    def test_a_file_of_its_own_does_not_repeat_the_recordings_name(
        self, one: Path, two: Path, tmp_path: Path, target: str
    ) -> None:
        detect(one, two, "-o", target if "{" in target else tmp_path / target)
        assert (tmp_path / "out" / "one.txt").read_text() == detect(one).stdout

    def test_standard_output_is_spelled_dash(self, one: Path, tmp_path: Path) -> None:
        done = subprocess.run(
            [str(COMMAND), "detect", "--model", str(ENERGY), str(one), "-o", "-"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, detect(one).stdout)
        assert not (tmp_path / "-").exists()

    def test_summary_is_a_line_per_recording(self, one: Path, two: Path) -> None:
        first, second = detect(one, two, "--summary").stdout.splitlines()
        assert first == f"{one}: 3.00 s, speech 34.0 % (1.02 s) in 1 segments, longest silence 0.99 s"
        assert second.startswith(f"{two}: 3.00 s, speech 34.7 % (1.04 s) in 2 segments")

    def test_summary_stands_beside_output(self, one: Path, tmp_path: Path) -> None:
        result = detect(one, "--summary", "-o", tmp_path / "out.txt")
        assert len(result.stdout.splitlines()) == 1
        assert spans((tmp_path / "out.txt").read_text()) == near((1, 2))

    def test_summary_of_nothing_divides_by_nothing(self, write_bursts: Write) -> None:
        path = write_bursts("none.wav", seconds=0)
        assert detect(path, "--summary").stdout.startswith(f"{path}: 0.00 s, speech 0.0 %")

    def test_invert_gives_the_silences(self, two: Path, write_bursts: Write) -> None:
        assert detect(two, "--invert").stdout == "0.000\t0.490\n1.010\t1.990\n2.510\t3.000\n"
        assert detect(write_bursts("silence.wav"), "--invert").stdout == "0.000\t3.000\n"
        assert json.loads(detect(two, "--invert", "-f", "json").stdout)["label"] == "silence"


class TestScores:
    def test_npz_holds_a_score_per_frame_and_its_length(self, two: Path, tmp_path: Path) -> None:
        result = detect(two, "--scores", tmp_path / "scores.npz")
        assert result.stdout == detect(two).stdout
        with np.load(tmp_path / "scores.npz") as content:
            scores, seconds = content["scores"], float(content["frame_seconds"])
        assert (scores.dtype, scores.shape, seconds) == (np.float32, (300,), 0.01)
        assert (scores[60:90] > 0.9).all()
        assert (scores[110:190] < 0.1).all()

    def test_csv_holds_a_line_per_frame(self, one: Path, tmp_path: Path) -> None:
        detect(one, "--scores", tmp_path / "scores.csv")
        rows = list(csv.DictReader((tmp_path / "scores.csv").open()))
        assert len(rows) == 300
        assert [rows[0]["start"], rows[299]["start"]] == ["0.000", "2.990"]
        assert float(rows[150]["score"]) > 0.9 > 0.1 > float(rows[250]["score"])

    def test_a_folder_gets_a_file_per_recording(self, one: Path, two: Path, tmp_path: Path) -> None:
        detect(one, two, "--scores", tmp_path / "scores")
        assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["one.npz", "two.npz"]

    def test_a_template_names_the_files(self, one: Path, tmp_path: Path) -> None:
        detect(one, "--scores", "{dir}/{stem}.scores.csv")
        assert (tmp_path / "one.scores.csv").read_text().startswith("start,score\n")


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


class TestTalk:
    def test_what_lies_in_the_working_folder_is_not_run(self, write_bursts: Write, tmp_path: Path) -> None:
        """It may be another checkout of this repository."""
        paths = [str(write_bursts(name, (1, 2))) for name in ("a.wav", "b.wav")]
        for name in ("vad", "numpy"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
        command = [COMMAND, "detect", "--model", ENERGY, "--jobs", "2", "--summary", *paths]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr, done.stdout.count("1 segment")) == (0, "", 2)

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
        assert "'--min-speech': '1 minute' is no duration; give seconds, like 0.1 or 100ms" in result.stderr

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
        done = shell("detect", "--model", ENERGY, one, two)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode() == detect(one, two).stdout

    @pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals to pretend here")
    @pytest.mark.parametrize("how", [[], ["-q"]], ids=["bar", "quiet"])
    def test_a_terminal_gets_a_progress_bar_unless_quiet(self, one: Path, two: Path, how: list[str]) -> None:
        impatient = "import vad.cli.talk; vad.cli.talk.PATIENCE = -1; from vad.cli import main; main()"
        command = [sys.executable, "-c", impatient, "detect", "--model", str(ENERGY), str(one), str(two), *how]
        done, shown = on_a_terminal(command)
        assert (b"100%" in shown) == (not how)
        assert done.stdout == detect(one, two).stdout


class TestRest:
    def test_info_says_what_a_model_is(self) -> None:
        result = CliRunner().invoke(main, ["info", str(ENERGY)])
        assert result.exit_code == 0
        assert {"name:", "version:", "features:", "thresholds:", "sha256:"} <= set(result.stdout.split())
        assert "energy" in result.stdout

    def test_info_as_json(self) -> None:
        content = json.loads(CliRunner().invoke(main, ["info", str(ENERGY), "--json"]).stdout)
        assert (content["name"], content["version"], content["path"]) == ("energy", "1", str(ENERGY))
        assert content["size"] == ENERGY.stat().st_size
        assert content["features"]["hop"] == 160
        assert content["thresholds"]["default"] == {"onset": 0.5, "offset": 0.35}

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_help_names_the_commands_and_the_exit_status(self, flag: str) -> None:
        result = CliRunner().invoke(main, [flag])
        assert result.exit_code == 0
        assert all(word in result.stdout for word in ("detect", "info", "train", "Exit status"))

    def test_help_of_detect_names_every_setting_with_its_default(self) -> None:
        text = " ".join(CliRunner().invoke(main, ["detect", "--help"]).stdout.split())
        assert "Drop shorter speech (pyannote: min_duration_on). [default: 0.1 s, or the model's]" in text
        for flag in ("--onset", "--offset", "--min-silence", "--pad-start", "--pad-end", "--max-speech"):
            assert flag in text

    def test_the_version_is_that_of_the_package(self) -> None:
        assert CliRunner().invoke(main, ["--version"]).stdout == f"vad, version {__version__}\n"
