"""What is done with each of many recordings, as an object that other processes can be given."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from vad.audio.decode import Sound, open_sound
from vad.audio.resample import Channel
from vad.batch.inputs import Input
from vad.batch.outcome import check
from vad.batch.remote import fetched
from vad.detector import CPU, Detection, Detector
from vad.errors import ModelError
from vad.model.session import keep_memory
from vad.settings import Raw, Segmentation


def load(model: str | None, device: str = CPU) -> Detector:
    """The detector of this process."""
    return _load(model, device)


@functools.lru_cache(1)
def _load(model: str | None, device: str) -> Detector:
    keep_memory()
    return Detector(model, device)


@dataclass(frozen=True)
class Analysis:
    """Finds speech in recordings: `Detector.analyse` with all that it takes."""

    model: str | None
    settings: Segmentation
    channel: Channel = "mix"
    latency: str | None = None
    keep_scores: bool = False
    raw: Raw | None = None
    threads: int = 1
    device: str = CPU  # of the network
    moved: Callable[[float], None] | None = None  # told the share that is done, where the length is known
    digest: str = field(init=False)  # of the weights, which other processes read for themselves

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", self.detector.network.digest)

    @property
    def detector(self) -> Detector:
        """Who does it, in this process."""
        return load(self.model, self.device).at(self.latency)

    def __call__(self, one: Input) -> list[Detection]:
        """What is found in a recording: a `Detection` per channel."""
        detector = self.detector
        if detector.network.digest != self.digest:
            raise ModelError(f"{detector.path}: has been replaced since this run began; run again")
        with fetched(one.path) as path:
            sound = open_sound(sys.stdin.buffer if one.path == "-" else path, self.raw, one.path)
            return detector.analyse(
                sound,
                self.settings,
                self.channel,
                latency=self.latency,
                keep_scores=self.keep_scores,
                hear=lambda _: self._moved(sound),
                threads=self.threads,
            )

    def _moved(self, sound: Sound) -> None:
        check()
        if self.moved and sound.share is not None:
            self.moved(sound.share)
