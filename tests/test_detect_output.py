"""`vad detect`: label formats, files, folders and scores that it writes."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from conftest import DOUBLE, Write, detect, near, run, spans
from vad.formats import FORMATS, read_labels


@pytest.fixture
def one(write_bursts: Write) -> Path:
    return write_bursts("one.wav", (1, 2))


@pytest.fixture
def two(write_bursts: Write) -> Path:
    return write_bursts("two.wav", (0.5, 1), (2, 2.5))


def read_labels_of(path: Path) -> list[tuple[float, float]]:
    """What `vad detect` finds, as plain text."""
    return spans(detect(path).stdout)


class TestPrintf:
    def test_a_line_for_each_segment(self, two: Path) -> None:
        line = r"{stem} {number:02}\t{start} {end:.1f} {duration} {score}"
        assert detect(two, "--printf", line).stdout == ("two 01\t0.490 1.0 0.520 1.0\ntwo 02\t1.990 2.5 0.520 1.0\n")

    def test_times_with_hours(self, two: Path) -> None:
        shown = detect(two, "--printf", "{start} {end:.0f}", "--time", "hms", "--invert").stdout
        assert shown == "00:00:00.000 0\n00:00:01.010 2\n00:00:02.510 3\n"

    def test_several_recordings_go_to_one_file_and_silence_has_no_line(
        self, two: Path, one: Path, write_bursts: Write, tmp_path: Path
    ) -> None:
        out = tmp_path / "all.txt"
        detect(two, one, write_bursts("none.wav"), "--printf", "{file} {label}", "-o", out)
        assert out.read_text() == f"{two} speech\n{two} speech\n{one} speech\n"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--printf", "{begin}"], "--printf {begin}: not a template; the fields are {file}"),
            (["--printf", "{start:d}"], "--printf {start:d}: not a template"),
            (["--printf", "{start}", "-f", "csv"], "--printf: stands in place of --format csv"),
        ],
    )
    def test_a_wrong_template_is_a_wrong_usage(self, two: Path, arguments: list[str], message: str) -> None:
        assert message in detect(two, *arguments, status=2).stderr


class TestFormats:
    EXPECTED = (
        ("text", "0.490\t1.010\n"),
        ("json", '"start": 0.49'),
        ("jsonl", '"start": 0.49, "end": 1.01'),
        ("csv", ",0.490,1.010,0.520,speech,,1.0\n"),
        ("tsv", "\t0.490\t1.010\t0.520\tspeech\t\t1.0\n"),
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

    @pytest.mark.parametrize("kind", ["text", "csv", "tsv"])
    def test_times_with_hours_are_read_again(self, two: Path, tmp_path: Path, kind: str) -> None:
        out = tmp_path / f"out{FORMATS[kind].extension}"
        detect(two, "-o", out, "--time", "hms")
        assert "00:00:00.490" in out.read_text()
        assert read_labels(out, kind)[0].segments == read_labels_of(two)

    def test_other_formats_have_their_own_times(self, two: Path) -> None:
        assert "--time: srt has its own" in detect(two, "-f", "srt", "--time", "hms", status=2).stderr

    @pytest.mark.parametrize("kind", ["srt", "vtt"])
    def test_no_subtitle_stands_too_long_unless_it_is_asked_for(self, write_bursts: Write, kind: str) -> None:
        long = write_bursts("long.wav", (1, 7.5), (7.58, 12), seconds=14)
        assert detect(long, "-f", kind).stdout.count("-->") == 2
        assert detect(long, "-f", "text").stdout.count("\n") == 1
        for asked in (["--max-speech", "20"], ["--max-speech", "inf"], ["--preset", "asr"]):
            assert detect(long, "-f", kind, *asked).stdout.count("-->") == 1

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
            "segments": [
                {"start": 0.49, "end": 1.01, "score": 1.0},
                {"start": 1.99, "end": 2.51, "score": 1.0},
            ],
        }

    @pytest.mark.parametrize("kind", ["json", "jsonl", "csv", "tsv"])
    def test_segments_have_the_scores_that_a_stream_gives_them(self, talk: Path, tmp_path: Path, kind: str) -> None:
        out = tmp_path / f"out.{kind}"
        run("detect", talk, "--latency", "balanced", "-o", out)
        (found,) = read_labels(out)
        events = map(json.loads, run("stream", talk, "--latency", "balanced").stdout.splitlines())
        ends = [event for event in events if event["event"] == "end"]
        assert [(x.start, x.end, x.score) for x in found.labels] == [(e["start"], e["end"], e["score"]) for e in ends]
        assert len({x.score for x in found.labels}) > 2

    def test_silences_have_no_scores(self, two: Path) -> None:
        content = json.loads(detect(two, "-f", "json", "--invert").stdout)
        assert [list(segment) for segment in content["segments"]] == [["start", "end"]] * 3

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
        detect(one, "-o", out, "--force")
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
        assert run("detect", *DOUBLE, one, "-o", "-", cwd=tmp_path).stdout == detect(one).stdout
        assert not (tmp_path / "-").exists()

    def test_summary_is_a_line_per_recording(self, one: Path, two: Path) -> None:
        first, second = detect(one, two, "--summary").stdout.splitlines()
        assert first == f"{one}: 3.00 s, speech 34.0 % (1.02 s) in 1 segment, longest silence 0.99 s"
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

    def test_a_cut_in_long_speech_is_no_silence(self, write_bursts: Write) -> None:
        path = write_bursts("long.wav", (1, 5), (5.2, 11), seconds=12)
        shown = detect(path, "--silences", "--min-silence", "0.6", "-f", "srt").stdout
        assert re.findall(r"\S+ --> \S+", shown) == [
            "00:00:00,000 --> 00:00:00,990", "00:00:11,010 --> 00:00:12,000"
        ]  # fmt: skip
        refused = detect(path, "--silences", "--max-speech", "5", status=2).stderr
        assert "--max-speech: cuts speech, and a cut is no silence" in refused


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
