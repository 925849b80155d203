"""Labels that reach past the end of their recording: often they are of another one."""

from __future__ import annotations

from collections.abc import Sequence

from vad.formats import Label
from vad.segments import Segment

OVERHANG = 0.1  # seconds that labels may reach past the end without a note: they are rounded, and codecs add a little
UNLIKELY = 20.0  # times the length of the sound: labels that end there have another unit


def other_unit(labels: Sequence[Segment | Label], duration: float) -> str:
    """A note about times that seem to be in milliseconds or samples, as all labels lie past the end; else empty."""
    if not labels or labels[0].end <= duration:
        return ""
    end = max(label.end for label in labels)
    for unit, per_second in (("milliseconds", 1000), ("samples", 48_000)):
        if UNLIKELY * duration < end <= per_second * (duration + 0.1):
            return (
                f"lasts {duration:.1f} s, and its labels go from {labels[0].start:g} to {end:g} s: "
                f"their times seem to be in {unit}; write them in seconds"
            )
    return ""


def past_end(labels: Sequence[Segment | Label], duration: float, tolerance: float = 0.01) -> list[str]:
    """A note about labels that reach more than `tolerance` past the end at `duration`, all in seconds; else none."""
    after = sum(label.start >= duration for label in labels)
    last = max((label.end for label in labels), default=0.0)
    if last <= duration + tolerance:
        return []
    left = f", {after} of which begin there and are left out" if after else ""
    return [f"labels reach to {last:.2f} s, past the end at {duration:.2f} s{left}; are they of this recording?"]
