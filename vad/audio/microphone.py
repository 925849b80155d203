"""Blocks of samples from an input device, through PortAudio (the `[mic]` extra).

The thread of the device puts blocks into a queue and never waits. A block that finds the queue full
is lost, counted and reported.
"""

from __future__ import annotations

import queue
import warnings
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from vad.audio import portaudio
from vad.audio.resample import AudioWarning, missing_channel
from vad.errors import AudioError
from vad.features import Float32

BLOCK_SECONDS = 0.02
QUEUE_SECONDS = 10.0  # of sound that the queue holds
TIMEOUT = 5.0  # seconds without a block after which the device counts as disconnected


@dataclass(frozen=True)
class Device:
    """An input device."""

    index: int
    name: str
    channels: int
    sample_rate: int  # Hz, its own
    default: bool


def devices() -> list[Device]:
    """All input devices; `AudioError` where PortAudio is missing."""
    sound = portaudio.load("microphone")
    try:
        listed, default = sound.query_devices(), sound.default.device[0]
    except sound.PortAudioError as error:
        raise AudioError(f"microphone: the devices cannot be listed ({portaudio.why(error)})") from error
    return [
        Device(i, str(d["name"]), int(d["max_input_channels"]), round(d["default_samplerate"]), i == default)
        for i, d in enumerate(listed)
        if d["max_input_channels"] > 0
    ]


class Microphone:
    """An open input device, whose sound `read` gives block by block until it is closed.

    `device` is an index, a part of a name, or None for the default device. Where the device does not
    support `rate`, its own sample rate is used. Raises `AudioError` for a device that does not exist,
    is busy, or is disconnected.
    """

    def __init__(self, device: str | int | None = None, rate: int = 16_000, channel: int | None = None) -> None:
        sound = portaudio.load("microphone")
        try:
            about = sound.query_devices(device, "input")
        except (ValueError, sound.PortAudioError) as error:
            which = "no default input device" if device is None else f"{device}: no such input device"
            raise AudioError(f"microphone: {which}; vad stream --list-devices lists the devices") from error
        self.name = str(about["name"])
        available = int(about["max_input_channels"])
        if channel is not None and channel > available:
            raise missing_channel(self.name, channel, available)
        # many virtual devices offer 32 channels, and give their mix where one is requested
        self.channels = channel or (available if available <= 2 else 1)
        try:
            sound.check_input_settings(device, self.channels, "float32", samplerate=rate)
            self.sample_rate = rate
        except (ValueError, sound.PortAudioError):
            self.sample_rate = round(about["default_samplerate"])
        self.overruns = 0  # blocks lost
        self._reported = 0
        self._gone = False
        self._waited = 0.0  # seconds since the last block
        self._blocks: queue.Queue[Float32] = queue.Queue(round(QUEUE_SECONDS / BLOCK_SECONDS))
        try:
            self._stream = sound.InputStream(
                device=device,
                samplerate=self.sample_rate,
                channels=self.channels,
                dtype="float32",
                blocksize=round(self.sample_rate * BLOCK_SECONDS),
                callback=self._take,
                finished_callback=self._finished,
            )
            self._stream.start()
        except (ValueError, sound.PortAudioError) as error:
            raise AudioError(
                f"{self.name}: cannot be opened ({portaudio.why(error)}); another program may be using it"
            ) from error

    def __enter__(self) -> Microphone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, timeout: float = TIMEOUT) -> Float32 | None:
        """The next block `(sample, channel)`; None when no block arrives in `timeout` seconds.

        Raises `AudioError` where the device is disconnected. Lost blocks give an `AudioWarning`.
        """
        if self.overruns > self._reported:
            self._reported = self.overruns
            warnings.warn(f"{self.name}: {self.overruns} overruns so far, sound is lost", AudioWarning, stacklevel=2)
        try:
            block = self._blocks.get(timeout=timeout)
            self._waited = 0.0
            return block
        except queue.Empty:
            self._waited += timeout
            if self._gone or self._waited >= TIMEOUT or not self._stream.active:
                raise AudioError(f"{self.name}: the device is gone; the events so far are complete") from None
            return None

    def close(self) -> None:
        """Release the device."""
        sound = portaudio.load("microphone")
        try:
            self._stream.close()
        except sound.PortAudioError as error:
            warnings.warn(f"{self.name}: could not be closed ({portaudio.why(error)})", AudioWarning, stacklevel=2)

    def _take(self, block: Any, frames: int, time: Any, status: Any) -> None:
        """The callback of PortAudio, in a thread of its own; `block` is `(sample, channel)`."""
        if status.input_overflow:
            self.overruns += 1
        try:
            self._blocks.put_nowait(np.array(block, np.float32))
        except queue.Full:
            self.overruns += 1

    def _finished(self) -> None:
        self._gone = True
