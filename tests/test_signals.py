"""The end by Ctrl-C, SIGTERM, SIGHUP and SIGKILL: at once, in one line, and without a trace of the sound."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from conftest import COMMAND, ENERGY, RATE, bursts
from soak import group

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to look into processes")
ROUNDS = 6  # `tests/soak.py` has more


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that takes seconds to work through, under four names."""
    folder = tmp_path_factory.mktemp("long")
    soundfile.write(folder / "0.wav", np.tile(bursts((1, 2), (5, 6), seconds=40), 100), RATE)
    for number in range(1, 4):
        (folder / f"{number}.wav").symlink_to(folder / "0.wav")
    return folder


def begin(place: Path, *arguments: Any, **how: Any) -> subprocess.Popen[bytes]:
    """A command in a process group of its own, with `place` for temporary folders, that handles signals by now."""
    command = [str(COMMAND), *map(str, arguments)]
    how = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "start_new_session": True,
        "preexec_fn": heed_signals,
    } | how
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(place)}, **how)
    wait_for(lambda: process.poll() is not None or handles(process.pid, signal.SIGHUP))
    return process


def heed_signals() -> None:
    """Also where the tests run under `nohup` or in the background of a script, which ignore some."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def left(place: Path) -> list[Path]:
    """Temporary folders; other packages may have files of their own beside them."""
    return list(place.glob("vad-*"))


def handles(process: int, number: int) -> bool:
    (caught,) = (line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def wait_for(what: Callable[[], Any]) -> None:
    until = time.monotonic() + 60
    while not what() and time.monotonic() < until:
        time.sleep(0.002)
    assert what()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_ctrl_c_twice_at_any_instant_ends_all_processes(long: Path, tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    process = begin(tmp_path, "detect", "--jobs", "2", long, "--model", ENERGY)
    time.sleep(1.2 * chance.random())
    for _ in range(2):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        time.sleep(0.05 * chance.random())
    _, said = process.communicate(timeout=30)
    assert process.returncode in (0, 130)
    assert said == (b"" if process.returncode == 0 else b"Aborted!\n")
    wait_for(lambda: not group(process.pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda s: s.name)
class TestTrace:
    def test_a_stream_that_is_ended_twice_leaves_no_utterance_and_no_program(
        self, write_bursts: Callable[..., Path], tmp_path: Path, number: signal.Signals
    ) -> None:
        sound, place, pid = write_bursts("a.wav", (0.2, 0.5), (1, 1.5)), tmp_path / "tmp", tmp_path / "pid"
        place.mkdir()
        command = f"sh -c 'echo $$ > {pid}; sleep 1000' {{file}}"
        process = begin(place, "stream", sound, "--exec", command, "--model", ENERGY, "-q")
        wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
        assert len(list(place.rglob("*.wav"))) > 0
        wait_for(lambda: process.poll() is not None or twice(process, number))
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (128 + number, b"Aborted!\n")
        assert left(place) == []
        wait_for(lambda: not group(int(pid.read_text())))

    def test_a_stream_that_is_ended_tells_what_it_waits_for(self, tmp_path: Path, number: signal.Signals) -> None:
        pid = tmp_path / "pid"
        how = ("stream", "-", "--raw", "--exec", f"sh -c 'echo $$ > {pid}; sleep 30'", "--model", ENERGY)
        process = begin(tmp_path, *how, "-f", "text", stdin=subprocess.PIPE)
        assert process.stdin and process.stderr
        process.stdin.write((bursts((0.2, 0.5), seconds=2) * 32767).astype("<i2").tobytes())
        process.stdin.flush()
        wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
        process.send_signal(number)
        assert process.stderr.readline().startswith(b"stdin: 16000 Hz")
        said = process.stderr.readline()
        assert said == b"waiting for 1 run of --exec; a second signal, like Ctrl-C, ends them\n"
        wait_for(lambda: process.poll() is not None or twice(process, number))
        assert process.communicate(timeout=30)[1] == b"Aborted!\n"
        wait_for(lambda: not group(int(pid.read_text())))

    def test_a_recording_from_a_pipe_is_not_left(self, tmp_path: Path, number: signal.Signals) -> None:
        place = tmp_path / "tmp"
        place.mkdir()
        process = begin(place, "split", "-", "-o", tmp_path, "--model", ENERGY, stdin=subprocess.PIPE)
        wait_for(lambda: list(place.rglob("stdin")))
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (128 + number, b"Aborted!\n")
        assert left(place) == []


def twice(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    process.send_signal(number)
    time.sleep(0.1)
    return process.poll() is not None


def test_what_a_killed_program_left_is_removed_by_the_next(tmp_path: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    how = ("split", "-", "-o", tmp_path, "--model", ENERGY)
    killed, alive = (begin(place, *how, stdin=subprocess.PIPE) for _ in range(2))
    wait_for(lambda: len(list(place.rglob("stdin"))) == 2)
    killed.kill()
    killed.communicate()
    assert len(left(place)) == 2
    sound = tmp_path / "in.wav"
    soundfile.write(sound, bursts((0.2, 0.5), seconds=1), RATE)
    command = [COMMAND, *how, "--force"]
    done = subprocess.run(
        command, input=sound.read_bytes(), env=os.environ | {"TMPDIR": str(place)}, capture_output=True, check=True
    )
    assert len(done.stdout.splitlines()) == 1
    assert len(list(place.rglob("stdin"))) == 1  # that of the one that still runs
    _, said = alive.communicate(sound.read_bytes(), timeout=60)
    assert alive.returncode == 1 and b"exists" in said  # its piece has been written by the other
    assert left(place) == []


def test_a_program_that_hangs_is_ended_and_the_stream_goes_on(
    write_bursts: Callable[..., Path], tmp_path: Path
) -> None:
    sound = write_bursts("a.wav", (0.2, 0.5), (1, 1.5))
    how = ("stream", sound, "--exec", "sh -c 'sleep 1000 & wait'", "--exec-timeout", "0.3", "--model", ENERGY)
    process = begin(tmp_path, *how, "-f", "text")
    out, said = process.communicate(timeout=60)
    assert process.returncode == 1 and len(out.splitlines()) == 2
    assert said.count(b"Error: --exec: sh has taken more than 0.3 s, and is ended\n") == 2


class TestLimits:
    def run(self, limit: int, value: int, *arguments: Any) -> subprocess.CompletedProcess[str]:
        command = [str(COMMAND), *map(str, arguments), "--model", str(ENERGY)]
        return subprocess.run(
            command,
            preexec_fn=lambda: resource.setrlimit(limit, (value, value)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @pytest.mark.parametrize("files", [12, 20, 24, 64])
    def test_few_open_files(self, long: Path, talk: Path, tmp_path: Path, files: int) -> None:
        done = self.run(resource.RLIMIT_NOFILE, files, "detect", "--jobs", "2", talk, talk.with_name("dishes.flac"))
        assert "Traceback" not in done.stderr
        assert done.returncode == 0 or done.stderr.startswith("Error: ")

    @pytest.mark.parametrize("memory", [300, 400])  # with 200, native libraries can abort as they begin
    def test_little_memory(self, talk: Path, memory: int) -> None:
        done = self.run(resource.RLIMIT_AS, memory << 20, "detect", "--jobs", "1", talk)
        assert done.returncode in (0, 1) and "Traceback" not in done.stderr
        assert done.returncode == 0 or done.stderr == (
            "Error: not enough memory; raise the limit (ulimit -v) or lower --jobs\n"
        )

    @pytest.mark.parametrize("how", [["split", "-o"], ["trim", "-o"], ["stream", "--save"], ["stream", "--save-all"]])
    @pytest.mark.parametrize("extension", ["wav", "flac"])
    def test_a_disk_that_is_full_is_called_so(
        self, write_bursts: Callable[..., Path], tmp_path: Path, how: list[str], extension: str
    ) -> None:
        sound = write_bursts("a.wav", (0.2, 2.5))
        many = how[1] == "--save" or how[0] == "split"
        target = tmp_path / "out" / (f"{{number}}.{extension}" if many else f"a.{extension}")
        done = self.run(resource.RLIMIT_FSIZE, 9000, how[0], sound, how[1], target)
        assert done.returncode == 1
        assert "cannot be written (File too large)" in done.stderr.splitlines()[-1]
        assert not list(tmp_path.rglob(".vad-*"))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    """As after nohup, and in the background of a script."""
    script = f"import signal, sys; signal.signal({number:d}, signal.SIG_IGN)\nfrom vad.cli import main; main()"
    command = [sys.executable, "-c", script, "stream", "-", "--raw", "--model", str(ENERGY), "-f", "text"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr
    process.stderr.readline()
    process.send_signal(number)
    out, _ = process.communicate((bursts((0.5, 1), seconds=2) * 32767).astype("<i2").tobytes(), timeout=30)
    assert (process.returncode, out) == (0, b"0.490\t1.010\n")


def test_a_signal_while_a_class_is_made_is_a_signal() -> None:
    """Python wraps what is raised in `__set_name__`, as that of a cached property, in an error of its own."""
    script = """
import os, signal
from vad.cli.signals import ending
class Sends:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000): pass
with ending():
    class Owner:
        field = Sends()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, b"", b"Aborted!\n")
