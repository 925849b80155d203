"""Frames of FFmpeg to blocks of samples: many frames at once, and all in one rate and channel count."""

from __future__ import annotations

from typing import Any

import numpy as np

from vad.audio.resample import Conformer, check_rate, to_float
from vad.errors import AudioError
from vad.features import Float32

BLOCK = 163_840  # samples of all channels that are converted at once; one frame of a codec is a thousand
PLANES = 8  # the most channels that PyAV reaches where each lies in a plane of its own
PLAIN = ("flt", "dbl", "s16", "s32", "u8")  # FFmpeg's names of the sample types that numpy has
NOTHING: list[Float32] = []


class FrameBuffer:
    """Collects frames into blocks `(sample, channel)`, in the rate and channel count of the track."""

    def __init__(self, name: str, rate: int, channels: int) -> None:
        self._name, self._rate, self._channels = name, rate, channels
        self._kind = (rate, channels, "")  # of the frames: sample rate, channel count and sample type
        self._fifo: Any = None
        self._packer: Any = None  # converts what numpy cannot take
        self._conformer: Conformer | None = None

    def add(self, frame: Any) -> list[Float32]:
        """Append a frame, whose time stamp is lost; the blocks that it completes."""
        kind = (frame.sample_rate, frame.layout.nb_channels, frame.format.name)
        blocks = NOTHING if kind == self._kind else self._change(frame)
        self._kind = kind  # PyAV crashes where frames of other channel counts are mixed
        try:
            for part in self._packer.resample(frame) if self._packer else (frame,):
                part.pts = None
                self._fifo.write(part)
        except ValueError as error:
            raise AudioError(f"{self._name}: holds a frame that cannot be converted ({error})") from error
        return blocks + self.take() if self._fifo.samples * kind[1] >= BLOCK else blocks

    def silence(self, seconds: float) -> list[Float32]:
        """The samples so far, and silence behind them."""
        size = BLOCK // self._channels
        whole, rest = divmod(round(seconds * self._rate), size)
        block = np.zeros((size, self._channels), np.float32)
        return [*self.take(), *[block] * whole, block[:rest]]

    def take(self) -> list[Float32]:
        """The block of the frames so far, if there are any."""
        if not self._fifo or not self._fifo.samples:
            return NOTHING
        frame = self._fifo.read(0)
        samples = frame.to_ndarray()
        block = to_float(samples.T if frame.format.is_planar else samples.reshape(-1, self._kind[1]))
        return [self._conformer.push(block) if self._conformer else block]

    def finish(self) -> list[Float32]:
        """The remaining samples."""
        blocks = self.take()
        return [*blocks, self._conformer.finish()] if self._conformer else blocks

    def _change(self, frame: Any) -> list[Float32]:
        """Prepare for frames of the format of `frame`; the samples of those before."""
        import av

        kind = (int(frame.sample_rate), int(frame.layout.nb_channels))
        blocks = self.take()
        if kind != self._kind[:2]:
            check_rate(self._name, kind[0])
            blocks = blocks + self.finish()
            target = (self._rate, self._channels)
            self._conformer = Conformer(kind, target) if kind != target else None
        plain = frame.format.name.removesuffix("p") in PLAIN and not (frame.format.is_planar and kind[1] > PLANES)
        self._packer = None if plain else av.AudioResampler("flt")
        self._fifo = av.AudioFifo()
        return blocks
