"""The network of streams: the past alone, kept in a state, and second thoughts about the last steps.

Where a score may not wait for the sound that follows, the way back through the sound is worth
little and costs the whole window at every block. This network goes one way and hands its state on,
so that a block costs its own steps however long the past is. What little may follow still counts:
each step scores the last `delays` steps anew, and a stream listens to the oldest of these that its
latency allows.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vad.network.bilstm import Network, NetworkSettings, open_forget_gates


class CausalNetwork(nn.Module):
    """`(batch, frame, mel)` log-mel energies, whole steps of frames, to `(batch, frame, delay)` speech logits.

    With `stride = 2` the logit `[:, 2 k + i, d]` is that of frame `2 (k - d) + i`, given at step `k`. The state
    `(batch, state)` holds the last frames, normalised, then output and cell of every layer; zeros
    stand for a beginning.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_mels: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("scale", torch.ones(n_mels))
        self.conv = nn.Conv1d(n_mels, settings.channels, settings.kernel, stride=settings.stride)
        self.lstm = nn.LSTM(settings.channels, settings.hidden, settings.layers, batch_first=True)
        self.head = nn.Linear(settings.hidden, settings.stride * settings.delays)
        open_forget_gates(self.lstm)

    def begin(self, batch: int) -> Tensor:
        """The state before any sound, `(batch, state)`."""
        size = self.settings.history * len(self.mean) + 2 * self.settings.layers * self.settings.hidden
        return self.mean.new_zeros(batch, size)

    def forward(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(batch, frame, delay)` and the state after them."""
        batch, n_mels, frames = len(features), len(self.mean), self.settings.history
        layers, hidden = self.settings.layers, self.settings.hidden
        history, memory = state[:, : frames * n_mels], state[:, frames * n_mels :]
        x = torch.cat([history.view(batch, frames, n_mels), (features - self.mean) * self.scale], 1)
        history = x[:, x.shape[1] - frames :]
        x = F.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        output, cell = memory.view(batch, 2, layers, hidden).permute(1, 2, 0, 3).contiguous()
        x, (output, cell) = self.lstm(x, (output, cell))
        memory = torch.stack([output, cell]).permute(2, 0, 1, 3)
        logits = self.head(x).view(batch, -1, self.settings.delays, self.settings.stride)
        logits = logits.transpose(2, 3).reshape(batch, -1, self.settings.delays)
        return logits, torch.cat([history.flatten(1), memory.flatten(1)], 1)

    def whole(self, features: Tensor) -> Tensor:
        """Logits `(batch, frame)` of recordings from begin to end, each from the last step that scores it."""
        frames, stride = features.shape[1], self.settings.stride
        even = F.pad(features, (0, 0, 0, -frames % stride), mode="replicate")
        logits, _ = self(even, self.begin(len(features)))
        step = torch.arange(even.shape[1] // stride)
        delay = (len(step) - 1 - step).clamp(max=self.settings.delays - 1)
        by_step = logits.view(len(features), -1, stride, self.settings.delays)
        last: Tensor = by_step[:, step + delay, :, delay].transpose(0, 1).flatten(1)
        return last[:, :frames]


AnyNetwork: TypeAlias = Network | CausalNetwork


def build(n_mels: int, settings: NetworkSettings) -> AnyNetwork:
    """A fresh network of the kind that the settings ask for."""
    return CausalNetwork(n_mels, settings) if settings.delays else Network(n_mels, settings)
