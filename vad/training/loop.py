"""The training loop: mixtures in, averaged weights out; a kill at any instant loses minutes."""

from __future__ import annotations

import copy
import math
import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from vad.errors import RecipeError
from vad.evaluation import roc_auc
from vad.features import Float32, LogMel
from vad.network.model import Network
from vad.output import replacing
from vad.training.corpus import read_corpus
from vad.training.mixing import Mixer
from vad.training.recipe import LoopSettings, Recipe

TRAIN, DEV, NORM = 0, 1, 2  # what a crop is drawn for: the first number of its seed
DEV_SNR = 10.0  # dB


@dataclass(frozen=True)
class Progress:
    """Where training stands, given after every evaluation."""

    step: int
    steps: int
    loss: float  # mean since the evaluation before, in nats per frame
    dev_auc: float  # of the averaged weights on dev mixtures at 10 dB
    steps_per_second: float


class Crops(Dataset[tuple[Float32, Float32]]):
    """Features `(frame, mel)` and target `(frame,)` of the crop drawn from `(purpose, seed, index)`."""

    def __init__(self, mixer: Mixer, features: LogMel, seed: tuple[int, ...], indices: range) -> None:
        self._mixer, self._features, self._seed, self._indices = mixer, features, seed, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, at: int) -> tuple[Float32, Float32]:
        samples, target = self._mixer((*self._seed, self._indices[at]))
        return self._features(samples), target


def train(recipe: Recipe, corpus: Path, output: Path, init_from: Path | None = None) -> Iterator[Progress]:
    """Train into `output`, going on from its checkpoint where there is one.

    `init_from` is a checkpoint whose averaged weights a fresh start begins with. Afterwards
    `checkpoint.pt` in `output` holds the averaged weights (`read_averaged`). Raises `RecipeError`
    where a checkpoint belongs to another recipe or network, or the loss is no number.
    """
    loop = recipe.loop
    torch.set_num_threads(loop.threads)
    torch.manual_seed(loop.seed)
    output.mkdir(parents=True, exist_ok=True)
    mixer = Mixer(read_corpus(corpus, "train", recipe.features.grid, recipe.corpus), recipe.mixture)
    dev_x, dev_y = dev_mixtures(recipe, corpus)

    network = Network(recipe.features.n_mels, recipe.network)
    if init_from:
        network.load_state_dict(read_averaged(init_from, recipe).state_dict())
    else:
        normalise(network, Crops(mixer, recipe.features, (NORM, loop.seed), range(128)))
    averaged = copy.deepcopy(network).requires_grad_(False)
    optimiser = torch.optim.AdamW(network.parameters(), loop.learning_rate, weight_decay=loop.weight_decay)
    checkpoint = Checkpoint(output / "checkpoint.pt", recipe, network, averaged, optimiser)
    first = checkpoint.load()

    crops = Crops(mixer, recipe.features, (TRAIN, loop.seed), range(first * loop.batch, loop.steps * loop.batch))
    batches = DataLoader(crops, loop.batch, num_workers=loop.workers, prefetch_factor=8 if loop.workers else None)
    losses, since = [], time.monotonic()
    for step, (features, target) in enumerate(batches, first + 1):
        optimiser.param_groups[0]["lr"] = learning_rate(step, loop)
        loss = F.binary_cross_entropy_with_logits(network(features), target)
        if not torch.isfinite(loss):
            raise RecipeError(f"the loss at step {step} is {loss.item()}; lower learning_rate and run again")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), loop.clip)
        optimiser.step()
        blend(averaged, network, min(loop.average, step / (step + 10)))
        losses.append(loss.item())
        if step % loop.evaluate_every == 0 or step == loop.steps:
            checkpoint.save(step)
            speed = len(losses) / (time.monotonic() - since)
            auc = roc_auc(dev_y > 0.5, logits(averaged, dev_x))
            yield Progress(step, loop.steps, float(np.mean(losses)), auc, speed)
            losses, since = [], time.monotonic()


def dev_mixtures(recipe: Recipe, corpus: Path) -> tuple[Tensor, Float32]:
    """The same mixtures of dev speakers in dev noise at 10 dB in every run: features and targets."""
    settings = replace(recipe.mixture, snr_low=DEV_SNR, snr_high=DEV_SNR, no_speech=0.0)
    mixer = Mixer(read_corpus(corpus, "dev", recipe.features.grid, recipe.corpus), settings)
    crops = Crops(mixer, recipe.features, (DEV, 0), range(recipe.loop.dev_crops))
    features, targets = zip(*(crops[n] for n in range(len(crops))), strict=True)
    return torch.from_numpy(np.stack(features)), np.stack(targets)


def normalise(network: Network, crops: Crops) -> None:
    """Set the mean and scale of each band to those of `crops`."""
    features = np.concatenate([crops[n][0] for n in range(len(crops))])
    network.mean.copy_(torch.from_numpy(features.mean(0)))
    network.scale.copy_(torch.from_numpy(1 / features.std(0)))


def learning_rate(step: int, loop: LoopSettings) -> float:
    """Linear warm-up, then a cosine to zero (Loshchilov & Hutter 2017)."""
    if step <= loop.warmup:
        return loop.learning_rate * step / loop.warmup
    done = (step - loop.warmup) / max(1, loop.steps - loop.warmup)
    return loop.learning_rate * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def blend(averaged: Network, network: Network, decay: float) -> None:
    """Move the averaged weights towards the trained ones (Polyak & Juditsky 1992)."""
    for kept, new in zip(averaged.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)


@torch.no_grad()
def logits(network: Network, features: Tensor) -> NDArray[np.float32]:
    """Logits of `(crop, frame, mel)` features, `(crop, frame)`."""
    return torch.cat([network(part) for part in torch.split(features, 64)]).numpy()


@dataclass(frozen=True)
class Checkpoint:
    """All that training needs to go on, in one file that is replaced in one stroke."""

    path: Path
    recipe: Recipe
    network: Network
    averaged: Network
    optimiser: torch.optim.Optimizer

    def save(self, step: int) -> None:
        """Replace the file in one stroke: whole at any instant, a loss of power included."""
        state = {
            "step": step,
            "recipe": asdict(self.recipe),
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        with replacing(self.path) as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())

    def load(self) -> int:
        """Restore the state of an earlier run; the step it had done, 0 where there is none."""
        if not self.path.exists():
            return 0
        state = read_checkpoint(self.path)
        if state["recipe"] != asdict(self.recipe):
            raise RecipeError(f"{self.path}: made with other settings; train into a fresh folder")
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        return int(state["step"])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's contents: tensors and plain values only, never code."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        return state
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
        raise RecipeError(f"{path}: not a whole checkpoint; remove it to train afresh") from error


def read_averaged(path: Path, recipe: Recipe) -> Network:
    """The averaged network of a checkpoint, ready to be exported; `RecipeError` where it is another."""
    network = Network(recipe.features.n_mels, recipe.network)
    try:
        network.load_state_dict(read_checkpoint(path)["averaged"])
    except (RuntimeError, KeyError) as error:
        raise RecipeError(f"{path}: a checkpoint of another network; use its own features and network") from error
    return network.eval()
