"""The network: log-mel frames -> strided convolution -> bidirectional LSTM -> a score per frame.

The LSTM is that of Hochreiter & Schmidhuber (1997) with the forget gate of Gers, Schmidhuber &
Cummins (2000), run over the sound in both directions (Schuster & Paliwal 1997). Per step, with
the previous output `h` and cell `c`:

    i, f, o = sigmoid(W x + U h + b)    input, forget and output gate
    g       = tanh(W x + U h + b)       candidate
    c       = f * c + i * g             cell
    h       = o * tanh(c)               output

A test holds torch's cell to these equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 2
KERNEL = 6


@dataclass(frozen=True)
class NetworkSettings:
    """The size of the network: what a recipe's `[network]` table holds."""

    channels: int = 64  # outputs of the convolution, inputs of the LSTM
    hidden: int = 64  # cells of the LSTM, in each direction
    layers: int = 2  # LSTM layers, one on top of the other
    delays: int = 0  # 0: both directions. Else the past alone; each step of 20 ms scores so many steps, itself the last


class Network(nn.Module):
    """`(batch, frame, mel)` log-mel energies to `(batch, frame)` speech logits.

    The convolution covers six frames and moves two at a time, so that the LSTM takes 50 steps per
    second of sound: `ceil(frame / 2)` steps. The last layer gives two frames per step, of which
    an odd frame count drops one. `mean` and `scale` of each band are part of the model.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_mels: int, settings: NetworkSettings = NetworkSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("scale", torch.ones(n_mels))
        self.conv = nn.Conv1d(n_mels, settings.channels, KERNEL, stride=STRIDE)
        self.lstm = nn.LSTM(
            settings.channels,
            settings.hidden,
            settings.layers,
            batch_first=True,
            bidirectional=True,
        )
        self.head = nn.Linear(2 * settings.hidden, STRIDE)
        open_forget_gates(self.lstm)

    def forward(self, features: Tensor) -> Tensor:
        """Logits `(batch, frame)`; their sigmoid is the probability of speech."""
        x = (features - self.mean) * self.scale
        x = F.pad(x.transpose(1, 2), (KERNEL // 2 - 1, KERNEL // 2))
        x = F.relu(self.conv(x)).transpose(1, 2)
        x, _ = self.lstm(x)
        logits: Tensor = self.head(x).flatten(1)
        return logits[:, : features.shape[1]]

    def whole(self, features: Tensor) -> Tensor:
        """Logits `(batch, frame)` of recordings from begin to end."""
        logits: Tensor = self(features)
        return logits


def open_forget_gates(lstm: nn.LSTM) -> None:
    """Begin with remembering: forget bias 1, as Gers et al. (2000) advise."""
    for name, bias in lstm.named_parameters():
        if name.startswith("bias_ih"):
            bias.data[lstm.hidden_size : 2 * lstm.hidden_size] = 1.0
