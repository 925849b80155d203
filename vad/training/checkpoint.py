"""What training leaves behind at every evaluation, and networks read back from it."""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vad.atomic import explain, replacing
from vad.errors import ModelError, RecipeError
from vad.features import LogMel
from vad.model import pretrained
from vad.network.causal import AnyNetwork, build
from vad.network.to_onnx import from_onnx
from vad.training.recipe import Recipe


@dataclass(frozen=True)
class Start:
    """What a training begins with."""

    weights: dict[str, torch.Tensor]
    hardness: torch.Tensor | None  # (background,): how far each is taken for speech, where that matters


@dataclass(frozen=True)
class Checkpoint:
    """All that training needs to go on, in one file that is replaced in one stroke."""

    path: Path
    recipe: Recipe
    network: AnyNetwork
    averaged: AnyNetwork
    optimiser: torch.optim.Optimizer
    start: Start

    def save(self, step: int, history: list[dict[str, Any]]) -> None:
        """Replace the file in one stroke: whole at any instant, a loss of power included.

        The weights to keep are the averaged ones, with patience those of the best evaluation, blended
        with those that training began with where the recipe asks for it.
        """
        share, begun = self.recipe.loop.start_share, self.start.weights
        kept = {name: v.lerp(begun[name].to(v.device), share) for name, v in self.averaged.state_dict().items()}
        if self.recipe.loop.patience and stale(history):
            kept = read_checkpoint(self.path)["kept"]
        state = {
            "step": step,
            "recipe": asdict(self.recipe),
            "start": vars(self.start),
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "kept": kept,
            "optimiser": self.optimiser.state_dict(),
            "history": history,
        }
        content = io.BytesIO()
        torch.save(state, content)
        with replacing(self.path) as file, explain(str(self.path)):
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())

    def load(self, earlier: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
        """Restore the state that `read_earlier` found: the steps it had done, and its history.

        A run may go on to another number of steps; where its learning rate had begun to fall, it rises again.
        """
        self.network.load_state_dict(earlier["network"])
        self.averaged.load_state_dict(earlier["averaged"])
        self.optimiser.load_state_dict(earlier["optimiser"])
        return int(earlier["step"]), earlier["history"]


def read_earlier(path: Path, recipe: Recipe) -> dict[str, Any]:
    """The checkpoint of an earlier run; `RecipeError` unless it is of this recipe."""
    state = read_checkpoint(path)
    if "start" not in state:
        raise RecipeError(f"{path}: made by an older version of vad; train into a fresh folder")
    if changed := _changed(state["recipe"], asdict(recipe)):
        raise RecipeError(f"{path}: made with other settings ({changed}); train into a fresh folder")
    return state


def _changed(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What differs between two recipes, but for what may: `loop.steps was 200, mixture.babble was 0.1`."""
    was, are = _settings(before), _settings(now)
    free = {"name", "about", "corpus.cache", "loop.workers", "loop.threads", "loop.steps"}
    names = [name for name in {**was, **are} if name not in free and was.get(name) != are.get(name)]
    return ", ".join(f"{name} was {was.get(name)!r}" for name in names)


def _settings(recipe: dict[str, Any]) -> dict[str, Any]:
    """The settings of a recipe by `table.name`."""
    flat: dict[str, Any] = {}
    for name, value in recipe.items():
        flat |= {f"{name}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's contents: tensors and plain values only, never code."""
    try:
        state: dict[str, Any] = torch.load(path, "cpu", weights_only=True)
        state["kept"]
        return state
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, *_DAMAGE) as error:
        raise RecipeError(f"{path}: not a whole checkpoint of vad train; remove it to train afresh") from error


# What unpickling raises beside the usual, depending on where the damage is.
_DAMAGE = (EOFError, AttributeError, AssertionError, ImportError, MemoryError, OverflowError, pickle.UnpicklingError)


def read_kept(path: Path, recipe: Recipe) -> AnyNetwork:
    """The network of a checkpoint, ready to be exported; `RecipeError` where it is another."""
    network = build(recipe.features.n_mels, recipe.network)
    try:
        network.load_state_dict(read_checkpoint(path)["kept"])
    except RuntimeError as error:
        raise RecipeError(f"{path}: a checkpoint of another network; use its own features and network") from error
    return network.eval()


def read_network(source: str | Path, recipe: Recipe) -> AnyNetwork:
    """The network of a checkpoint or of a model (path or name), which must be of the recipe's size, to be trained."""
    if Path(source).suffix == ".pt":
        return read_kept(Path(source), recipe).train()
    network = read_model(source, recipe.features)
    if network.settings != recipe.network:
        raise ModelError(f"{source}: its network is not that of the recipe; use the same in the recipe")
    return network.train()


def read_model(source: str | Path, features: LogMel) -> AnyNetwork:
    """The network of a model (path or name) that takes these features, perhaps above another floor."""
    network, description = from_onnx(pretrained.find(source))
    if replace(description.features, floor=features.floor) != features:
        raise ModelError(f"{source}: its features are not those of the recipe; use the same in the recipe")
    return network


def stale(history: list[dict[str, Any]]) -> int:
    """How many evaluations ago the dev AUC was best."""
    return len(history) - 1 - int(np.argmax([h["dev_auc"] for h in history])) if history else 0
