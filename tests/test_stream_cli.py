"""`vad stream`: events while they happen, files, commands, limits, and a clean end."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from test_microphone import FakeStream, sounddevice  # noqa: F401 - a fixture

from conftest import COMMAND, DATA, DOUBLE, ENERGY, RATE, Write, bursts, detect, invoke, on_a_terminal, run, start
from vad.formats import read_labels


def stream(*arguments: object, status: int = 0, stdin: bytes | None = None) -> Result:
    """`vad stream` with the model double, in this process."""
    return invoke("stream", *DOUBLE, *arguments, status=status, stdin=stdin)


@pytest.fixture
def two(write_bursts: Write) -> Path:
    return write_bursts("two.wav", (0.5, 1), (2, 2.5))


class TestEvents:
    def test_json_lines_begin_with_a_header(self, two: Path) -> None:
        result = stream(two, "--latency", "100ms", "--preset", "asr", "--min-silence", "0.2", "--pad-end", "0.1")
        header, *events = map(json.loads, result.stdout.splitlines())
        assert header["event"] == "header"
        assert (header["latency"], header["sample_rate"]) == (0.0975, RATE)
        assert header["settings"]["min_silence"] == 0.2
        assert header["model"] == {"name": "energy", "version": "1"}
        assert [e["event"] for e in events] == ["start", "end", "start", "end"]
        assert (events[0]["time"], events[1]["start"], events[1]["end"]) == (0.29, 0.29, 1.11)
        assert events[1]["duration"] == 0.82
        assert 0.9 < events[1]["score"] <= 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}[+-]\d\d:\d\d", events[0]["clock"])
        assert result.stderr == f"{two}: 16000 Hz, latency 97.5 ms, model energy 1\n"

    @pytest.mark.parametrize("kind", ["text", "csv", "rttm", "srt"])
    def test_label_formats_are_those_of_detect(self, two: Path, kind: str) -> None:
        expected = detect(two, "-f", kind).stdout
        assert stream(two, "-f", kind, "-q").stdout == expected

    def test_a_subtitle_of_a_stream_stands_no_longer_than_one_of_a_file(self, write_bursts: Write) -> None:
        long = write_bursts("long.wav", (1, 9), seconds=14)
        assert stream(long, "-f", "srt", "-q").stdout.count("-->") == 2
        assert stream(long, "-f", "text", "-q").stdout.count("\n") == 1

    def test_scores_stand_between(self, two: Path) -> None:
        lines = [json.loads(line) for line in stream(two, "--scores").stdout.splitlines()]
        scores = [line for line in lines if line["event"] == "score"]
        assert [s["time"] for s in scores] == [round(i / 100, 2) for i in range(300)]
        assert len(lines) == 305
        assert "jsonl" in stream(two, "--scores", "-f", "csv", status=2).stderr

    def test_the_clock_never_runs_backwards(self, two: Path) -> None:
        lines = [json.loads(line) for line in stream(two).stdout.splitlines()]  # faster than its sound
        clocks = [datetime.fromisoformat(line["clock"]) for line in lines if "clock" in line]
        assert len(clocks) == 3 and clocks == sorted(clocks)

    def test_bare_samples_from_a_pipe(self) -> None:
        both = np.stack([bursts((0.5, 1), seconds=2, rate=8000), np.zeros(16_000)], 1).astype("<f4").tobytes()
        options = ["-", "--raw", "--rate", "8000", "--channels", "2", "--dtype", "float32", "-f", "text", "-q"]
        assert stream(*options, stdin=both).stdout == "0.490\t1.010\n"
        assert stream(*options, "--channel", "2", stdin=both).stdout == ""

    def test_the_last_segment_ends_with_the_sound(self, write_bursts: Write) -> None:
        path = write_bursts("a.wav", (1, 9), seconds=2.0155)
        assert stream(path, "-f", "text", "-q").stdout.endswith("\t2.015\n")

    def test_damage_costs_a_line_and_what_was_found_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "cut.flac"
        path.write_bytes((DATA / "talk.flac").read_bytes()[:200_000])
        result = stream(path, "-f", "text")
        assert result.stdout
        assert "Warning: " in result.stderr
        (tmp_path / "none.wav").write_bytes(b"no sound")
        assert len(stream(tmp_path / "none.wav", status=1).stderr.splitlines()) == 1


class TestFiles:
    def test_each_utterance_is_a_file_with_its_padding(self, tmp_path: Path, write_bursts: Write) -> None:
        path = write_bursts("a.wav", (0.5, 1), (2, 2.5), rate=8_000)
        result = stream(path, "--save", tmp_path / "u", "--pad-start", "0.2", "--pad-end", "0.1")
        ends = [e for e in map(json.loads, result.stdout.splitlines()) if e["event"] == "end"]
        whole = soundfile.read(path)[0]
        assert len(ends) == len(list((tmp_path / "u").iterdir())) == 2
        for number, end in enumerate(ends, 1):
            assert Path(end["file"]).name == f"{number:04d}_{end['start']:.3f}-{end['end']:.3f}.wav"
            samples, rate = soundfile.read(end["file"])
            assert rate == 8_000
            expected = whole[round(end["start"] * rate) : round(end["end"] * rate)]
            np.testing.assert_allclose(samples, expected, atol=1e-4)

    @pytest.mark.parametrize("options", [[], ["--max-speech", "0.5"], ["--preset", "asr"], ["--min-speech", "0.3"]])
    def test_what_is_saved_is_what_was_heard(self, tmp_path: Path, options: list[str]) -> None:
        result = stream(DATA / "talk.flac", "--save", tmp_path / "{number}.wav", "-f", "text", "-q", *options)
        whole = soundfile.read(DATA / "talk.flac", dtype="int16")[0]
        for number, line in enumerate(result.stdout.splitlines(), 1):
            start, end = (round(float(t) * RATE) for t in line.split("\t"))
            assert np.array_equal(soundfile.read(tmp_path / f"{number}.wav", dtype="int16")[0], whole[start:end])
        assert len(list(tmp_path.iterdir())) == number

    @pytest.mark.parametrize("target", ["--save", "--exec"])
    def test_a_file_begins_before_its_speech_unless_padding_is_given(
        self, two: Path, tmp_path: Path, target: str
    ) -> None:
        where = (target, tmp_path / "u" if target == "--save" else "true")
        assert stream(two, *where, "-f", "text", "-q").stdout == "0.090\t1.010\n1.590\t2.510\n"
        given = stream(two, *where, "-f", "text", "-q", "--pad-start", "0", "--force")
        assert given.stdout == stream(two, "-f", "text", "-q").stdout == "0.490\t1.010\n1.990\t2.510\n"

    @pytest.mark.parametrize("name", ["{number}.opus", "{number}.oga", "{number}.aif"])
    def test_what_vad_split_writes_can_be_saved(self, two: Path, tmp_path: Path, name: str) -> None:
        stream(two, "--save", tmp_path / name)
        assert soundfile.info(tmp_path / name.format(number=1)).frames > 0

    def test_a_rate_that_a_format_does_not_have_is_said_before_anything_is_written(
        self, write_bursts: Write, tmp_path: Path
    ) -> None:
        path, kept = write_bursts("a.wav", (0.5, 1), rate=44_100), tmp_path / "kept.opus"
        kept.write_bytes(b"old")
        for target in (("--save", tmp_path / "{number}.opus"), ("--save-all", kept)):
            result = stream(path, *target, status=2)
            assert result.stdout == "" and "44100 Hz cannot be written so (Opus" in result.stderr
        assert kept.read_bytes() == b"old"

    def test_save_all_is_the_stream(self, two: Path, tmp_path: Path) -> None:
        stream(two, "--save-all", tmp_path / "deep" / "all.flac")
        assert np.array_equal(soundfile.read(tmp_path / "deep" / "all.flac")[0], soundfile.read(two)[0])

    def test_the_recording_itself_is_spared(self, two: Path) -> None:
        before = two.read_bytes()
        assert "is the input itself" in stream(two, "--save-all", two, status=1).stderr
        assert two.read_bytes() == before

    @pytest.mark.parametrize(
        ("target", "others"), [("u{number}.wav", ["u3.wav", "u4.wav"]), ("{start}.wav", ["0.09-2.wav", "1.59-2.wav"])]
    )
    def test_a_stream_that_begins_again_replaces_nothing_and_loses_nothing(
        self, two: Path, tmp_path: Path, target: str, others: list[str]
    ) -> None:
        stream(two, "--save", tmp_path / "u" / target)
        before = {path: path.read_bytes() for path in (tmp_path / "u").iterdir()}
        result = stream(two, "--save", tmp_path / "u" / target)
        files = [Path(e["file"]) for e in map(json.loads, result.stdout.splitlines()) if e["event"] == "end"]
        assert [path.name for path in files] == others
        assert len(before) == 2 and all(path.read_bytes() == content for path, content in before.items())
        assert set((tmp_path / "u").iterdir()) == {*before, *files}
        stream(two, "--save", tmp_path / "u" / target, "--force")
        assert set((tmp_path / "u").iterdir()) == {*before, *files}

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
    @pytest.mark.parametrize("option", ["--save-all"])
    def test_a_full_disk_costs_a_line(self, two: Path, tmp_path: Path, option: str) -> None:
        full = tmp_path / "full.wav"
        full.symlink_to("/dev/full")
        line = stream(two, option, full, "-q", status=1).stderr.splitlines()[-1]
        assert line.startswith("Error: ")
        assert "full.wav" in line

    def test_a_command_is_run_for_each_without_a_shell(self, two: Path, tmp_path: Path) -> None:
        program = tmp_path / "program.py"
        program.write_text(
            "import sys, pathlib, soundfile\n"
            f"with open({str(tmp_path / 'log')!r}, 'a') as log:\n"
            "    print(*sys.argv[2:], soundfile.info(sys.argv[1]).frames, file=log)\n"
        )
        result = stream(two, "--exec", f"{sys.executable} {program} {{file}} {{start}} {{end}} '$HOME; x'")
        assert (tmp_path / "log").read_text() == "0.090 1.010 $HOME; x 14720\n1.590 2.510 $HOME; x 14720\n"
        assert '"file"' not in result.stdout  # it was there for the command alone

    def test_a_command_that_fails_costs_a_line(self, two: Path, tmp_path: Path) -> None:
        said = stream(two, "--exec", "false", "-q", status=1).stderr
        assert said == "Error: --exec: false ended with status 1\n" * 2
        (tmp_path / "tool").write_bytes(b"no program")
        (tmp_path / "tool").chmod(0o755)
        assert stream(two, "--exec", tmp_path / "tool", status=1).stderr.count("tool cannot be run") == 2

    @pytest.mark.parametrize(
        ("options", "says", "status"),
        [
            (["--save", "{nothing}.wav"], "the fields are {number}", 2),
            (["--save", "{start}.mp9"], "use .wav", 2),
            (["--save", "-"], "give a folder", 2),
            (["--channel", "each"], "only one channel", 2),
            (["--channel", "2"], "two.wav: no channel 2", 1),
            (["--save", "{clock}.wav"], "alike", 2),
            (["--save", "all.wav"], "give a folder", 2),
            (["--save-all", "all.txt"], "use .wav", 2),
            (["--save-all", "/dev/null/all.wav"], "cannot be written", 1),
            (["--exec", "play {sound}"], "the fields are {file}", 2),
            (["--exec", "play 'it"], "quot", 2),
            (["--exec", ""], "name a program", 2),
            (["--exec", "no-such-program {file}"], "no program no-such-program", 2),
            (["--latency", "1ms"], "at least", 2),
            (["--max-duration", "0"], "above 0", 2),
            (["--device", "x"], "--device", 2),
        ],
    )
    def test_wrong_options_are_refused_in_a_line(self, two: Path, options: list[str], says: str, status: int) -> None:
        line = stream(two, "-q", *options, status=status).stderr.splitlines()[-1]
        assert line.startswith("Error: ")
        assert says in line


class TestEnd:
    def test_after_so_much_sound(self, two: Path, tmp_path: Path) -> None:
        out = tmp_path / "all.wav"
        assert stream(two, "--max-duration", "0.8", "--save-all", out, "-f", "text", "-q").stdout == "0.490\t0.800\n"
        assert soundfile.info(out).duration == 0.8

    def test_after_so_much_silence(self, write_bursts: Write) -> None:
        path = write_bursts("a.wav", (1, 1.5), (2.2, 2.5), (6, 6.5), seconds=8)
        result = stream(path, "--stop-after-silence", "1.2", "-f", "text", "-q")
        assert result.stdout == "0.990\t1.510\n2.190\t2.510\n"
        assert stream(path, "--stop-after-silence", "0.5", "-f", "text", "-q").stdout == ""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_cleanly(self, tmp_path: Path, number: int) -> None:
        out = tmp_path / "all.wav"
        process = start(
            "stream", *DOUBLE, "-", "--raw", "--save", tmp_path / "u", "--save-all", out, stdin=subprocess.PIPE
        )
        assert process.stdin
        assert process.stdout
        process.stdin.write((bursts((0.5, 9), seconds=3) * 32767).astype("<i2").tobytes())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["event"] == "header"
        assert json.loads(process.stdout.readline())["time"] == 0.09  # flushed, and the pipe is still open
        process.send_signal(number)
        rest, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
        end = json.loads(rest)
        assert end["event"] == "end"
        assert soundfile.info(end["file"]).duration == pytest.approx(end["duration"])
        assert soundfile.info(out).duration >= end["end"]

    @pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg here")
    def test_ffmpeg_feeds_a_pipe(self, talk: Path) -> None:
        expected = invoke("stream", talk, "-f", "text", "-q").stdout
        for options, how in ((["-f", "s16le", "-ar", "16000"], ["--raw"]), (["-f", "wav"], [])):
            source = subprocess.Popen(["ffmpeg", "-v", "error", "-i", talk, *options, "-"], stdout=subprocess.PIPE)
            done = run("stream", "-", *how, "-f", "text", "-q", stdin=source.stdout)
            assert source.wait() == 0
            assert done.stdout == expected

    def test_a_reader_that_has_seen_enough_is_no_error(self, talk: Path) -> None:
        process = start("stream", *DOUBLE, talk, "-q")
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        process.wait(timeout=30)

    @pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals to pretend here")
    @pytest.mark.parametrize("how", [[], ["-q"]], ids=["meter", "quiet"])
    def test_a_terminal_gets_a_meter_unless_quiet(self, two: Path, how: list[str]) -> None:
        command = [str(COMMAND), "stream", "--model", str(ENERGY), str(two), "-f", "text", *how]
        done, shown = on_a_terminal(command)
        assert bool(re.search(rb"\r\x1b\[K0:00.\d \[#* *\] +-\d+ dB  score \d.\d\d  silence", shown)) == (not how)
        assert done.stdout == "0.490\t1.010\n1.990\t2.510\n"


@pytest.mark.usefixtures("sounddevice")
class TestMicrophone:
    def test_devices_are_listed(self) -> None:
        assert stream("--list-devices").stdout == (
            "1\tUSB Microphone\t2 channels, 44100 Hz  (default)\n2\tpulse\t32 channels, 48000 Hz\n"
        )

    def test_what_it_hears_becomes_events_until_it_is_unplugged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def start(self: FakeStream) -> None:
            for at in range(100):
                self.give(0.0 if at % 2 or not 25 <= at < 50 else 0.5)
            self.unplug()

        monkeypatch.setattr(FakeStream, "start", start)
        result = stream("--device", "USB", "-f", "text", status=1)
        assert len(result.stdout.splitlines()) == 1
        assert result.stderr.splitlines()[-1] == (
            "Error: USB Microphone: the device is gone; the events so far are complete"
        )

    @pytest.mark.parametrize(
        ("options", "says", "status"),
        [
            (["--raw"], "belong to an INPUT", 2),
            (["--realtime"], "belong to an INPUT", 2),
            (["--device", "nothing"], "--list-devices", 1),
            (["--device", "9"], "--list-devices", 1),
        ],
    )
    def test_wrong_options_are_refused_in_a_line(self, options: list[str], says: str, status: int) -> None:
        line = stream(*options, status=status).stderr.splitlines()[-1]
        assert line.startswith("Error: ") and says in line


def test_a_file_at_its_own_pace_gives_the_same(write_bursts: Write) -> None:
    path = write_bursts("short.wav", (0.2, 0.4), seconds=0.6)
    assert stream(path, "--realtime", "-f", "text", "-q").stdout == stream(path, "-f", "text", "-q").stdout != ""


def test_help_says_all() -> None:
    text = invoke("stream", "--help").stdout
    for flag in ("--device", "--latency", "--exec", "--stop-after-silence", "--onset", "lowest (40ms)"):
        assert flag in text


def test_what_is_written_can_be_read_again(two: Path, tmp_path: Path) -> None:
    for kind, name in (("csv", "a.csv"), ("rttm", "a.rttm"), ("jsonl", "a.jsonl")):
        (tmp_path / name).write_text(stream(two, "-f", kind, "-q").stdout)
        (labels,) = read_labels(tmp_path / name)
        assert [tuple(s) for s in labels.segments] == [pytest.approx((0.49, 1.01)), pytest.approx((1.99, 2.51))]


def test_detect_can_find_what_a_stream_would(talk: Path) -> None:
    found = invoke("detect", talk, "--latency", "lowest")
    live = invoke("stream", talk, "--latency", "lowest", "-f", "text", "-q")
    assert found.stdout == live.stdout != invoke("detect", talk).stdout
    content = json.loads(invoke("detect", talk, "--latency", "0.1", "-f", "json").stdout)
    assert content["latency"] == 0.0875
