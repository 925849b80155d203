"""The crops of a step as sequences of other lengths, with long digital silence and with masks."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from vad.features import LogMel
from vad.training.seeds import Draw
from vad.training.settings import LoopSettings

BANDS, MOMENTS = 12, 20  # the widest mask, of bands and of frames
MULTIPLE = 4  # frames, of which a sequence is a multiple

Step = tuple[Tensor, Tensor, Tensor]  # features (sequence, frame, mel), targets and weights (sequence, frame)


def sequences(step_of: Step, step: int, features: LogMel, loop: LoopSettings) -> Step:
    """The crops `step_of` one after another, cut anew where the recipe asks for it, and some of them changed.

    The length is drawn for each step: short ones for the sake of variety, long ones for what detection
    sees, windows of more than a minute. They begin and change scene anywhere.
    """
    rng = np.random.default_rng((Draw.SEQUENCES, loop.seed, step))
    if loop.longest:
        step_of = _cut(step_of, rng, features, loop)
    x, target, weight = (part.clone() for part in step_of)
    if loop.equaliser:
        x = _equalised(x, rng, loop.equaliser, features.floor)
    for row in range(len(x)):
        if rng.random() < loop.masks:
            _mask(x[row], rng)
        if rng.random() < loop.silence:
            first, end = _stretch(x.shape[1], rng)
            x[row, first:end] = math.log(features.floor)
            target[row, first:end] = 0
            weight[row, first:end] = 1
    return x, target, weight


def _cut(step_of: Step, rng: np.random.Generator, features: LogMel, loop: LoopSettings) -> Step:
    """Sequences of equal length, begun anywhere in the ring of all crops; what is left over is dropped."""
    frames = step_of[1].numel()
    seconds = math.exp(rng.uniform(math.log(loop.shortest), math.log(loop.longest)))
    length = min(features.grid.to_frames(seconds), frames) // MULTIPLE * MULTIPLE
    count, turn = frames // length, int(rng.integers(frames))
    x, target, weight = (
        part.flatten(0, 1).roll(turn, 0)[: count * length].reshape(count, length, *part.shape[2:]) for part in step_of
    )
    return x, target, weight


def _equalised(x: Tensor, rng: np.random.Generator, decibels: float, floor: float) -> Tensor:
    """Log energies `(sequence, frame, mel)`, each sequence at another level and through a smooth filter of its own.

    The floor stays.
    """
    sequence, _, mel = x.shape
    knots = rng.uniform(-0.5, 0.5, (sequence, 4)) + rng.uniform(-0.5, 0.5, (sequence, 1))
    curves = [np.interp(np.linspace(0, 3, mel), np.arange(4), each) for each in knots]
    gains = np.exp(np.array(curves, np.float32) * decibels * np.float32(math.log(10) / 10))
    return ((x.exp() - floor).clamp(min=0) * torch.from_numpy(gains).to(x.device)[:, None] + floor).log()


def _stretch(frames: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where a stretch of silence begins and ends: at the start, at the end or between, up to nine tenths."""
    length = int(rng.uniform(0.1, 0.9) * frames)
    places = [0, frames - length, int(rng.integers(frames - length + 1))]
    first = places[rng.integers(3)]
    return first, first + length


def _mask(x: Tensor, rng: np.random.Generator) -> None:
    """Give some bands, and some moments, the mean of the sequence `(frame, mel)`, in place.

    That is SpecAugment (Park et al. 2019) without its warping of time.
    """
    mean = x.mean()
    for _ in range(2):
        width = int(rng.integers(min(BANDS, x.shape[1]) + 1))
        first = int(rng.integers(x.shape[1] - width + 1))
        x[:, first : first + width] = mean
    for _ in range(max(1, x.shape[0] // 800)):
        width = int(rng.integers(min(MOMENTS, x.shape[0]) + 1))
        first = int(rng.integers(x.shape[0] - width + 1))
        x[first : first + width] = mean
