"""From mixtures to what the network is shown: features and targets, batch by batch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vad.features import Float32, LogMel
from vad.training.corpus import Corpus
from vad.training.distributed import Team
from vad.training.mixing.mixer import Mixer
from vad.training.recipe import Recipe

TRAIN, DEV, NORM = 0, 1, 2  # what is drawn: the first number of its seed
DEV_SNR = 10.0  # dB
CACHE = "cache"  # folder of the decoded recordings, within the output


class Crops(Dataset[Any]):
    """Features `(frame, mel)` and target `(frame,)` of the crop drawn from `(purpose, seed, index)`."""

    def __init__(self, mixer: Mixer, features: LogMel, seed: tuple[int, ...], indices: list[int]) -> None:
        self._mixer, self._features, self._seed, self._indices = mixer, features, seed, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, at: int) -> tuple[Float32, Float32]:
        samples, target = self._mixer((*self._seed, self._indices[at]))
        return self._features(samples), target


def batches(mixer: Mixer, recipe: Recipe, first: int, team: Team) -> DataLoader[Any]:
    """This process's share of the batches from step `first` on: features `(crop, frame, mel)`, targets."""
    loop = recipe.loop
    return DataLoader(
        Crops(mixer, recipe.features, (TRAIN, loop.seed), team.part(first, loop)),
        loop.batch // team.size,
        num_workers=loop.workers,
        prefetch_factor=8 if loop.workers else None,
        worker_init_fn=_one_thread,
    )


def statistics(mixer: Mixer, recipe: Recipe) -> tuple[Float32, Float32]:
    """Mean and standard deviation of each band over mixtures, `(mel,)` both."""
    crops = Crops(mixer, recipe.features, (NORM, recipe.loop.seed), list(range(128)))
    features = np.concatenate([crops[n][0] for n in range(len(crops))])
    return features.mean(0), features.std(0)


def dev_mixtures(recipe: Recipe, held_out: Corpus, snr: float = DEV_SNR) -> tuple[Tensor, Float32]:
    """The same mixtures of the dev side of a corpus in every run: features and targets.

    `snr` is that of speech over noise in dB; at minus infinity there is noise alone, and no babble,
    of which a listener might say either. Of noise alone there is four times as much: false alarms
    in it are rare.
    """
    noise_only = math.isinf(snr)
    settings = replace(recipe.mixture, conversation=0.0, scene_change=0.0, no_speech=float(noise_only))
    settings = replace(settings, babble=0.0) if noise_only else replace(settings, snr_low=snr, snr_high=snr)
    mixer = Mixer(held_out, settings)
    crops = Crops(mixer, recipe.features, (DEV, 0), list(range(recipe.loop.dev_crops * (4 if noise_only else 1))))
    features, targets = zip(*(crops[n] for n in range(len(crops))), strict=True)
    return torch.from_numpy(np.stack(features)), np.stack(targets)


def _one_thread(_: int) -> None:
    """Workers share the cores already; threads of the linear algebra would fight over them."""
    threadpool_limits(1)
