"""A source of sound and a stream, brought together until one of them, or somebody, has enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from vad.errors import SettingError, VadError
from vad.events import End, Event
from vad.features import Float32
from vad.live.feed import Source
from vad.segmenter import State
from vad.stream import Stream

POLL = 0.1  # seconds after which a wish to stop is noticed


@dataclass(frozen=True)
class Limits:
    """When to stop, in seconds of sound."""

    max_duration: float = math.inf
    stop_after_silence: float = math.inf  # from the end of the last segment, or from the beginning

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise SettingError(f"{name}={value}: give seconds above 0")


def run(
    source: Source, stream: Stream, limits: Limits, stopped: Callable[[], bool]
) -> Iterator[tuple[Float32, list[Event]]]:
    """Blocks `(sample, channel)` of `source` with the events that `stream` has for them.

    The last block has no length, and comes with the events of the end, also where the source
    fails: what it raised is raised after that.
    """
    failure: VadError | OSError | None = None
    spoken = 0.0  # end of the last segment
    channels = 1
    try:
        while not stopped():
            block = source.read(POLL)
            if block is None:
                continue
            if not len(block):
                break
            left = limits.max_duration - stream.duration
            if left < math.inf:
                block = block[: round(left * source.sample_rate)]
            channels = block.shape[1]
            events = stream.push(block)
            yield block, events
            spoken = max([spoken, *(e.segment.end for e in events if isinstance(e, End))])
            silent = stream.state is State.SILENCE and stream.scored - spoken >= limits.stop_after_silence
            if silent or stream.duration >= limits.max_duration - 0.5 / source.sample_rate:
                break
    except (VadError, OSError) as error:
        failure = error
    yield np.empty((0, channels), np.float32), stream.finish()
    if failure:
        raise failure
