"""Whether mixing keeps up with training: `python -m benchmarks training RECIPE.toml CORPUS`.

Prints how many crops one process mixes and one thread trains on in a second, and so how many
workers one trainer needs. Each number is the median of several runs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import torch
from threadpoolctl import threadpool_limits

from vad.model.runtime import keep_memory
from vad.network.causal import build
from vad.training.corpus import read_corpus
from vad.training.dataset import Batches
from vad.training.distributed import World
from vad.training.loop import Training
from vad.training.mixing.mixer import Mixer
from vad.training.recipe import read_recipe

RUNS = 5


def seconds(work: Callable[[int], object]) -> float:
    """The median time of `work`, which gets the number of the run."""
    spent = []
    for run in range(RUNS):
        start = time.perf_counter()
        work(run)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


@click.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="RECIPE.toml")
@click.argument("corpus", type=click.Path(path_type=Path))
def main(path: Path, corpus: Path) -> None:
    """Print the line."""
    recipe = read_recipe(path)
    keep_memory()
    torch.set_num_threads(1)
    threadpool_limits(1)
    world = World(0, 1, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as cache:
        held_out = read_corpus(corpus, "dev", recipe.features.grid, recipe.corpus, Path(cache))
        batches = Batches(Mixer(held_out, recipe.mixture), recipe, world)
        features, targets, weights = (torch.from_numpy(part[0]) for part in batches[0])
        training = Training(recipe, world, build(recipe.features.n_mels, recipe.network))
        mixing = recipe.loop.batch * recipe.mixture.reuse / seconds(lambda run: batches[run])
        trained = recipe.loop.batch / seconds(lambda run: training.step((features, targets, weights), run + 1))
    workers = trained / mixing / recipe.loop.replay
    print(f"mixing {mixing:.0f} crops/s, training {trained:.0f} crops/s: {workers:.1f} workers per trainer")


if __name__ == "__main__":
    main()
