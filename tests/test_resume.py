"""A run over many recordings that is killed at any instant, and the run that continues it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import soundfile

from conftest import DOUBLE, RATE, bursts, start
from vad.atomic import scratch
from vad.batch.journal import Journal
from vad.errors import SettingError

HEAD = {"format": "csv", "onset": 0.5}


def begin(*arguments: object) -> subprocess.Popen[bytes]:
    """`vad detect` with the model double, as the leader of its own process group."""
    return start("detect", *DOUBLE, *arguments, start_new_session=True)


def detect(*arguments: str | Path, status: int = 0) -> str:
    """Run the same to its end; its standard error."""
    with begin(*arguments) as process:
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == status, stderr
    return stderr.decode()


def children(group: int) -> list[int]:
    """Processes that are still alive in a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            found.append(int(path.parent.name))
    return found


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 200 short recordings, of which one is broken."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(200):
        start = 0.1 + number % 7 / 10
        soundfile.write(folder / f"{number:03}.wav", bursts((start, start + 0.4), seconds=1.5), RATE)
    (folder / "150.wav").write_text("no sound")
    return folder


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes in /proc")
@pytest.mark.parametrize("target", ["all.json", "labels", "{stem}.csv"])
def test_killed_at_any_instant_and_continued_it_ends_as_if_nothing_had_happened(
    many: Path, tmp_path: Path, target: str
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    scores = {}
    for place in (whole, cut):
        place.mkdir()
        scores[place] = place / "scores"
    how = [many, "--jobs", "2", "-f", "json" if target == "all.json" else "csv"]
    stderr = detect(*how, "-o", whole / target, "--scores", scores[whole], status=1)
    chance = random.Random(5)

    def done() -> int:
        return sum(path.stat().st_size for path in [*cut.rglob("*.csv"), *cut.glob("*.unfinished")])

    for _ in range(3):
        before = done()
        process = begin(*how, "-o", cut / target, "--scores", scores[cut], "--resume")
        while process.poll() is None and done() <= before:
            time.sleep(0.005)
        time.sleep(chance.random() / 20)
        process.kill()
        process.communicate()
        for path in cut.rglob("*.csv"):
            assert path.read_bytes() == (whole / path.relative_to(cut)).read_bytes()  # whole, or not there
        assert not (cut / "all.json").exists()
    again = detect(*how, "-o", cut / target, "--scores", scores[cut], "--resume", status=1)
    assert again == stderr  # the broken one is tried again, and costs a line
    files = {p.relative_to(whole) for p in whole.rglob("*") if p.is_file()}
    assert {p.relative_to(cut) for p in cut.rglob("*") if p.is_file()} == files
    assert all((whole / p).read_bytes() == (cut / p).read_bytes() for p in files if p.suffix != ".npz")
    assert len(files) == 199 + (1 if target == "all.json" else 199)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts processes in /proc")
def test_workers_do_not_outlive_a_killed_run(many: Path, tmp_path: Path) -> None:
    process = begin(many, "--jobs", "2", "-o", tmp_path / "all.csv")
    journal = tmp_path / "all.csv.unfinished"
    while process.poll() is None and not (journal.exists() and journal.stat().st_size > 1000):
        time.sleep(0.005)
    assert len(children(process.pid)) >= 3
    process.kill()
    process.communicate()
    until = time.monotonic() + 30
    while children(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not children(process.pid)


def test_nothing_is_done_twice(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    detect(many, "-o", out, status=1)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "007.txt").unlink()
    detect(many, "-o", out, "--resume", status=1)
    changed = [p.name for p in out.iterdir() if before.get(p) != p.stat().st_mtime_ns]
    assert changed == ["007.txt"]


def test_a_recording_whose_channels_are_half_written_is_not_done(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.stack([bursts((0.5, 1), seconds=2)] * 3, 1), RATE)
    out = tmp_path / "out"
    detect(sound, "--channel", "each", "-o", out)
    content = (out / "a.ch1.txt").read_bytes()
    (out / "a.ch1.txt").unlink()  # the last that is written
    detect(sound, "--channel", "each", "-o", out, "--resume")
    assert (out / "a.ch1.txt").read_bytes() == content


def test_two_recordings_of_one_output_are_not_both_done(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "a.wav", bursts((0.5, 1), seconds=2), RATE)
    inputs = (tmp_path / "x" / "a.wav", tmp_path / "y" / "a.wav")
    first = detect(*inputs, "-o", tmp_path / "out", status=1)
    assert "would overwrite" in first
    assert detect(*inputs, "-o", tmp_path / "out", "--resume", status=1) == first


def test_what_a_killed_run_left_half_written_is_removed(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ".vad-1-0.new").write_text("half, and its writer is gone")
    with scratch(out) as ours:  # of a program that still runs
        detect(many / "001.wav", many / "002.wav", "-o", out)
        assert sorted(p.name for p in out.iterdir()) == [Path(ours.name).name, "001.txt", "002.txt"]


def test_two_runs_never_write_one_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.csv.unfinished", HEAD, resume=False) as journal:
        journal.add("a.wav", ["1"])
        with pytest.raises(SettingError, match="another run"):
            Journal(journal.path, HEAD, resume=True)
        assert list(journal.texts()) == [["1"]]
        journal.remove()


@pytest.mark.parametrize("resume", [False, True])
def test_of_two_that_begin_at_once_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool) -> None:
    """The other makes the file, or ends and removes it, just before this one has it."""
    path = tmp_path / "a.csv.unfinished"

    def other(file: IO[bytes]) -> bool:
        path.unlink()
        return True

    path.write_text("")
    with monkeypatch.context() as patched, pytest.raises(SettingError, match="another run is writing it"):
        if resume:
            patched.setattr("vad.batch.journal.lock", other)
        else:
            patched.setattr(Path, "exists", lambda _: False)
        Journal(path, HEAD, resume)


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(many: Path, tmp_path: Path) -> None:
    journal = tmp_path / "all.csv.unfinished"
    with begin(many, "--jobs", "2", "-o", tmp_path / "all.csv") as process:
        while process.poll() is None and not (journal.exists() and journal.stat().st_size > 1000):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.decode().splitlines()[-1] == "Aborted!"
    line = f"Warning: {journal}: holds the finished recordings; resume the run to continue"
    assert line in stderr.decode().splitlines()


def test_a_run_that_was_cut_short_is_not_overwritten(many: Path, tmp_path: Path) -> None:
    (tmp_path / "all.csv.unfinished").write_text('{"format": "csv"}\n')
    for how in ([], ["--resume"]):  # the second has other settings
        stderr = detect(many / "001.wav", many / "002.wav", "-o", tmp_path / "all.csv", *how, status=2)
        assert f"{tmp_path}/all.csv.unfinished: " in stderr


def test_standard_output_cannot_be_continued(many: Path) -> None:
    assert "give -o" in detect(many, "--resume", status=2)


def test_one_file_is_in_the_order_of_the_inputs(many: Path, tmp_path: Path) -> None:
    inputs = [many / f"{number:03}.wav" for number in (30, 10, 20)]
    detect(*inputs, "--jobs", "2", "-o", tmp_path / "all.json")
    assert [entry["file"] for entry in json.loads((tmp_path / "all.json").read_text())] == list(map(str, inputs))


def test_a_report_says_what_came_of_it(many: Path) -> None:
    stderr = detect(many / "001.wav", many / "150.wav", "-v", status=1).splitlines()[-1]
    assert stderr.startswith("1 recording done, 0.00 h of sound in 0:0")
    assert stderr.endswith("; 1 failed")


# The journal


def test_a_journal_gives_back_what_it_was_told_in_any_order(tmp_path: Path) -> None:
    texts = {"a": ["1\n"], "b": [], "\udcff": ["\u00e9", "2"]}
    path = tmp_path / "new" / "x.unfinished"
    with pytest.warns(UserWarning, match="resume the run"), Journal(path, HEAD, False) as journal:
        for name, text in texts.items():
            journal.add(name, text)
    with Journal(path, HEAD, True) as journal:
        assert "b" in journal and "c" not in journal
        assert list(journal.texts()) == list(texts.values())
        assert list(journal.texts(["b", "c", "a"])) == [[], ["1\n"]]
        journal.remove()
    assert list(tmp_path.rglob("x.*")) == []


@pytest.mark.filterwarnings("ignore:.*--resume")
def test_a_journal_cut_at_any_byte_holds_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with Journal(path, HEAD, False) as journal:
        for name in "abc":
            journal.add(name, [name])
    content = path.read_bytes()
    ends = [n + 1 for n, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        with Journal(path, HEAD, True) as journal:
            whole = sum(end <= length for end in ends[1:])
            assert sum(name in journal for name in "abc") == whole
            journal.add("d", ["d"])
        with Journal(path, HEAD, True) as journal:
            assert list(journal.texts()) == [[name] for name in "abc"[:whole] + "d"]


@pytest.mark.filterwarnings("ignore:.*--resume")
def test_a_journal_of_other_settings_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with Journal(path, HEAD, False) as journal:
        journal.add("a", ["1"])
    content = path.read_bytes()
    for how, resume in ((HEAD, False), (HEAD | {"onset": 0.6}, True)):
        with pytest.raises(SettingError):
            Journal(path, how, resume)
    assert path.read_bytes() == content


def test_an_empty_journal_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "x", HEAD, False):
        pass
    assert list(tmp_path.iterdir()) == []
