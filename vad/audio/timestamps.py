"""Time stamps of decoded frames to silence: sound lies where its container says, as in a player."""

from __future__ import annotations

TOLERANCE = 0.05  # seconds; time stamps are rounded, and clocks of sound cards drift
MAX_GAP = 3600.0  # seconds; a longer jump is another recording, or damage
DELAY = 0.25  # seconds that the first frame of a decoder may come late
RESET = 1.0  # seconds; a jump back of more starts another time line, as in files that are joined


class Clock:
    """Compares the time stamps of frames with the samples so far.

    A time stamp counts when the next frame confirms it. Small differences, up to `TOLERANCE`, and a
    single wrong time stamp change nothing. Without a time stamp a frame follows the one before.
    """

    def __init__(self, max_gap: float = MAX_GAP, expected: float | None = None) -> None:
        """`expected` is the first time stamp, where the container states it; decoders hold some sound back."""
        self._max_gap, self._expected = max_gap, expected
        self._shift: float | None = None  # time stamp minus seconds of sound
        self.seconds = 0.0  # of sound and of filled gaps so far
        self.filled = 0.0  # seconds of gaps

    def follows(self, stamp: float | None, seconds: float) -> bool:
        """Take a frame of `seconds` that follows the one before; False where the next has to confirm its time stamp."""
        if stamp is not None:
            if self._shift is None:
                late = self._expected is not None and stamp - self._expected > DELAY
                self._shift = (self._expected if late and self._expected is not None else stamp) - self.seconds
            if not -TOLERANCE <= stamp - self._shift - self.seconds <= TOLERANCE:
                return False
        self.seconds += seconds
        return True

    def gap(self, stamp: float, seconds: float, following: float | None) -> float:
        """Take a frame of `seconds` that does not follow, where `following` is the next time stamp.

        The result is how many seconds of silence lie before it: none where the next frame does not
        confirm the time stamp, or where another time line starts.
        """
        assert self._shift is not None
        gap, missing = 0.0, stamp - self._shift - self.seconds
        if following is not None and abs(stamp + seconds - following) <= TOLERANCE:
            if 0 < missing <= self._max_gap:
                gap = missing
                self.fill(gap)
            elif missing > 0 or missing < -RESET:
                self._shift = stamp - self.seconds
        self.seconds += seconds
        return gap

    def fill(self, seconds: float) -> None:
        """Take a gap that is filled with silence."""
        self.seconds += seconds
        self.filled += seconds
