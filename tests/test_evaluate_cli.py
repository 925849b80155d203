"""`vad evaluate`: what it prints and writes, and what it says of bad input."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import Result

from conftest import ENERGY, Write, invoke
from vad import __version__
from vad.evaluation.metrics import METRICS

DOUBLE = ("--model", ENERGY)


def evaluate(*arguments: object, status: int = 0) -> Result:
    result = invoke("evaluate", *arguments, status=status)
    assert "nan" not in re.sub(r"[a-z]*/[^ ]*", "", result.stdout).lower().split()
    return result


def as_json(*arguments: object) -> dict[str, dict[str, float]]:
    return json.loads(evaluate(*arguments, "--format", "json").stdout)


def labels(path: Path, *spans: tuple[float, float]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{start}\t{end}\n" for start, end in spans))
    return path


@pytest.fixture
def recordings(write_bursts: Write, tmp_path: Path) -> Path:
    """Three recordings in two folders with labels that are half right, beside them."""
    for name in ("a/x", "a/y", "b/z"):
        write_bursts(f"set/{name}.wav", (1, 2))
        labels(tmp_path / f"set/{name}.tsv", (1, 2) if name == "a/x" else (0.5, 1.5))
    return tmp_path / "set"


class TestSound:
    def test_a_dash_is_standard_output_and_two_results_in_one_file_are_refused(self, recordings: Path) -> None:
        ours = ("--audio", recordings, *DOUBLE, "-q")
        assert evaluate(*ours, "-o", "-").stdout == evaluate(*ours).stdout != ""
        both = recordings.parent / "a.html"
        refused = evaluate(*ours, "-o", both, "--report", both, status=2)
        assert "name another place" in refused.stderr and not both.exists()

    def test_a_table_of_every_metric_group_and_recording(self, recordings: Path) -> None:
        result = evaluate("--audio", recordings, *DOUBLE, "--by", "folder")
        assert "rough" in result.stderr
        for title in (METRICS["deter"].title, "equal error rate", "onset bias"):
            assert title in result.stdout
        blocks = result.stdout.strip().split("\n\n")
        assert [block.split()[0] for block in blocks] == ["3", "all", "group", "recording"]
        assert [line.split()[0] for line in blocks[3].splitlines()[1:]] == ["a/x", "a/y", "b/z"]

    def test_the_metrics_are_right(self, recordings: Path) -> None:
        content = as_json("--audio", recordings, *DOUBLE, "--by", "folder")
        assert content["model"]["name"] == "energy"
        assert content["vad"] == __version__ and content["uem"] is None
        perfect, half = content["recordings"][0], content["recordings"][1]
        assert perfect["deter"] < 0.1 and perfect["roc_auc"] > 0.98
        assert half["miss"] == pytest.approx(0.5, abs=0.05)
        assert half["onset_bias"] == pytest.approx(500, abs=50)
        assert content["pooled"]["miss"] == pytest.approx(sum(r["miss"] for r in content["recordings"]) / 3)
        assert content["groups"]["b"]["pooled"]["miss"] == half["miss"]
        assert set(content["intervals"]) >= {"deter", "roc_auc"}

    def test_settings_of_detect_matter(self, recordings: Path) -> None:
        assert as_json("--audio", recordings, *DOUBLE, "--min-speech", 2)["pooled"]["miss"] == 1
        assert as_json("--audio", recordings, *DOUBLE, "--latency", "40ms")["latency"] == 0.0375

    def test_csv_has_a_row_for_each_and_markdown_a_table(self, recordings: Path, tmp_path: Path) -> None:
        assert evaluate("--audio", recordings, *DOUBLE, "-o", tmp_path / "out.csv").stdout == ""
        rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
        assert [row["of"] for row in rows] == ["whole", "mean", "recording", "recording", "recording"]
        assert float(rows[3]["miss"]) == pytest.approx(0.5, abs=0.05)
        markdown = evaluate("--audio", recordings, *DOUBLE, "-f", "markdown").stdout
        tables = [line for line in markdown.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in tables[:3]}) == 1

    def test_groups_come_from_a_table(self, recordings: Path, tmp_path: Path) -> None:
        table = tmp_path / "about.csv"
        table.write_text("file,place,snr\nx.wav,street,11\ny.wav,street,3.5\nz.wav,home,4\n")
        options = ("--audio", recordings, *DOUBLE, "--table", table)
        assert set(as_json(*options, "--by", "place")["groups"]) == {"street", "home"}
        assert list(as_json(*options, "--by", "snr", "--step", 5)["groups"]) == ["0 to 5", "10 to 15"]
        table.write_text("file,snr\nx.wav,0.3\ny.wav,-0.7\nz.wav,0.29\n")  # 0.3 / 0.1 is below 3 in binary
        ranges = list(as_json(*options, "--by", "snr", "--step", 0.1)["groups"])
        assert ranges == ["-0.7 to -0.6", "0.2 to 0.3", "0.3 to 0.4"]
        table.write_text("file,place,snr\nx.wav,street,11\n")
        failed = evaluate(*options, "--by", "mood", status=2)
        assert "file, place, snr" in failed.stderr
        for wrong in (("--table", table), ("--by", "place")):
            evaluate("--audio", recordings, *DOUBLE, *wrong, status=2)
        for step in ("nan", "inf", "1e-320"):
            failed = evaluate(*options, "--by", "snr", "--step", step, status=2)
            assert "step" in failed.stderr.splitlines()[-1]

    def test_a_table_contradicts_neither_itself_nor_the_folders(self, recordings: Path, tmp_path: Path) -> None:
        table = tmp_path / "about.csv"
        table.write_text("file;snr\nx.wav;1,5\ny.wav;3\ny.wav;3\nz.wav;4\n")
        options = ("--audio", recordings, *DOUBLE, "--table", table, "--by", "snr", "--step", 2)
        assert list(as_json(*options)["groups"]) == ["0 to 2", "2 to 4", "4 to 6"]
        table.write_text("file,snr\nx.wav,1\nx.wav,9\n")
        assert "a/x has several rows, with snr 1 and 9" in evaluate(*options, status=1).stderr
        shutil.copytree(recordings / "a", recordings / "c")
        assert "'x.wav' may mean a/x or c/x" in evaluate(*options, status=1).stderr
        uem = tmp_path / "part.uem"
        uem.write_text("x 1 0 1\n")
        assert "'x' may mean" in evaluate("--audio", recordings, *DOUBLE, "--uem", uem, status=1).stderr

    def test_a_table_may_have_blank_lines_and_broken_cells(self, recordings: Path, tmp_path: Path) -> None:
        table = tmp_path / "about.csv"
        table.write_text('\nfile,place\nx.wav,"a\nstreet"\n\ny.wav,a\u2028street\nz.wav,home\n', "utf-8")
        options = ("--audio", recordings, *DOUBLE, "--table", table, "--by", "place")
        assert set(as_json(*options)["groups"]) == {"a street", "home"}
        table.write_text("")
        failed = evaluate(*options, status=1)
        assert "about.csv: not a table; give CSV or TSV" in failed.stderr

    def test_labels_can_be_measured_on_sound_too(self, recordings: Path, tmp_path: Path) -> None:
        content = as_json("--audio", recordings, "--hypothesis", labels(tmp_path / "found/x.tsv", (1, 2)).parent)
        assert content["recordings"][0]["accuracy"] == 1  # the length is that of the sound
        assert content["recordings"][1]["miss"] == 1
        assert "recordings that are not in the hypothesis: 2 count as missed, like a/y" in content["notes"]
        assert content["pooled"]["roc_auc"] is None and "scores" in content["undefined"]["roc_auc"]

    def test_only_what_the_uem_lists_counts(self, recordings: Path, tmp_path: Path) -> None:
        uem = tmp_path / "part.uem"
        uem.write_text("a/x 1 0 1.5\na/y 1 0 0.5\n")
        content = as_json("--audio", recordings, *DOUBLE, "--uem", uem)
        assert [round(r["minutes"] * 60, 6) for r in content["recordings"]] == [1.5, 0.5]


class TestLabels:
    def test_any_formats_match_by_name(self, tmp_path: Path) -> None:
        reference = tmp_path / "reference.rttm"
        reference.write_text("".join(f"SPEAKER {name} 1 1.0 2.0 <NA> <NA> someone <NA> <NA>\n" for name in ("x", "y")))
        labels(tmp_path / "found/x.txt", (1, 2))
        labels(tmp_path / "found/y.txt", (1, 3))
        content = as_json("--reference", reference, "--hypothesis", tmp_path / "found")
        assert [r["miss"] for r in content["recordings"]] == [0.5, 0]
        assert any("how long" in note for note in content["notes"])

    def test_what_nobody_found_is_missed(self, tmp_path: Path) -> None:
        for name in "xy":
            labels(tmp_path / f"reference/{name}.txt", (1, 2))
        labels(tmp_path / "found/x.txt", (1, 2))
        labels(tmp_path / "found/other.txt", (1, 2))
        result = evaluate("--reference", tmp_path / "reference", "--hypothesis", tmp_path / "found", "-f", "json")
        assert json.loads(result.stdout)["pooled"]["miss"] == 0.5
        assert "not in the hypothesis" in result.stderr and "other" in result.stderr

    def test_a_collar_forgives_boundaries(self, tmp_path: Path) -> None:
        pair = ("--reference", labels(tmp_path / "a.tsv", (1, 2)), "--hypothesis", labels(tmp_path / "b.tsv", (1.1, 2)))
        assert as_json(*pair)["pooled"]["miss"] == pytest.approx(0.1)
        assert as_json(*pair, "--collar", 0.1)["pooled"]["miss"] == 0
        assert as_json(*pair, "--dcf", 1, 0)["pooled"]["dcf"] == pytest.approx(0.1)


class TestBadInput:
    @pytest.mark.parametrize("content", ["", "1\tnan\n", "nan\t2\n", "2\t1\n", "\0\1\2", "-1\t1\n"])
    def test_bad_labels_are_one_line_or_sane(self, tmp_path: Path, content: str) -> None:
        good, bad = labels(tmp_path / "good.tsv", (1, 2)), tmp_path / "bad.tsv"
        bad.write_text(content)
        for pair in ((good, bad), (bad, good)):
            result = evaluate(
                "--reference", pair[0], "--hypothesis", pair[1], "-f", "json", "-q", status=1 if content else 0
            )
            if content:
                assert result.stderr.count("\n") == 1 and "bad.tsv" in result.stderr
            else:
                metrics = json.loads(result.stdout)["pooled"]
                assert (metrics["miss"], metrics["false_alarm"]) == ((1, 0) if pair[1] == bad else (None, 0.5))

    def test_a_damaged_file_among_others_costs_itself(self, recordings: Path) -> None:
        (recordings / "a/x.wav").write_bytes(b"RIFF")
        (recordings / "a/y.tsv").write_text("1\tnan\n")
        result = evaluate("--audio", recordings, *DOUBLE, "-f", "json", status=1)
        assert [r["name"] for r in json.loads(result.stdout)["recordings"]] == ["b/z"]
        assert "x.wav" in result.stderr and "y.tsv" in result.stderr and "without labels" not in result.stderr

    def test_damaged_labels_are_not_taken_for_nothing_found(self, recordings: Path, tmp_path: Path) -> None:
        for name in "xyz":
            labels(tmp_path / f"found/{name}.tsv", (1, 2))
        (tmp_path / "found/y.tsv").write_text("1\tnan\n")
        for reference in (("--audio", recordings), ("--reference", recordings)):
            result = evaluate(*reference, "--hypothesis", tmp_path / "found", "-f", "json", status=1)
            assert [r["name"] for r in json.loads(result.stdout)["recordings"]] == ["a/x", "b/z"]
            assert sum("y.tsv" in line for line in result.stderr.splitlines()) == 1

    def test_silence_alone_has_false_alarms_alone(self, write_bursts: Write, tmp_path: Path) -> None:
        sound = write_bursts("quiet.wav", (1, 2))
        labels(tmp_path / "quiet.tsv")
        content = as_json("--audio", sound, *DOUBLE)
        assert content["pooled"]["false_alarm"] > 0.3 and content["pooled"]["roc_auc"] is None
        assert content["undefined"]["deter"] == "no speech in the reference"
        assert "nothing to miss" in content["notes"][0]
        shown = evaluate("--audio", sound, *DOUBLE, "--report", tmp_path / "report.html")
        assert "undefined: no speech in the reference" in shown.stdout
        assert "Curves cannot be drawn" in (tmp_path / "report.html").read_text()

    def test_labels_after_the_end_are_cut_and_said(self, write_bursts: Write, tmp_path: Path) -> None:
        sound = write_bursts("short.wav", (1, 2))
        labels(tmp_path / "short.tsv", (1, 2), (2.5, 60))
        result = evaluate("--audio", sound, *DOUBLE)
        assert "short: reference labels reach to 60.00 s, past the end at 3.00 s" in result.stderr

    def test_times_in_milliseconds_are_named(self, write_bursts: Write, tmp_path: Path) -> None:
        sound = write_bursts("short.wav", (1, 2))
        labels(tmp_path / "short.tsv", (1000, 1400), (1500, 2000))
        notes = evaluate("--audio", sound, *DOUBLE).stderr
        assert "their times seem to be in milliseconds; write them in seconds" in notes and "are they of" not in notes

    def test_the_same_file_twice_is_said(self, tmp_path: Path) -> None:
        one = labels(tmp_path / "a.tsv", (1, 2))
        result = evaluate("--reference", one, "--hypothesis", one)
        assert "of course they agree" in result.stderr

    def test_wrong_usage(self, recordings: Path, tmp_path: Path) -> None:
        one = labels(tmp_path / "a.tsv", (1, 2))
        for wrong in (
            (),
            ("--hypothesis", one),
            ("--reference", one, "--hypothesis", one, "--model", "speech-1"),
            ("--reference", one, "--hypothesis", one, "--collar", "-1"),
            ("--reference", one, "--hypothesis", one, "--collar", "nan"),
            ("--reference", one, "--hypothesis", one, "--dcf", "-1", "1"),
            ("--reference", one, "--hypothesis", one, "--seed", "-1"),
            ("--audio", recordings, *DOUBLE, "--channel", "each"),
            ("--reference", one, "--hypothesis", one, "-o", one),
            ("--audio", recordings, *DOUBLE, "--report", tmp_path / "report.wav"),
        ):
            result = evaluate(*wrong, status=2)
            assert result.stdout == ""
        evaluate("--reference", one, "--hypothesis", tmp_path / "gone", status=1)
        evaluate("--audio", tmp_path / "gone", status=1)
        assert one.read_text() == "1\t2\n"

    def test_a_failed_run_leaves_what_was_there(self, tmp_path: Path) -> None:
        kept = tmp_path / "report.html"
        kept.write_text("before")
        evaluate("--audio", tmp_path / "gone", "--report", kept, "-o", tmp_path / "new.txt", status=1)
        assert kept.read_text() == "before"
        assert not (tmp_path / "new.txt").exists()
