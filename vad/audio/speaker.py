"""Sound to an output device, through PortAudio (the `[mic]` extra)."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vad.audio import portaudio
from vad.audio.resample import Conformer, to_float
from vad.errors import AudioError
from vad.features import Float32


class Speaker:
    """An open output device that plays what is written to it, until it is closed.

    `device` is an index, a part of a name, or None for the default device. More channels than the
    device plays are mixed, and a `rate` that it does not support is resampled to its own. Raises
    `AudioError` for a device that does not exist, is busy, or is disconnected.
    """

    def __init__(self, rate: int, channels: int, device: str | int | None = None) -> None:
        self._sound = portaudio.load("speaker")
        try:
            about = self._sound.query_devices(device, "output")
        except (ValueError, self._sound.PortAudioError) as error:
            which = "no default output device" if device is None else f"{device}: no such output device"
            raise AudioError(f"speaker: {which}; python -m sounddevice lists the devices") from error
        self.name = str(about["name"])
        played = channels if channels <= min(2, int(about["max_output_channels"])) else 1
        own = rate
        try:
            self._sound.check_output_settings(device, played, "float32", samplerate=rate)
        except (ValueError, self._sound.PortAudioError):
            own = round(about["default_samplerate"])
        self._conformer = Conformer((rate, channels), (own, played))
        try:
            self._stream = self._sound.OutputStream(device=device, samplerate=own, channels=played, dtype="float32")
            self._stream.start()
        except (ValueError, self._sound.PortAudioError) as error:
            raise AudioError(
                f"{self.name}: cannot be opened ({portaudio.why(error)}); another program may be using it"
            ) from error

    def __enter__(self) -> Speaker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._play(self._conformer.finish())
                self._stream.stop()  # when everything has been played
        finally:
            self._stream.close()

    def write(self, samples: NDArray[Any]) -> None:
        """Play samples `(sample, channel)` of any depth; returns when the device has room for more."""
        self._play(self._conformer.push(to_float(samples)))

    def _play(self, samples: Float32) -> None:
        try:
            self._stream.write(np.ascontiguousarray(np.nan_to_num(samples).clip(-1, 1)))
        except self._sound.PortAudioError as error:
            raise AudioError(f"{self.name}: the device is gone ({portaudio.why(error)})") from error
