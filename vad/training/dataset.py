"""From mixtures to what the network is shown: features, targets and weights, batch by batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from vad.features import Float32, LogMel
from vad.training.corpus import Corpus
from vad.training.distributed import World
from vad.training.mixing.mixer import Mixer
from vad.training.pool import CropPool
from vad.training.recipe import Recipe
from vad.training.seeds import Draw
from vad.training.sequences import Step
from vad.training.teachers import Teachers, distilled

DEV_SNR = 10.0  # dB
NOT_IN_DEV = ("conversation", "scene_change", "real", "parts", "noise_gate", "zeros")  # settings that are 0 there
CACHE = "cache"  # folder of the decoded recordings, within the output


class Batches(Dataset[Any]):
    """Some batches at once: features `(batch, crop, frame, mel)`, targets and weights `(batch, crop, frame)`.

    Number `n` is the `n`-th rendering of the training with this seed, which gives `mixture.reuse` batches;
    of each, this process takes its part of the crops. The targets are blended with the scores of the teachers.
    """

    def __init__(self, mixer: Mixer, recipe: Recipe, world: World) -> None:
        self._mixer, self._recipe, self._world = mixer, recipe, world
        self._teachers: Teachers | None = None  # opened by the process that mixes

    def __len__(self) -> int:
        return math.ceil(self._recipe.loop.steps / (self._recipe.mixture.reuse * self._recipe.loop.replay))

    def __getitem__(self, number: int) -> tuple[Float32, Float32, Float32]:
        loop = self._recipe.loop
        mixed = self._mixer.batches((Draw.TRAIN, loop.seed, number), self._world.part(loop.batch))
        features = np.array([[self._recipe.features(crop.samples) for crop in crops] for crops in mixed])
        targets = np.array([[crop.target for crop in crops] for crops in mixed])
        weights = np.array([[crop.weight for crop in crops] for crops in mixed])
        if loop.teacher and loop.teacher_share:
            self._teachers = self._teachers or Teachers(loop.teacher)
            samples = np.array([[crop.samples for crop in crops] for crops in mixed])
            scores = [self._teachers(*crops) for crops in zip(samples, features, strict=True)]
            targets = distilled(targets, np.array(scores), loop)
        return features, targets, weights


def batches(mixer: Mixer, recipe: Recipe, first: int, world: World) -> Iterator[Step]:
    """This process's share of the batches from step `first` on: features `(crop, frame, mel)`, targets, weights."""
    loop, reuse = recipe.loop, recipe.mixture.reuse
    rendered = Batches(mixer, recipe, world)
    if loop.pool:
        pool = CropPool(loop, reuse, world)
        return pool.drawn(first, _loaded(rendered, pool.oldest(first), recipe))
    steps = (step for some in _loaded(rendered, first // reuse, recipe) for step in zip(*some, strict=True))
    skipped = first % reuse
    return itertools.islice(steps, skipped, skipped + max(0, loop.steps - first))


def _loaded(rendered: Batches, first: int, recipe: Recipe) -> Iterator[Step]:
    """The renderings from number `first` on, made by the workers, each tensor `(batch, crop, ...)`."""
    yield from DataLoader(
        Subset(rendered, range(first, len(rendered))),
        batch_size=None,
        num_workers=recipe.loop.workers,
        prefetch_factor=max(2, 8 // recipe.mixture.reuse) if recipe.loop.workers else None,
        worker_init_fn=_one_thread,
    )


def crops(mixer: Mixer, features: LogMel, seed: tuple[int, ...], count: int) -> tuple[Float32, Float32]:
    """Features `(crop, frame, mel)` and targets `(crop, frame)` of the crops drawn from `(*seed, 0)` and so on."""
    mixed = [mixer((*seed, number)) for number in range(count)]
    return np.array([features(crop.samples) for crop in mixed]), np.array([crop.target for crop in mixed])


def statistics(mixer: Mixer, recipe: Recipe) -> tuple[Float32, Float32]:
    """Mean and standard deviation of each band over mixtures, `(mel,)` both."""
    features, _ = crops(mixer, recipe.features, (Draw.NORM, recipe.loop.seed), 128)
    return features.mean((0, 1)), features.std((0, 1))


def dev_mixtures(recipe: Recipe, held_out: Corpus, snr: float = DEV_SNR) -> tuple[Tensor, Float32]:
    """The same mixtures of the dev side of a corpus in every run: features and targets.

    `snr` is that of speech over noise in dB; at minus infinity there is noise alone, and no babble,
    of which a listener might say either. Of noise alone there is four times as much: false alarms
    in it are rare.
    """
    noise_only = math.isinf(snr)
    plain: dict[str, Any] = dict.fromkeys(NOT_IN_DEV, 0.0)
    plain["real"] = float(bool(held_out.real))  # where there are recordings to be used as they are
    settings = replace(recipe.mixture, no_speech=float(noise_only), **plain)
    settings = replace(settings, babble=0.0) if noise_only else replace(settings, snr_low=snr, snr_high=snr)
    count = recipe.loop.dev_crops * (4 if noise_only else 1)
    features, targets = crops(Mixer(held_out, settings), recipe.features, (Draw.DEV, 0), count)
    return torch.from_numpy(features), targets


def _one_thread(_: int) -> None:
    """Workers share the cores already; threads of the linear algebra would fight over them."""
    threadpool_limits(1)
