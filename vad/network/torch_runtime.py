"""A weights file run by torch on another device: `vad detect --device cuda`. Needs the `[train]` extra."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import torch

from vad.errors import SettingError
from vad.features import Float32
from vad.model.runtime import BidirectionalModel, CausalModel, Model, read_weights
from vad.network.causal import AnyNetwork, CausalNetwork
from vad.network.to_onnx import from_onnx


class TorchRuntime:
    """A `vad.model.runtime.Runtime`: torch on `device`, in single precision.

    Its scores differ from those of ONNX Runtime by rounding, and a little with the size of the
    batch. Raises `SettingError` where torch cannot use the device, or its memory is too small.
    """

    batch = max_in_flight = 64  # a GPU is as fast with many windows as with few

    def __init__(self, network: AnyNetwork, device: str) -> None:
        with _explained(device):
            self._device = torch.device(device)
            self._network = network.to(self._device)

    def __call__(self, outputs: list[str], inputs: dict[str, Float32]) -> list[Float32]:
        """See `vad.model.runtime.Runtime`; both stand in the order of the weights file."""
        with (
            _explained(self._device),
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        ):
            computed = self._network(*(torch.from_numpy(value).to(self._device) for value in inputs.values()))
            logits, *state = computed if isinstance(computed, tuple) else (computed,)
            return [value.cpu().numpy() for value in (torch.sigmoid(logits), *state)]


def open_on_device(path: Path, device: str) -> Model:
    """The network of a weights file, run by torch on a device like "cuda" or "cuda:1".

    Raises `ModelError` where the file holds no network of `vad.network`, `SettingError` where torch
    cannot use the device.
    """
    content = read_weights(path)
    network, description = from_onnx(path, content)
    runtime, digest = TorchRuntime(network, device), hashlib.sha256(content).hexdigest()
    if isinstance(network, CausalNetwork):
        return CausalModel(runtime, description, digest, network.settings.delays, network.begin(1).shape[1])
    return BidirectionalModel(runtime, description, digest)


@contextlib.contextmanager
def _explained(device: object) -> Iterator[None]:
    """Turn torch's error about a device that it cannot use into one line."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        message = f"device {device}: torch cannot use it here ({reason}); give cpu or another"
        raise SettingError(message, "device") from error
