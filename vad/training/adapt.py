"""A model that learns from somebody's own recordings, and forgets as little as it can.

It trains once for each fold of the recordings, on all others: so each recording is left out once, and is measured by
a model that was not trained on it. The weights to keep are the mean of these trainings (Wortsman et al. 2022, "Model
soups"), blended with those of the base model. Half of the sound in training is the recordings as they are, the other
half mixtures of the general sound, whose targets are the scores of the base model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from vad.errors import RecipeError
from vad.model.pretrained import Description, find
from vad.network.causal import AnyNetwork, build
from vad.network.to_onnx import from_onnx
from vad.training.checkpoint import read_checkpoint, read_kept, read_model
from vad.training.corpus import Clip, Corpus, read_corpus
from vad.training.dataset import CACHE
from vad.training.general_sound import general_clips
from vad.training.loop import Progress, train
from vad.training.recipe import Recipe

FOLDS = 3

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Adaptation:
    """What `model` is adapted with: the user's `own` sound, with the fold of each clip, and general sound."""

    recipe: Recipe
    output: Path
    model: str | Path
    network: AnyNetwork  # of `model`
    about: Description  # of `model`
    own: list[Clip]
    folds: list[int]  # of each of `own`
    backgrounds: Corpus  # the user's noise
    general: list[Clip]

    @classmethod
    def read(cls, recipe: Recipe, corpus: Path, output: Path, model: str | Path) -> Adaptation:
        """Decode the recordings of `corpus`; `RecipeError` where they are too few to leave one out."""
        torch.set_num_threads(recipe.loop.threads)
        network = read_model(model, recipe.features).eval()
        sound = read_corpus(corpus, "train", recipe.features.grid, recipe.corpus, output / CACHE)
        own = [replace(clip, real=True) for clip in sound.speech]
        about = from_onnx(find(model))[1]
        folds = divide(own)
        return cls(recipe, output, model, network, about, own, folds, sound, general_clips(network, recipe.features))

    @property
    def count(self) -> int:
        """The number of folds."""
        return max(self.folds) + 1

    @property
    def recordings(self) -> int:
        """The number of files that `own` sound comes from."""
        return len({clip.file for clip in self.own})

    def corpora(self, fold: int) -> tuple[Corpus, Corpus]:
        """To train on all but `fold`, and that fold."""
        left_out = [clip for clip, of in zip(self.own, self.folds, strict=True) if of == fold]
        others = [clip for clip, of in zip(self.own, self.folds, strict=True) if of != fold]
        talkers = [clip for clip in others if clip.target.any()]
        return (
            replace(self.backgrounds, speech=self.general + talkers, real=others),
            replace(self.backgrounds, speech=left_out, real=left_out),
        )

    def place(self, fold: int) -> Path:
        """Where the training of a fold has its checkpoint."""
        return self.output / "folds" / str(fold + 1)

    def train(self, resume: bool) -> Iterator[Progress]:
        """Train every fold; steps are counted over all of them."""
        for fold in range(self.count):
            for p in train(self.recipe, self.corpora(fold), self.place(fold), self.model, resume):
                yield replace(p, step=fold * p.steps + p.step, steps=self.count * p.steps)

    def trained(self) -> list[Weights]:
        """The weights that each fold has learned."""
        return [read_kept(self.place(fold) / "checkpoint.pt", self.recipe).state_dict() for fold in range(self.count)]

    def history(self) -> list[dict[str, float]]:
        """The progress of all folds, their mean at each evaluation."""
        each = [read_checkpoint(self.place(fold) / "checkpoint.pt")["history"] for fold in range(self.count)]
        return [
            {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} for rows in zip(*each, strict=False)
        ]

    def blended(self, weights: list[Weights], share: float) -> AnyNetwork:
        """The base model, moved by `share` towards the mean of `weights`."""
        network = build(self.recipe.features.n_mels, self.recipe.network)
        base = self.network.state_dict()
        mean = {name: torch.stack([each[name] for each in weights]).mean(0) for name in base}
        network.load_state_dict({name: value.lerp(mean[name], share) for name, value in base.items()})
        return network.eval()


def divide(clips: list[Clip]) -> list[int]:
    """The fold of each clip, folds of like much speech.

    The parts of a recording stay together, and its speaker where there are several.
    """
    several = len({clip.speaker for clip in clips}) > 1
    units = [clip.speaker if several else clip.file for clip in clips]
    speech: dict[str, float] = dict.fromkeys(units, 0.0)
    for unit, clip in zip(units, clips, strict=True):
        speech[unit] += float(clip.target.sum())
    count = min(FOLDS, sum(map(bool, speech.values())))
    if count < 2:
        raise RecipeError("speech in one recording alone: none can be left out to measure by; give at least two")
    held, fold = [0.0] * count, {}
    for unit in sorted(speech, key=lambda unit: (-speech[unit], unit)):
        fold[unit] = held.index(min(held))
        held[fold[unit]] += speech[unit] or 1e-3
    return [fold[unit] for unit in units]
