"""Minutes of random kills, Ctrl-C at random instants and a disk that fills up: `python tests/soak.py --help`.

Nothing may be lost, half-written, left over or left waiting. Every round compares the outputs with
those of a run that nobody disturbs; what is wrong is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

HERE = Path(__file__).parent
ENERGY = HERE / "doubles" / "energy.onnx"
COMMAND = Path(sys.executable).with_name("vad")
RATE = 16_000
KILLS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
ENDS = 20  # seconds after which an ended command counts as hanging


class Soak:
    """One place with recordings, the outputs of undisturbed runs, and a count of what was done."""

    def __init__(self, place: Path, chance: random.Random) -> None:
        self.place, self.chance = place, chance
        self.count: collections.Counter[str] = collections.Counter()
        self.findings: list[str] = []
        self.temporary = place / "tmp"
        self.temporary.mkdir()
        self.many, self.long = place / "many", place / "long.wav"
        self._make_sounds()
        self.whole = {name: place / "whole" / name for name in ("detect", "split", "stream")}
        for name, out in self.whole.items():
            end(self.begin(*self.command(name, out)))

    def _make_sounds(self) -> None:
        self.many.mkdir()
        time_of = np.arange(RATE) / RATE
        for number in range(40):
            tone = 0.3 * np.sin(2 * np.pi * 1000 * time_of) * (time_of > 0.1) * (time_of < 0.2 + number / 60)
            soundfile.write(self.many / f"{number:02}.wav", np.tile(tone, 1 + number % 7), RATE)
        half = 0.3 * np.sin(2 * np.pi * 1000 * time_of) * (time_of % 0.5 < 0.3)
        soundfile.write(self.long, np.tile(half, 40), RATE)

    def command(self, name: str, out: Path) -> list[Any]:
        """A command that writes to `out`, to be repeated until all is there."""
        if name == "detect":
            jobs = self.chance.choice(["1", "2", "2"])
            return ["detect", self.many, "-o", out, "--resume", "--jobs", jobs]
        if name == "split":
            return ["split", self.long, "-o", out, "--force"]
        return ["stream", self.long, "--save", out, "-q", "--force"]

    def begin(self, *arguments: Any, **how: Any) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        command = [str(COMMAND), *map(str, arguments), "--model", str(ENERGY)]
        how = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True} | how
        return subprocess.Popen(
            command, env=os.environ | {"TMPDIR": str(self.temporary), "PYTHONFAULTHANDLER": "1"}, **how
        )

    def wrong(self, text: str) -> None:
        """Note a finding."""
        self.findings.append(text)
        print(f"FOUND: {text}", flush=True)

    def kills(self) -> None:
        """Kill a command a few times, then let it end: the outputs are those of an undisturbed run."""
        name = self.chance.choice(list(self.whole))
        with self._out() as out:
            for _ in range(self.chance.randint(1, 3)):
                number = self.chance.choice(KILLS)
                self._disturb(self.begin(*self.command(name, out)), number, 1.5, f"{name}, {number.name}")
                if name != "stream":
                    self._compare(name, out, partly=True)
                self.count["kills"] += 1
            if name == "stream":  # a stream begins anew, with other names where it was ended early
                shutil.rmtree(out, ignore_errors=True)
            said = end(self.begin(*self.command(name, out)))
            if said and name != "stream":
                self.wrong(f"{name}: {said[-300:]}")
            self._compare(name, out)
            if list(out.rglob(".vad-*")):
                self.wrong(f"{name}: scratch files are left in {out}")

    def interrupts(self) -> None:
        """Press Ctrl-C twice: one line, status 130, no process left, within seconds."""
        with self._out() as out:
            process = self.begin("detect", self.many, "-o", out, "--jobs", "2")
            self._disturb(process, signal.SIGINT, 1.0, "Ctrl-C", twice=True)
            self.count["Ctrl-C"] += process.returncode == 128 + signal.SIGINT

    def full_disk(self) -> None:
        """Run where the disk has too little room: lines, and nothing half-written; then with room: all."""
        name = self.chance.choice(list(self.whole))
        with self._tmpfs(self.chance.choice([16, 60, 200, 500])) as small:
            out = small / "out"
            process = self.begin(*self.command(name, out))
            _, said = process.communicate(timeout=120)
            if process.returncode not in (0, 1) or b"Traceback" in said:
                self.wrong(f"{name} on a full disk: {process.returncode} {said[-500:]!r}")
            if process.returncode == 1 and b"No space left" not in said:
                self.wrong(f"{name} on a full disk says {said[-300:]!r}")
            self._compare(name, out, partly=True)
            if list(small.rglob(".vad-*")):
                self.wrong(f"{name} on a full disk leaves scratch files")
            self.count["full disks"] += process.returncode == 1
            if name == "detect":
                subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
                end(self.begin(*self.command(name, out)))
                self._compare(name, out)

    def utterances(self) -> None:
        """End a stream with --exec in any way: after the next program has begun, no sound is left."""
        process = self.begin("stream", self.long, "--exec", "sleep 0.05", "-q", "--realtime")
        number = self.chance.choice(KILLS)
        self._disturb(process, number, 3.0, f"--exec, {number.name}", twice=True)
        end(self.begin("split", "-", "-o", self.place, stdin=subprocess.DEVNULL), status=None)
        if list(self.temporary.glob("vad-*")):
            self.wrong(f"utterances are left after {number.name}")
        self.count["ended streams"] += 1

    def _disturb(
        self, process: subprocess.Popen[bytes], number: signal.Signals, within: float, what: str, twice: bool = False
    ) -> None:
        """Send a signal to a command at some instant after it handles signals, and wait for its end."""
        until = time.monotonic() + 60
        while process.poll() is None and not handles(process.pid) and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(within * self.chance.random())
        for _ in range(1 + twice):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
            time.sleep(0.05 * self.chance.random())
        try:
            _, said = process.communicate(timeout=ENDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # faulthandler writes where it hangs
            time.sleep(1)
            os.killpg(process.pid, signal.SIGKILL)
            self.wrong(f"{what}: hangs: {process.communicate()[1].decode(errors='replace')[:3000]}")
            return
        lines = said.decode(errors="replace").splitlines()
        if process.returncode > 0 and process.returncode != 128 + number:
            self.wrong(f"{what}: status {process.returncode}: {said[-500:]!r}")
        if any("Traceback" in line for line in lines) or (process.returncode == 128 + number and lines != ["Aborted!"]):
            self.wrong(f"{what}: {said[-1500:].decode(errors='replace')}")
        wait_until = time.monotonic() + ENDS
        while group(process.pid) and time.monotonic() < wait_until:
            time.sleep(0.01)
        if group(process.pid):
            self.wrong(f"{what}: processes are left")
            os.killpg(process.pid, signal.SIGKILL)

    def _compare(self, name: str, out: Path, partly: bool = False) -> None:
        expected, found = files(self.whole[name]), files(out)
        if name == "stream" and partly:  # the last utterance of a stream that is ended is shorter
            return
        wrong = [n for n, content in found.items() if content != expected.get(n)]
        missing = [] if partly else [n for n in expected if n not in found]
        if wrong or missing:
            self.wrong(f"{name}: wrong {wrong[:3]}, missing {missing[:3]}")
        self.count["files compared"] += len(found)

    @contextlib.contextmanager
    def _out(self) -> Iterator[Path]:
        out = self.place / "out"
        yield out
        shutil.rmtree(out, ignore_errors=True)

    @contextlib.contextmanager
    def _tmpfs(self, kilobytes: int) -> Iterator[Path]:
        small = self.place / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(small)], check=True)
        try:
            yield small
        finally:
            subprocess.run(["umount", str(small)], check=True)
            small.rmdir()


def end(process: subprocess.Popen[bytes], status: int | None = 0) -> str:
    """Standard error of a command that nobody disturbs."""
    _, said = process.communicate(timeout=300)
    if status is not None and process.returncode != status:
        raise SystemExit(f"{process.args}: status {process.returncode}: {said.decode()}")
    return said.decode()


def files(folder: Path) -> dict[str, bytes]:
    """The complete files of a folder."""
    if not folder.exists():
        return {}
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name[0] != "."}


def handles(process: int) -> bool:
    """Whether a process handles SIGHUP, as commands do from their beginning on."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("SigCgt"):
                return bool(int(line.split()[1], 16) >> (signal.SIGHUP - 1) & 1)
    return False


def group(leader: int) -> list[int]:
    """The processes of a group that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            state, _, members = entry.joinpath("stat").read_text().rpartition(")")[2].split()[:3]
            if state != "Z" and int(members) == leader:
                found.append(int(entry.name))
    return found


def main() -> None:
    parser = argparse.ArgumentParser("soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long [%(default)s]")
    parser.add_argument("--interrupts", type=int, default=50, help="Ctrl-C at so many instants at least [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="what decides the instants [%(default)s]")
    parser.add_argument("--no-tmpfs", action="store_true", help="leave out the full disk, which needs to mount")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore Ctrl-C
    until = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        soak = Soak(Path(place), random.Random(given.seed))
        ways: list[Callable[[], None]] = [soak.kills, soak.interrupts, soak.utterances]
        ways += [] if given.no_tmpfs else [soak.full_disk]
        while time.monotonic() < until or soak.count["Ctrl-C"] < given.interrupts:
            soak.chance.choice(ways)()
            soak.count["rounds"] += 1
        print(", ".join(f"{count} {name}" for name, count in soak.count.items()), flush=True)
    print(f"{len(soak.findings)} findings")
    raise SystemExit(bool(soak.findings))


if __name__ == "__main__":
    main()
