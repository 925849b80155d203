"""A weights file run by torch on another device: `vad detect --device cuda`. Needs the `[train]` extra."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch

from vad.errors import SettingError
from vad.features import Float32
from vad.model import session
from vad.network.export import from_onnx


class DeviceNetwork(session.Network):
    """The function of `vad.model.session.Network`, worked out by torch on `device`, in single precision.

    Its scores differ from ONNX Runtime's by rounding, and a little with the size of the batch.
    Raises `SettingError` where torch cannot use the device.
    """

    batch = most = 64  # a GPU is as fast with many windows as with few

    def __init__(self, path: Path, device: str) -> None:
        super().__init__(path)
        with _explained(device):
            self._device = torch.device(device)
            self._network = from_onnx(path)[0].to(self._device)

    def _compute(self, names: list[str], given: dict[str, Float32]) -> list[Float32]:
        with (
            _explained(self._device),
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        ):
            found = self._network(*(torch.from_numpy(value).to(self._device) for value in given.values()))
            logits, *state = found if isinstance(found, tuple) else (found,)
            return [value.cpu().numpy() for value in (torch.sigmoid(logits), *state)]


@contextlib.contextmanager
def _explained(device: object) -> Iterator[None]:
    """Turn what torch says of a device that it cannot use, or that has too little memory, into one line."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise SettingError(f"device {device}: torch cannot use it here ({reason}); give cpu or another") from error
