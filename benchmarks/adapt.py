"""What adapting gains where it is meant to, and costs elsewhere: `python -m benchmarks adapt CORPUS FOLDER`.

Small tasks are made of CORPUS below FOLDER, as a user would have them: `TASK/train` and `TASK/test`, each with
`audio` and with Audacity labels in `labels`, of different recordings. `vad train` adapts the model of the package to
each; then both models detect on the test recordings of all tasks, and on noise alone.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile
from scipy.signal import fftconvolve, lfilter

from benchmarks.radio import make as make_radio
from vad import Detector
from vad.audio.decode import read
from vad.data.corpus_index import read_index
from vad.evaluation.frames import detection_cost, frame_mask, mask_segments
from vad.evaluation.peers import RATE, Array
from vad.grid import Grid
from vad.labels.labelled_set import read_labelled
from vad.model.pretrained import DEFAULT
from vad.training.mixing.synthesis import room

GRID = Grid()
NOISE = "noise alone"
LONGEST = 120.0  # seconds of a recording that are used


@dataclass(frozen=True)
class Recording:
    """A recording of a task: its name, samples `(sample,)` and where people speak, in seconds."""

    name: str
    samples: Array
    speech: list[tuple[float, float]]


@cache
def decoded(path: Path) -> Array:
    """The samples of a file in which many recordings stand."""
    return read(path, RATE)


def labelled(corpus: Path, kind: str) -> list[Recording]:
    """A set below `labelled`, with its labels."""
    found = read_labelled(corpus / "labelled" / kind).recordings
    return [
        Recording(Path(one.path).stem, read(Path(one.path), RATE), [(s.start, s.end) for s in one.reference])
        for one in found
    ]


def real(corpus: Path, wanted: Callable[[dict[str, Any]], bool], count: int) -> list[Recording]:
    """Up to `count` lines of `real.jsonl`; speech is where two other detectors agree on average."""
    lines = [line for line in read_index(corpus / "real.jsonl") if wanted(line)]
    lines = [lines[n] for n in np.linspace(0, len(lines) - 1, min(count, len(lines))).astype(int)]
    made = []
    with np.load(corpus / "real.npz") as opinions:
        for number, line in enumerate(lines):
            start, seconds = float(line["start"]), min(float(line["duration"]), LONGEST)
            both = [opinions[f"{line['file']}:{name}"] for name in ("silero", "firered")]
            first, count = GRID.to_frames(start), GRID.to_frames(seconds)
            scores = np.mean([opinion[first : first + count] / 255 for opinion in both], axis=0)
            sound = decoded(corpus / line["file"])[round(start * RATE) : round((start + seconds) * RATE)]
            speech = [(s.start, s.end) for s in mask_segments(scores > 0.5, GRID)]
            made.append(Recording(f"{number:03}-{line['name']}".replace("/", "-"), sound, speech))
    return made


def far(corpus: Path, count: int) -> list[Recording]:
    """Dev speakers across a room, quiet, with the noise of the room: three utterances each."""
    lines = [line for line in read_index(corpus / "speech.jsonl") if line["split"] == "dev"]
    by_speaker: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_speaker.setdefault(str(line["speaker"]), []).append(line)
    rng, made = np.random.default_rng(7), []
    for speaker, theirs in list(by_speaker.items())[-count:]:
        parts, spans = [np.zeros(int(rng.uniform(0.5, 2) * RATE), np.float32)], []
        for line in theirs[:3]:
            start, end = float(line["start"]), float(line["start"]) + float(line["duration"])
            at = sum(map(len, parts)) / RATE
            spans += [(at + a, at + b) for a, b in line["speech"]]
            sound = decoded(corpus / str(line["file"]))[round(start * RATE) : round(end * RATE)]
            parts += [sound / np.abs(sound).max(), np.zeros(int(rng.uniform(0.5, 2.5) * RATE), np.float32)]
        dry = np.concatenate(parts)
        tail = room(rng, RATE)
        tail[: RATE // 200] *= 0.3  # the direct sound is weak
        wet = fftconvolve(dry, tail)[: len(dry)]
        noise = lfilter([0.3], [1, -0.9], rng.standard_normal(len(wet)))
        wet = wet / np.sqrt(np.mean(np.square(wet))) + 0.3 * noise
        made.append(Recording(speaker.replace(":", "-"), 10 ** (-52 / 20) * wet, spans))
    return made


def halves(recordings: list[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Every other recording to train on, the rest to test."""
    return recordings[::2], recordings[1::2]


def sources(name: str, count: int) -> Callable[[Path], list[Recording]]:
    """Recordings of the source `name`."""
    return lambda corpus: real(corpus, lambda line: name in str(line["source"]), count)


TASKS: dict[str, Callable[[Path], list[Recording]]] = {
    "meetings": lambda corpus: labelled(corpus, "meeting"),
    "read speech": lambda corpus: labelled(corpus, "mfa"),
    "clips": lambda corpus: labelled(corpus, "emu"),
    "call centre": sources("live-call-analytics", 7),
    "telephone prompts": sources("asterisk-sounds", 100),
    "Japanese words": sources("tofugu", 200),
    "own microphones": sources("Snoring-Detection", 200),
    "many languages": sources("speech-to-text-nodejs", 16),
    "far and quiet": lambda corpus: far(corpus, 16),
}


def make(corpus: Path, folder: Path) -> None:
    """Write the recordings and labels of every task, and noise alone, unless they are there."""
    for name, find in TASKS.items():
        if not (folder / name).exists():
            for side, recordings in zip(("train", "test"), halves(find(corpus)), strict=True):
                write(folder / name / side, recordings)
    if not (folder / "radio").exists():
        make_radio(corpus, folder / "radio")
    if not (folder / NOISE).exists():
        write(folder / NOISE / "test", noise(corpus))


def write(folder: Path, recordings: Iterable[Recording]) -> None:
    """Sound and Audacity labels."""
    for kind in ("audio", "labels"):
        (folder / kind).mkdir(parents=True)
    for one in recordings:
        soundfile.write(folder / "audio" / f"{one.name}.wav", np.clip(one.samples, -1, 1), RATE)
        text = "".join(f"{start:.6f}\t{end:.6f}\tspeech\n" for start, end in one.speech)
        (folder / "labels" / f"{one.name}.txt").write_text(text, "ascii")


def noise(corpus: Path) -> Iterable[Recording]:
    """Noise that no model of the package was trained on, up to five minutes."""
    seconds = 0.0
    for number, line in enumerate(read_index(corpus / "noise.jsonl")):
        held_out = line["source"] in ("VoxeLibre/VoxeLibre", "hainguyents13/mechvibes")
        if held_out and line.get("teacher_speech", 0.0) < 0.05 and seconds < 300:
            start, length = float(line["start"]), min(20.0, float(line["duration"]))
            seconds += length
            sound = decoded(corpus / line["file"])[round(start * RATE) : round((start + length) * RATE)]
            yield Recording(f"{number:05}", sound, [])


def cost(model: Path | str, folder: Path) -> float:
    """The detection cost in percent, pooled over the recordings of a test; of noise alone its false-alarm part."""
    detector, truth, found = Detector(model), [], []
    for one in read_labelled(folder / "audio", folder / "labels").recordings:
        frames = len(detector.scores(one.path))
        truth.append(frame_mask(one.reference, frames, GRID))
        found.append(frame_mask(detector.detect(one.path), frames, GRID))
    reference, hypothesis = np.concatenate(truth), np.concatenate(found)
    alarms = float(hypothesis[~reference].mean())
    return 100 * (detection_cost(reference, hypothesis) if reference.any() else 0.25 * alarms)


def adapt(folder: Path, changes: tuple[str, ...]) -> tuple[float, str]:
    """Adapt the model of the package to a task: minutes taken, and the verdict."""
    command = [sys.executable, "-m", "vad", "train", "--audio", str(folder / "train/audio"), "--trust-labels"]
    command += ["--labels", str(folder / "train/labels"), "-o", str(folder / "model"), *changes]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or "better" not in done.stdout:
        raise click.ClickException(done.stderr)
    verdict = next(line for line in done.stdout.splitlines() if "better" in line)
    return (time.monotonic() - began) / 60, verdict


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--task", "names", multiple=True, help="One of the tasks.  [default: all]")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A setting of the adaptation.")
def main(corpus: Path, folder: Path, names: tuple[str, ...], changes: tuple[str, ...]) -> None:
    """Adapt to each task, and print what that gains there and costs on the tests of the others."""
    make(corpus, folder)
    tests = [place.parent.name for place in sorted(folder.glob("*/test"))]
    before = {name: cost(DEFAULT, folder / name / "test") for name in tests}
    print("| task | before | after | elsewhere, before | after | noise, before | after | minutes | verdict |")
    print("|---|---|---|---|---|---|---|---|---|")
    for task in names or [name for name in tests if name != NOISE]:
        minutes, verdict = adapt(folder / task, changes)
        kept = (folder / task / "model" / "model.onnx").exists()
        after = {name: cost(folder / task / "model", folder / name / "test") for name in tests} if kept else before
        others = [name for name in tests if name not in (task, NOISE)]
        numbers = [values for name in (task, NOISE) for values in (before[name], after[name])]
        numbers[2:2] = [float(np.mean([values[name] for name in others])) for values in (before, after)]
        print(f"| {task} | {' | '.join(f'{n:.1f}' for n in numbers)} | {minutes:.1f} | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
