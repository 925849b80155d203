"""The meter of a live stream: one line on the terminal, drawn in place."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from typing import TYPE_CHECKING

from vad.clock import clock

from .console import StatusLine

if TYPE_CHECKING:
    from vad.features import Float32
    from vad.stream import Stream

INTERVAL = 0.1  # seconds between drawings
WIDTH = 24
FLOOR = -60.0  # dB below full scale at which the bar is empty


class Meter:
    """Time, level, score, and speech or silence; nothing where standard error is not a terminal."""

    def __init__(self, quiet: bool) -> None:
        self._terminal = sys.stderr.isatty() and not quiet
        self._drawn = 0.0
        self._peak = 0.0
        self._line = StatusLine()

    def show(self, block: Float32, stream: Stream) -> None:
        """Take a block `(sample, channel)`; draws every `INTERVAL`."""
        if not self._terminal:
            return
        if len(block):
            self._peak = max(self._peak, float(abs(block).max()))
        if time.monotonic() < self._drawn + INTERVAL:
            return
        self._drawn = time.monotonic()
        level = 20 * math.log10(max(self._peak, 1e-5))
        self._peak = 0.0
        bar = "#" * round(WIDTH * min(1.0, max(0.0, 1 - level / FLOOR)))
        self._line.draw(
            f"{clock(stream.duration, 1)} [{bar:<{WIDTH}}] {max(level, FLOOR):4.0f} dB  "
            f"score {stream.score:.2f}  {stream.state.value}"
        )

    def cleared(self) -> contextlib.AbstractContextManager[None]:
        """Clear the meter while something else is written to the terminal."""
        return self._line.cleared()

    def close(self) -> None:
        """Clear the meter for good."""
        if self._line.text:
            self._line.draw("")
