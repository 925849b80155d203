"""Labels that reach past the end of their recording: often they are of another one."""

from __future__ import annotations

from collections.abc import Sequence

from vad.formats import Label
from vad.segments import Segment

OVERHANG = 0.1  # seconds that labels may reach past the end without a note: they are rounded, and codecs add a little


def past_end(labels: Sequence[Segment | Label], duration: float, tolerance: float = 0.01) -> list[str]:
    """A note about labels that reach more than `tolerance` past the end at `duration`, all in seconds; else none."""
    after = sum(label.start >= duration for label in labels)
    last = max((label.end for label in labels), default=0.0)
    if last <= duration + tolerance:
        return []
    left = f", {after} of which begin there and are left out" if after else ""
    return [f"labels reach to {last:.2f} s, past the end at {duration:.2f} s{left}; are they of this recording?"]
