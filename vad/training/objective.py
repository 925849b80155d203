"""The loss of a batch: each frame with as much sound around it as detection will have."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vad.network.causal import AnyNetwork, CausalNetwork
from vad.training.distributed import World
from vad.training.seeds import Draw
from vad.training.settings import LoopSettings

SHORT_WINDOW = (60, 300)  # frames, of the windows that end early
TAIL = 40  # frames at their end


class WindowLoss:
    """The loss of a bidirectional network: on whole crops, and on windows that end early."""

    def __init__(self, loop: LoopSettings) -> None:
        self._loop = loop

    def __call__(self, network: nn.Module, features: Tensor, target: Tensor, weight: Tensor, step: int) -> Tensor:
        """The loss in nats per frame of crops `(crop, frame, mel)` with targets and weights `(crop, frame)`."""
        features, target, weight = windows(features, target, weight, step, self._loop)
        return weighted_loss(network(features), target, weight)

    def reset(self) -> None:
        """There is no state from step to step."""


class CausalLoss:
    """The loss of a causal network: some crops start from the state that other crops have left.

    So the network is trained on long sound and on sudden changes of scene. The loss is the mean over
    the delays, each of which counts `(delay + 1) ** -0.5`: the shorter, the harder it is.
    """

    def __init__(self, loop: LoopSettings, world: World, network: CausalNetwork) -> None:
        self._loop, self._part = loop, world.part(loop.batch)
        self._stride = network.settings.stride
        self._fresh = network.begin(len(self._part))
        self._state = self._fresh
        self._weight = torch.arange(1.0, network.settings.delays + 1, device=world.device) ** -0.5

    def __call__(self, network: nn.Module, features: Tensor, target: Tensor, weight: Tensor, step: int) -> Tensor:
        """The loss in nats per frame of crops `(crop, frame, mel)` with targets and weights `(crop, frame)`."""
        rng = np.random.default_rng((Draw.CARRY, self._loop.seed, step))
        carries = (rng.random(self._loop.batch) < self._loop.carry)[self._part]
        state = torch.where(torch.from_numpy(carries).to(self._state.device)[:, None], self._state, self._fresh)
        frames = features.shape[1] // self._stride * self._stride
        logits, state = network(features[:, :frames], state)
        self._state = state.detach().float()
        delay = torch.arange(len(self._weight), device=target.device) * self._stride
        scored = torch.arange(frames, device=target.device)[:, None] - delay  # (frame, delay): the frame that is scored
        inside, scored = scored >= 0, scored.clamp(min=0)
        return weighted_loss(logits, target[:, scored], weight[:, scored] * self._weight * inside)

    def reset(self) -> None:
        """Start all crops of the next step afresh, so that a run that was killed can go on to the same weights."""
        self._state = self._fresh


def loss_of(network: AnyNetwork, loop: LoopSettings, world: World) -> WindowLoss | CausalLoss:
    """The loss for a network of this kind."""
    return CausalLoss(loop, world, network) if isinstance(network, CausalNetwork) else WindowLoss(loop)


def windows(
    features: Tensor, target: Tensor, weight: Tensor, step: int, loop: LoopSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Features `(window, frame, mel)`, targets and weights `(window, frame)` of a step.

    Most steps take the crops as they are. The others cut them in windows of 0.6 to 3 s, as a
    stream of low latency is: its newest frames have no sound after them, so these weigh more.
    """
    rng = np.random.default_rng((Draw.SHORT, loop.seed, step))
    if rng.random() >= loop.short:
        return features, target, weight
    length = min(int(rng.integers(*SHORT_WINDOW)), target.shape[1])
    count = target.shape[1] // length
    features, target, weight = (
        part[:, : count * length].reshape(-1, length, *part.shape[2:]) for part in (features, target, weight)
    )
    tail = torch.ones(length, device=weight.device)
    tail[-TAIL:] = loop.short_tail
    return features, target, weight * tail


def weighted_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean of the binary cross-entropy, in nats; all of the same shape."""
    losses = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (losses * weight).sum() / weight.sum()
