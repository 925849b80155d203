"""What a latency costs: `python -m benchmarks latency SET...` prints a Markdown table.

A SET is a folder as `benchmarks.accuracy` takes it. A row per latency, and one for whole recordings:
block and right context in frames, AUC pooled over the 10 ms frames of each set, and the time that
one core needs for 32 ms of sound in a stream that gets 20 ms at a time, also as a share of the core.
`--left SECONDS` and `--block FRAMES` try another context (which a causal network has no use for) and
another division between block and right context than the package's. Rows for Silero and TEN follow
where they are installed; they score 32 and 16 ms of sound at a time, without looking ahead. All rows are timed
in turns, so that their ratios hold on a machine whose speed changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np

from vad.audio.decode import read
from vad.detector import Detector
from vad.evaluation.frames import frame_mask, roc_auc
from vad.evaluation.peers import RATE, Array, installed, open_system
from vad.geometry import Geometry, latency_of
from vad.labels.labelled_set import read_labelled
from vad.scorer import open_scorer
from vad.stream import Chain

MINUTE = 60  # seconds of sound that the cost is measured on
LATENCIES = ("40ms", "100ms", "200ms", "300ms", "500ms")
TURNS = 5  # in each of which every row is timed once; the fastest time of a row counts, as others may use the machine

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
    minute = repeated(sets[0])
    rows: list[tuple[str, Callable[[], object] | None]] = []  # first cells, and what scores the minute
    for latency in (*latencies, None):
        best = detector.for_latency(latency)
        geometry = best.geometry(latency)
        if latency is not None:
            total = geometry.block + geometry.right
            own = geometry.block if block is None else min(block, total // 2 * 2)
            context = geometry.left if left is None else int(left * 50) * 2
            geometry = Geometry(context, own, total - own)
        name = "whole recording" if latency is None else f"{1000 * latency_of(geometry, features):.1f} ms"
        cells = means([auc(partial(scores, best, geometry), one) for one in sets])
        scored = None if latency is None else partial(stream, best, geometry, minute)
        rows.append((f"| {name} | {geometry.block} + {geometry.right} | {cells}", scored))
    for name in ("silero", "ten"):
        if name in installed():
            system = open_system(name)
            cells = means([auc(system.scores, one) for one in sets])
            rows.append((f"| {name} | | {cells}", partial(system.scores, minute)))
    spent = [[seconds(score) for _, score in rows if score] for _ in range(TURNS)]
    costs = iter(np.min(spent, 0) / MINUTE)
    names = " | ".join(Path(folder).name for folder in folders)
    print(f"| latency | block + right | {names} | mean | per 32 ms | of a core |\n|---{'|---' * (len(sets) + 4)}|")
    for cells, score in rows:
        print(f"{cells} | {share(next(costs)) if score else '| |'}")


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


def scores(detector: Detector, geometry: Geometry, samples: Array) -> Array:
    """The scores `(frame,)` of a whole recording."""
    stages = chain(detector, geometry)
    return np.concatenate([stages.push(samples).scores, stages.finish(len(samples) / RATE).scores])


def auc(score: Callable[[Array], Array], recordings: list[Recording]) -> float:
    """Of what `score` gives for the samples of each recording, pooled over all."""
    found = [score(samples)[: len(speech)] for samples, speech in recordings]
    return roc_auc(np.concatenate([speech for _, speech in recordings]), np.concatenate(found))


def means(found: list[float]) -> str:
    """The cells of the AUC of each set, and of their mean."""
    return " | ".join(f"{value:.3f}" for value in (*found, np.mean(found)))


def repeated(recordings: list[Recording]) -> Array:
    """A minute of them, one after the other."""
    samples: Array = np.resize(np.concatenate([samples for samples, _ in recordings]), MINUTE * RATE)
    return samples


def stream(detector: Detector, geometry: Geometry, samples: Array) -> None:
    """Score samples that arrive 20 ms at a time."""
    stages = chain(detector, geometry, min_blocks=1)
    for piece in np.split(samples, len(samples) * 50 // RATE):
        stages.push(piece)


def seconds(score: Callable[[], object]) -> float:
    """The processor time that `score` takes."""
    began = time.process_time()
    score()
    return time.process_time() - began


def share(part: float) -> str:
    """The cells of a cost, from the share of a core: the time per 32 ms of sound, and that share."""
    return f"{part * 32_000:.0f} µs | {part:.1%} |"


if __name__ == "__main__":
    main()
