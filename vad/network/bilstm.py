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

from typing import Annotated

import torch
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional as F

Size = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Frames = Annotated[int, Field(strict=True, ge=1, le=100)]
Steps = Annotated[int, Field(strict=True, ge=0, le=1000)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class NetworkSettings:
    """The size of the network: what a recipe's `[network]` table holds."""

    channels: Size = 64  # outputs of the convolution, inputs of the LSTM
    hidden: Size = 64  # cells of the LSTM, in each direction
    layers: Size = 2  # LSTM layers, one on top of the other
    delays: Steps = 0  # 0: both directions. Else the past alone; each step scores so many steps, itself the last
    stride: Frames = 2  # of a step of the LSTM
    kernel: Frames = 6  # that the convolution of a step covers, at least `stride`

    def __post_init__(self) -> None:
        if self.kernel < self.stride:
            raise ValueError(f"kernel = {self.kernel}: must be at least stride = {self.stride}")

    @property
    def pads(self) -> tuple[int, int]:
        """Frames of zeros before and after a window, so that it has `ceil(frame / stride)` steps, each in the middle
        of what its convolution covers.
        """
        before = (self.kernel - self.stride) // 2
        return before, self.kernel - 1 - before

    @property
    def history(self) -> int:
        """Frames before a step that the convolution of a causal network covers."""
        return self.kernel - self.stride


DEFAULT = NetworkSettings()


class Network(nn.Module):
    """`(batch, frame, mel)` log-mel energies to `(batch, frame)` speech logits.

    The convolution covers `kernel` frames and moves `stride` at a time, so that the LSTM takes
    `ceil(frame / stride)` steps. The last layer gives `stride` frames per step, of which the last
    step drops those beyond the end. `mean` and `scale` of each band are part of the model.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_mels: int, settings: NetworkSettings = DEFAULT) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("mean", torch.zeros(n_mels))
        self.register_buffer("scale", torch.ones(n_mels))
        self.conv = nn.Conv1d(n_mels, settings.channels, settings.kernel, stride=settings.stride)
        self.lstm = nn.LSTM(
            settings.channels,
            settings.hidden,
            settings.layers,
            batch_first=True,
            bidirectional=True,
        )
        self.head = nn.Linear(2 * settings.hidden, settings.stride)
        open_forget_gates(self.lstm)

    def forward(self, features: Tensor) -> Tensor:
        """Logits `(batch, frame)`; their sigmoid is the probability of speech."""
        x = (features - self.mean) * self.scale
        x = F.pad(x.transpose(1, 2), self.settings.pads)
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
