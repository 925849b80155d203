"""Whether mixing keeps up with training: `python -m benchmarks training RECIPE.toml CORPUS`.

Prints how many crops one process mixes and one thread trains on in a second, and so how many
workers one trainer can feed on. Each number is the median of several runs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from vad.network.causal import build
from vad.training.corpus import read_corpus
from vad.training.crops import TRAIN, Crops
from vad.training.distributed import Team
from vad.training.losses import lessons
from vad.training.mixing.mixer import Mixer
from vad.training.recipe import Recipe, read_recipe

RUNS = 5


def rate(recipe: Recipe, work: Callable[[], object]) -> float:
    """Crops per second of `work`, which handles a batch."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return recipe.loop.batch / statistics.median(seconds)


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="RECIPE.toml")
@click.argument("corpus", type=click.Path(path_type=Path))
def main(path: Path, corpus: Path) -> None:
    """Print the line."""
    recipe = read_recipe(path)
    torch.set_num_threads(1)
    threadpool_limits(1)
    with tempfile.TemporaryDirectory() as cache:
        held_out = read_corpus(corpus, "dev", recipe.features.grid, recipe.corpus, Path(cache))
        crops = Crops(Mixer(held_out, recipe.mixture), recipe.features, (TRAIN, 0), list(range(recipe.loop.batch)))
        features, targets = (
            torch.from_numpy(np.stack(part)) for part in zip(*(crops[n] for n in range(len(crops))), strict=True)
        )
        network = build(recipe.features.n_mels, recipe.network)
        lesson = lessons(network, recipe.loop, Team(0, 1, torch.device("cpu")))
        mixing = rate(recipe, lambda: [crops[n] for n in range(len(crops))])
        training = rate(recipe, lambda: lesson(network, features, targets, 1).backward())  # type: ignore[no-untyped-call]
    print(f"mixing {mixing:.0f} crops/s, training {training:.0f} crops/s: {training / mixing:.1f} workers per trainer")


if __name__ == "__main__":
    main()
