"""From a latency to the windows that the network sees, and back.

The score of a frame is known when its block and the right context of that are heard, and the
feature window of the last of those frames, which reaches `lead` samples beyond it. So

    latency = (block + right) * hop + lead

from the beginning of a block's first frame, which waits longest. The larger a block, the less work
per second of sound; the more right context, the better the scores.
"""

from __future__ import annotations

from dataclasses import replace

from vad.causal import STEP
from vad.errors import SettingError
from vad.features import LogMel
from vad.scorer import OFFLINE, Geometry
from vad.settings import LATENCIES, parse_latency

LIVE = 0.5  # seconds of latency up to which a causal network is asked, where there is one
LEFT = 1.5  # seconds of context before a block; twice as much costs nearly twice as much, for .002 AUC
BLOCK_SHARE = 0.64  # of the frames between block and right context; see benchmarks/latency.py
CAUSAL_SHARE = 0.25  # the same for a causal network, which need not go through its past again at every block


def to_geometry(latency: float | str | None, features: LogMel, delays: int = 0) -> Geometry:
    """The windows with which scores are at most `latency` (seconds, or one of `LATENCIES`) late.

    `delays` is that of the network. `None` is for recordings, where nothing is late. Raises
    `SettingError` where it is too short for a block, or no latency.
    """
    longest = STEP * (delays - 1) if delays else OFFLINE.right
    if latency is None:
        return replace(OFFLINE, right=longest)
    seconds = parse_latency(latency)
    frames = int((seconds * features.sample_rate - features.lead) / features.hop + 1e-9)
    if frames < 2:
        least = to_seconds(Geometry(0, 2, 0), features)
        raise SettingError(f"latency={latency}: give at least {least:g} s, or one of {', '.join(LATENCIES)}")
    if delays:
        right = min(int((1 - CAUSAL_SHARE) * frames), frames - STEP, longest) // STEP * STEP
        return Geometry(0, min((frames - right) // STEP * STEP, OFFLINE.block), right)
    block = max(2, int(BLOCK_SHARE * frames) // 2 * 2)
    left = features.grid.to_frames(LEFT)
    return Geometry(left - left % 2, min(block, OFFLINE.block), min(frames - block, OFFLINE.right))


def to_seconds(geometry: Geometry, features: LogMel) -> float:
    """The latency of `geometry` in seconds, without that of resampling."""
    return ((geometry.block + geometry.right) * features.hop + features.lead) / features.sample_rate
