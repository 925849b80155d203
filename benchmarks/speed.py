"""Speed beside other detectors, in one run: `python -m benchmarks speed` prints Markdown tables.

Every figure is of whole processes, one after the other and in turn, on one thread: what a user
waits for, imports and all. Times are of the processor (user and system), which other programs
disturb less than those of the clock; the table of two cores is of the clock. The median of several
runs counts. The sound is the sample recordings over and over, as WAV, but for what is said.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import soundfile

from benchmarks.compressed import compressed
from benchmarks.job import JOBS, RATE
from benchmarks.sizes import installed_size
from vad.audio.decode import read

ROOT = Path(__file__).parent.parent
NEEDS = {"vad": "vad", "silero-sequence": "silero_vad", "silero": "silero_vad", "ten": "ten_vad", "webrtc": "webrtcvad"}
PACKAGES = {  # what pip is asked for
    "vad": ["vad-bilstm"],
    "silero-sequence": ["silero-vad[onnx-cpu]"],
    "silero": ["silero-vad[onnx-cpu]"],
    "ten": ["ten-vad"],
    "webrtc": ["webrtcvad-wheels"],
}
VAD = str(Path(sys.executable).with_name("vad"))
JOB = [sys.executable, "-m", "benchmarks.job"]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    cpu: float  # seconds, user and system
    clock: float  # seconds
    memory: float  # MB at its peak


@click.command()
@click.option("--runs", default=5, show_default=True, help="How often each process is run.")
@click.option("--minutes", default=60, show_default=True, help="Length of the long recording.")
@click.option("--files", default=1000, show_default=True, help="How many short recordings of 1 to 2 s.")
@click.option("--only", multiple=True, type=click.Choice(list(JOBS)), help="These detectors alone.")
def main(runs: int, minutes: int, files: int, only: tuple[str, ...]) -> None:
    """Time this package and the installed peers side by side, and print the tables."""
    names = [name for name in only or JOBS if importlib.util.find_spec(NEEDS[name])]
    for name in set(only or JOBS) - set(names):
        print(f"{name}: not installed", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        long, short, many = make_sounds(place, minutes, files)
        work = {
            "start": [],
            "10 s": [short],
            f"{minutes} min": [long.with_suffix(".wav")],
            f"{minutes} min FLAC": [long.with_suffix(".flac")],
            f"{files} files": many,
        }
        print(table(names, {title: alternate(names, paths, runs) for title, paths in work.items()}))
        print(f"\n{compressed(place, long.with_suffix('.wav'), min(runs, 3), measure)}")
        print(f"\n{streams(names, short, runs)}")
        print(f"\n{cores(longer(long.with_suffix('.wav')), archive(many), runs)}")


def make_sounds(folder: Path, minutes: int, files: int) -> tuple[Path, Path, list[Path]]:
    """The long recording (`.wav` and `.flac`), the one of 10 s, and the many short ones."""
    both = np.concatenate([read(ROOT / "data" / name, RATE) for name in ("talk.flac", "dishes.flac")])
    for kind in (".wav", ".flac"):
        with soundfile.SoundFile(folder / f"long{kind}", "w", RATE, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(np.resize(both, 60 * RATE))
    soundfile.write(folder / "short.wav", both[: 10 * RATE], RATE, "PCM_16")
    lengths = np.random.default_rng(1).integers(RATE, 2 * RATE, files)
    many = [folder / "many" / f"{number:06}.wav" for number in range(files)]
    many[0].parent.mkdir()
    for path, length in zip(many, lengths, strict=True):
        soundfile.write(path, both[:length], RATE, "PCM_16")
    return folder / "long", folder / "short.wav", many


def longer(long: Path) -> Path:
    """A recording of four times the length, as starting a process is not what is measured there."""
    path = long.with_name("longer.wav")
    sound, rate = soundfile.read(long, dtype="int16")
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(4):
            file.write(sound)
    return path


def archive(many: list[Path]) -> Path:
    """A folder with ten names for each file, for the same reason."""
    folder = many[0].parent.with_name("archive")
    folder.mkdir()
    for number in range(10):
        for path in many:
            os.link(path, folder / f"{number}-{path.name}")
    return folder


def alternate(names: list[str], paths: list[Path], runs: int) -> dict[str, Cost]:
    """The median cost of each detector's process for the same files, in turn."""
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            ours = [VAD, "detect", "--jobs", "1"] if name == "vad" and paths else [*JOB, name]
            costs[name].append(measure([*ours, *map(str, paths)]))
    return {name: median(each) for name, each in costs.items()}


def measure(command: list[str]) -> Cost:
    """Run `command` to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | ONE_THREAD, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    spent = time.perf_counter() - began
    if status:
        raise click.ClickException(f"{' '.join(command[:4])} failed")
    return Cost(usage.ru_utime + usage.ru_stime, spent, usage.ru_maxrss / 1024)


def median(costs: list[Cost]) -> Cost:
    """Of each figure alone."""
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("cpu", "clock", "memory")))


def table(names: list[str], costs: dict[str, dict[str, Cost]]) -> str:
    """Processor time of each kind of work, as multiples of the first detector's; peak memory and size on disk."""
    lines = [f"| | {' | '.join(costs)} | peak memory | installed |", f"|---{'|---' * (len(costs) + 2)}|"]
    for name in names:
        cells = []
        for each in costs.values():
            ratio = each[name].cpu / each[names[0]].cpu
            cells.append(f"{each[name].cpu:.2f} s" + (f" ({ratio:.1f} x)" if name != names[0] else ""))
        memory = max(each[name].memory for each in costs.values())
        lines.append(f"| {name} | {' | '.join(cells)} | {memory:.0f} MB | {installed_size(PACKAGES[name]):.1f} MB |")
    return "\n".join(lines)


def streams(names: list[str], path: Path, runs: int) -> str:
    """Microseconds of one core per 32 ms of live sound."""
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            command = [*JOB, name, "--stream", str(path)]
            done = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, stdout=subprocess.PIPE, check=True)
            found[name].append(float(done.stdout))
    lines = [f"| {name} | {statistics.median(each):.0f} µs |" for name, each in found.items() if each[0] == each[0]]
    return "\n".join(["| live | per 32 ms |", "|---|---|", *lines])


def cores(long: Path, many: Path, runs: int) -> str:
    """How much faster two processes or threads are than one, by the clock."""
    rows = {"one recording, four times as long": str(long), "ten times as many short ones": str(many)}
    spent: dict[tuple[str, int], list[float]] = {}
    for _ in range(runs):
        for row, path in rows.items():
            for jobs in (1, 2):
                spent.setdefault((row, jobs), []).append(measure([VAD, "detect", path, "--jobs", str(jobs)]).clock)
    lines = []
    for row in rows:
        one, two = (statistics.median(spent[row, jobs]) for jobs in (1, 2))
        lines.append(f"| {row} | {one:.2f} s | {two:.2f} s | {one / two:.2f} |")
    return "\n".join(["| cores | 1 | 2 | times as fast |", "|---|---|---|---|", *lines])


if __name__ == "__main__":
    main()
