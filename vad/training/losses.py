"""What a step teaches: the loss of a batch, each frame with as much sound around it as detection will have."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vad.network.causal import AnyNetwork, CausalNetwork
from vad.training.distributed import Team
from vad.training.recipe import LoopSettings

SHORT, CARRY = 3, 4  # what is drawn: the first number of its seed
SHORT_WINDOW = (60, 300)  # frames, of the windows that end early
TAIL = 40  # frames at their end


class Windows:
    """For a network of both directions: whole crops, and windows that end early."""

    def __init__(self, loop: LoopSettings) -> None:
        self._loop = loop

    def __call__(self, network: nn.Module, features: Tensor, target: Tensor, weight: Tensor, step: int) -> Tensor:
        """The loss in nats per frame of crops `(crop, frame, mel)` with targets and weights `(crop, frame)`."""
        features, target, weight = windows(features, target, weight, step, self._loop)
        return weighted_loss(network(features), target, weight)

    def forget(self) -> None:
        """Nothing is kept from step to step."""


class Carried:
    """For a causal network: crops that go on from the state in which other crops have left it.

    So it meets sound that has been going on for long, and sudden changes of scene. The loss is the
    mean over the delays, each of which counts `(delay + 1) ** -0.5`: the sooner, the harder it is.
    """

    def __init__(self, loop: LoopSettings, team: Team, network: CausalNetwork) -> None:
        self._loop, self._team = loop, team
        self._stride = network.settings.stride
        self._fresh = network.begin(loop.batch // team.size)
        self._state = self._fresh
        self._weight = torch.arange(1.0, network.settings.delays + 1, device=team.device) ** -0.5

    def __call__(self, network: nn.Module, features: Tensor, target: Tensor, weight: Tensor, step: int) -> Tensor:
        """The loss in nats per frame of crops `(crop, frame, mel)` with targets and weights `(crop, frame)`."""
        rng = np.random.default_rng((CARRY, self._loop.seed, step))
        goes_on = rng.random(self._loop.batch)[self._team.rank :: self._team.size] < self._loop.carry
        state = torch.where(torch.from_numpy(goes_on).to(self._state.device)[:, None], self._state, self._fresh)
        even = features.shape[1] // self._stride * self._stride
        logits, state = network(features[:, :even], state)
        self._state = state.detach().float()
        delays, heard = len(self._weight), target[:, :even]
        late = torch.arange(delays, device=target.device) * self._stride
        frame = torch.arange(even, device=target.device)[:, None] - late  # (frame, delay): which one is scored
        scored = frame.clamp(min=0)
        return weighted_loss(logits, heard[:, scored], weight[:, scored] * self._weight * (frame >= 0))

    def forget(self) -> None:
        """Begin all crops of the next step afresh, so that a run that was killed can go on to the same weights."""
        self._state = self._fresh


def lessons(network: AnyNetwork, loop: LoopSettings, team: Team) -> Windows | Carried:
    """The lessons for a network of this kind."""
    return Carried(loop, team, network) if isinstance(network, CausalNetwork) else Windows(loop)


def windows(
    features: Tensor, target: Tensor, weight: Tensor, step: int, loop: LoopSettings
) -> tuple[Tensor, Tensor, Tensor]:
    """Features `(window, frame, mel)`, targets and weights `(window, frame)` of a step.

    Most steps take the crops as they are. The others cut them in windows of 0.6 to 3 s, as a
    stream of low latency is: its newest frames have no sound after them, so these weigh more.
    """
    rng = np.random.default_rng((SHORT, loop.seed, step))
    if rng.random() >= loop.short:
        return features, target, weight
    length = min(int(rng.integers(*SHORT_WINDOW)), target.shape[1])
    count = target.shape[1] // length
    parts = [x[:, : count * length].reshape(-1, length, *x.shape[2:]) for x in (features, target, weight)]
    parts[2] = parts[2].clone()
    parts[2][:, -TAIL:] *= loop.short_tail
    return parts[0], parts[1], parts[2]


def weighted_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy in nats per frame, of `(window, ...)` frames that count as `weight` of that shape says."""
    losses = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (losses * weight).sum() / weight.sum()
