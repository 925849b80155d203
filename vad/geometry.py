"""The windows of sound in which a network scores frames, and the latency they make.

A recording is divided into blocks. The network sees each block with context: `left` frames before
it and `right` frames after it. The score of a frame is known when its block and the right context
have arrived, and with them the feature window of the last of these frames, which reaches `lead`
samples further. So

    latency = ((block + right) * hop + lead) / sample_rate

in seconds, counted from the start of a block, whose first frame waits longest. A larger block costs
less work per second of sound; more right context gives better scores.
"""

from __future__ import annotations

from dataclasses import dataclass

from vad.errors import ModelError, SettingError
from vad.features import LogMel
from vad.settings import LATENCIES, parse_latency

LIVE = 0.5  # seconds; at this latency and below the causal network is used, where there is one
LEFT = 1.5  # seconds of context before a block; twice as much costs nearly twice as much, for .002 AUC
BLOCK_SHARE = 0.64  # of the frames between block and right context; see benchmarks/latency.py
CAUSAL_SHARE = 0.35  # the same for a causal network, which does not go through its past again at every block


@dataclass(frozen=True)
class Geometry:
    """Frames of a window: `left` context, the `block` that is scored, `right` context.

    A scorer takes a `left` and a `block` of whole steps of its network (`stride` frames each).
    Raises `ModelError` where a number is negative or the block is empty.
    """

    left: int = 800
    block: int = 8000
    right: int = 400

    def __post_init__(self) -> None:
        if self.block < 1 or min(self.left, self.right) < 0:
            raise ModelError(f"{self}: frames must not be negative, and the block not empty")


OFFLINE = Geometry()  # of whole recordings


def bidirectional_geometry(latency: float | str | None, features: LogMel, stride: int = 2) -> Geometry:
    """The geometry of a bidirectional network whose scores are at most `latency` late.

    `latency` is in seconds or a name of `LATENCIES`, or `None` for whole recordings, which have no
    latency; `stride` is the network's. `lowest` is a step where a step takes longer than that. Raises `SettingError`
    where any other latency is shorter than a step.
    """
    if latency is None:
        return Geometry(_whole(OFFLINE.left, stride), _whole(OFFLINE.block, stride), OFFLINE.right)
    frames = _frames(latency, features, stride)
    left = _whole(features.grid.to_frames(LEFT), stride)
    block = max(stride, _whole(int(BLOCK_SHARE * frames), stride))
    return Geometry(left, min(block, _whole(OFFLINE.block, stride)), min(frames - block, OFFLINE.right))


def causal_geometry(latency: float | str | None, features: LogMel, stride: int, delays: int) -> Geometry:
    """The geometry of a causal network, without left context: see `bidirectional_geometry`.

    The network scores each frame at `delays` steps, so the right context is shorter than that.
    """
    longest = stride * (delays - 1)
    largest = _whole(OFFLINE.block, stride)
    if latency is None:
        return Geometry(0, largest, longest)
    frames = _frames(latency, features, stride)
    right = _whole(min(int((1 - CAUSAL_SHARE) * frames), frames - stride, longest), stride)
    return Geometry(0, min(_whole(frames - right, stride), largest), right)


def latency_of(geometry: Geometry, features: LogMel) -> float:
    """The latency of `geometry` in seconds; a resampler before it adds its own."""
    return ((geometry.block + geometry.right) * features.hop + features.lead) / features.sample_rate


def _frames(latency: float | str, features: LogMel, stride: int) -> int:
    """How many frames block and right context may have together; at least a step, to which `lowest` is rounded up."""
    seconds = parse_latency(latency)
    frames = int((seconds * features.sample_rate - features.lead) / features.hop + 1e-9)
    if latency == "lowest":
        return max(frames, stride)
    if frames < stride:
        least = latency_of(Geometry(0, stride, 0), features)
        names = [name for name, named in LATENCIES.items() if name == "lowest" or named >= least]
        raise SettingError(f"latency={latency}: give at least {least:g} s, or one of {', '.join(names)}", "latency")
    return frames


def _whole(frames: int, stride: int) -> int:
    """The largest multiple of `stride` up to `frames`."""
    return frames - frames % stride
