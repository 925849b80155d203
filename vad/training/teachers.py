"""Detectors that teach: their opinion on each mixture is blended into its target.

A teacher is a model that hears both past and future, or Silero VAD, whose package must then be installed.
Several have one opinion, the mean of their log odds, which is better than each where they err at different sounds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit

from vad.errors import RecipeError
from vad.evaluation.peers import PEERS, RATE, installed, open_system
from vad.features import Float32, LogMel
from vad.grid import Grid
from vad.model.pretrained import find
from vad.model.runtime import BidirectionalModel, open_model
from vad.network.bilstm import Network
from vad.training.checkpoint import read_model
from vad.training.settings import LoopSettings

SILERO = "silero"
CERTAIN = 1e-5  # as close as the score of a teacher comes to 0 and to 1


class Teachers:
    """The opinion of detectors: models (paths or names) and `SILERO`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._scores = [_opened(name) for name in names]

    def __call__(self, samples: Float32, features: Float32) -> Float32:
        """Scores `(crop, frame)` of crops, given as waveforms `(crop, sample)` and as features `(crop, frame, mel)`."""
        scores = [np.clip(of(samples, features), CERTAIN, 1 - CERTAIN) for of in self._scores]
        opinion: Float32 = expit(logit(scores).mean(0)).astype(np.float32)
        return opinion


def read_teachers(names: tuple[str, ...], features: LogMel) -> list[Network]:
    """The networks among the teachers; `RecipeError` or `ModelError` where one cannot teach with these features."""
    networks = []
    for name in names:
        if name != SILERO:
            network = read_model(name, features)
            if not isinstance(network, Network):
                raise RecipeError(f"loop.teacher = {name!r}: a causal network; name one that hears past and future")
            networks.append(network)
        elif SILERO not in installed():
            raise RecipeError(f"loop.teacher: Silero VAD is not installed; pip install {PEERS[SILERO].package}")
        elif features.grid != Grid(RATE):
            raise RecipeError(
                f"loop.teacher = {name!r}: scores 10 ms of 16 kHz; use the same in the recipe, or no Silero"
            )
    return networks


def distilled(target: Float32, scores: Float32, loop: LoopSettings) -> Float32:
    """Targets blended with the scores of the teachers, `(batch, crop, frame)` both."""
    share = loop.teacher_share * (target >= loop.teacher_from)
    blended: Float32 = (target + share * (scores - target)).astype(np.float32)
    return blended


def _opened(name: str) -> Callable[[Float32, Float32], Float32]:
    """A teacher of waveforms and features."""
    if name == SILERO:
        silero = open_system(SILERO)
        return lambda samples, _: silero.scores(samples)
    model = open_model(find(name))
    assert isinstance(model, BidirectionalModel)  # `read_teachers` has seen to it
    return lambda _, features: model(features)
