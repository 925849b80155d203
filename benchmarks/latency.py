"""What a latency costs: `python -m benchmarks latency SET...` prints a Markdown table.

A SET is a folder as `benchmarks.accuracy` takes it. A row per latency, and one for whole recordings:
block and right context in frames, AUC pooled over the 10 ms frames of each set, and the time that
one core needs for 32 ms of sound in a stream that gets 20 ms at a time, also as a share of the core.
`--left SECONDS` and `--block FRAMES` try another context (which a causal network has no use for) and
another division between block and right context than the package's. Rows for Silero and TEN follow
where they are installed; they score 32 and 16 ms of sound at a time, without looking ahead.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np

from vad.audio.decode import read
from vad.detector import Detector
from vad.evaluation.frames import frame_mask, roc_auc
from vad.evaluation.peers import RATE, Array, System, installed, open_system
from vad.geometry import Geometry, latency_of
from vad.labels.labelled_set import read_labelled
from vad.scorer import open_scorer
from vad.stream import Chain

MINUTE = 60  # seconds of sound that the cost is measured on
LATENCIES = ("40ms", "100ms", "200ms", "300ms", "500ms")
TRIES = 3  # of which the fastest counts: others may use the machine

Recording = tuple[Array, Array]  # samples, and which frames are speech


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="SET...")
@click.option("--latency", "latencies", multiple=True, default=LATENCIES, show_default=True)
@click.option("--left", type=float, help="Seconds of left context.")
@click.option("--block", type=int, help="Frames of a block, even.")
@click.option("--model", metavar="MODEL")
def main(
    folders: tuple[str, ...], latencies: tuple[str, ...], left: float | None, block: int | None, model: str
) -> None:
    """Print the table."""
    detector = Detector(model)
    features = detector.description.features
    sets = [load(Path(folder), detector) for folder in folders]
    names = " | ".join(Path(folder).name for folder in folders)
    print(f"| latency | block + right | {names} | mean | per 32 ms | of a core |\n|---{'|---' * (len(sets) + 4)}|")
    for latency in (*latencies, None):
        best = detector.for_latency(latency)
        geometry = best.geometry(latency)
        if latency is not None:
            total = geometry.block + geometry.right
            own = geometry.block if block is None else min(block, total // 2 * 2)
            context = geometry.left if left is None else int(left * 50) * 2
            geometry = Geometry(context, own, total - own)
        found = [auc(best, recordings, geometry) for recordings in sets]
        aucs = " | ".join(f"{value:.3f}" for value in (*found, np.mean(found)))
        name = "whole recording" if latency is None else f"{1000 * latency_of(geometry, features):.1f} ms"
        spent = "| |" if latency is None else cost(best, sets[0], geometry)
        print(f"| {name} | {geometry.block} + {geometry.right} | {aucs} {spent}", flush=True)
    for name in ("silero", "ten"):
        if name in installed():
            print(f"| {name} | | {peer(open_system(name), sets)}", flush=True)


def load(folder: Path, detector: Detector) -> list[Recording]:
    """The recordings of a set."""
    recordings = []
    for one in read_labelled(folder).recordings:
        samples = read(Path(one.path), RATE)
        recordings.append((samples, frame_mask(one.reference, detector.grid.frame_count(len(samples)), detector.grid)))
    return recordings


def chain(detector: Detector, geometry: Geometry, min_blocks: int | None = None) -> Chain:
    """The stages of a detector with a geometry of one's own."""
    scorer = open_scorer(detector.model, geometry, min_blocks=min_blocks)
    return Chain(detector.description.features, scorer, detector.settings())


def auc(detector: Detector, recordings: list[Recording], geometry: Geometry) -> float:
    """Pooled over all recordings."""
    scores = []
    for samples, _ in recordings:
        stages = chain(detector, geometry)
        scores += [stages.push(samples).scores, stages.finish(len(samples) / RATE).scores]
    return roc_auc(np.concatenate([speech for _, speech in recordings]), np.concatenate(scores))


def peer(system: System, sets: list[list[Recording]]) -> str:
    """The last cells of the row of another detector."""
    found = []
    for recordings in sets:
        scores = [system.scores(samples)[: len(speech)] for samples, speech in recordings]
        found.append(roc_auc(np.concatenate([speech for _, speech in recordings]), np.concatenate(scores)))
    samples = repeated(sets[0])
    spent = []
    for _ in range(TRIES):
        began = time.process_time()
        system.scores(samples)
        spent.append(time.process_time() - began)
    return f"{' | '.join(f'{value:.3f}' for value in (*found, np.mean(found)))} {share(spent)}"


def repeated(recordings: list[Recording]) -> Array:
    """A minute of them, one after the other."""
    samples: Array = np.resize(np.concatenate([samples for samples, _ in recordings]), MINUTE * RATE)
    return samples


def share(spent: list[float]) -> str:
    """The cells of a cost: the time per 32 ms of sound, and the share of a core."""
    part = min(spent) / MINUTE
    return f"| {part * 32_000:.0f} µs | {part:.1%} |"


def cost(detector: Detector, recordings: list[Recording], geometry: Geometry) -> str:
    """The last cells of a row for a stream that gets 20 ms at a time."""
    samples = repeated(recordings)
    spent = []
    for _ in range(TRIES):
        stages = chain(detector, geometry, min_blocks=1)
        began = time.process_time()
        for piece in np.split(samples, MINUTE * 50):
            stages.push(piece)
        spent.append(time.process_time() - began)
    return share(spent)


if __name__ == "__main__":
    main()
