"""Frame scores to speech segments: one state machine for files and streams.

    silence ------ score >= onset ------> maybe speech
    maybe speech - min_speech reached --> speech        (a `Start`; otherwise back to silence, without an event)
    speech ------- score < offset ------> maybe silence
    maybe silence  score >= onset ------> speech
    maybe silence  min_silence reached -> silence       (an `End`: the segment is complete)

Frames are active from a score of `onset` up until one below `offset` (hysteresis). Pauses shorter
than `min_silence` are bridged before segments shorter than `min_speech` are dropped. The segments
depend on the scores alone, never on the pieces in which these arrive.

A segment longer than `max_speech` is cut in the longest pause of its later half, and where that has
none, at its lowest score.
"""

from __future__ import annotations

import enum
import math

import numpy as np
from numpy.typing import NDArray

from vad.events import End, Event, Start, segments_of
from vad.features import Float32
from vad.grid import Grid
from vad.segments import Segment
from vad.settings import Segmentation

GAP = 0.08  # seconds between segments that are cut in a pause of that length or more: two pictures of a video
MILLION = 1_000_000  # scores are summed as integers, in millionths: then the sum does not depend on the order


class State(enum.Enum):
    """The state of the segmenter after the last frame."""

    SILENCE = "silence"
    MAYBE_SPEECH = "maybe speech"
    SPEECH = "speech"
    MAYBE_SILENCE = "maybe silence"


class Segmenter:
    """Takes frame scores in pieces, gives starts and ends of segments as soon as they are certain.

    Segments are in order, never overlap and lie within the recording. Where padding would make two
    of them overlap, the later one starts where the earlier one ends.
    """

    def __init__(self, settings: Segmentation, grid: Grid) -> None:
        self.state = State.SILENCE
        self._settings, self._grid = settings, grid
        self._min_speech = grid.to_frames(settings.min_speech)
        self._pad_start = grid.to_frames(settings.pad_start)
        self._pad_end = grid.to_frames(settings.pad_end)
        # a pause no longer than the padding at the end would be filled by it
        self._min_silence = max(grid.to_frames(settings.min_silence), self._pad_end + 1)
        self._max_speech = math.inf
        if settings.max_speech < math.inf:
            self._max_speech = grid.to_frames(settings.max_speech)
        self._now = 0  # frames taken
        self._active = False  # whether the last frame was active
        self._begin = 0  # first frame of the open segment, padding included
        self._onset = 0  # first frame of its speech
        self._end = 0  # one past its last active frame
        self._limit = 0  # end of the segment before, padding included
        self._gap = grid.to_frames(GAP)
        self._pauses: list[tuple[int, int]] = []  # bridged in the open segment, to find where to cut it
        self._scores = np.empty(0, np.float32)  # of the open segment, for the same
        self._scores_from = 0  # frame of the first of them
        self._sum = 0  # of the scores from onset to end
        self._pause_sum = 0  # of the scores since the end
        self._events: list[Event] = []  # to be returned next

    def push(self, scores: Float32) -> list[Segment]:
        """Take scores `(frame,)`, give the segments that are now complete."""
        return segments_of(self.advance(scores))

    def finish(self) -> list[Segment]:
        """The last segment, if one is open at the end of the recording."""
        return segments_of(self.end())

    def advance(self, scores: Float32) -> list[Event]:
        """Take scores `(frame,)`, give the events that are now certain."""
        if not len(scores):
            return []
        self._remember(scores)
        active = self._hysteresis(scores)
        sums = [0, *np.cumsum(_millionths(scores)).tolist()]
        edges = np.flatnonzero(active[1:] != active[:-1]) + 1
        for start, stop in zip([0, *edges], [*edges, len(active)], strict=True):
            step = self._speech if active[start] else self._silence
            step(self._now + int(start), self._now + int(stop), sums[stop] - sums[start])
        self._now += len(scores)
        return self._take()

    def end(self) -> list[Event]:
        """The last events: the recording ends here."""
        if self.state in (State.SPEECH, State.MAYBE_SILENCE):
            self._close(min(self._end + self._pad_end, self._now), self._end, self._sum)
        self.state = State.SILENCE
        return self._take()

    @property
    def settled(self) -> int:
        """The first undecided frame: all frames before it are known to be in a segment, or in none."""
        if self.state is State.SILENCE:
            return max(self._now - self._pad_start, self._limit)
        if self.state is State.MAYBE_SPEECH or self._max_speech < math.inf:  # the segment may be dropped, or cut
            return self._begin
        return self._end

    def _hysteresis(self, scores: Float32) -> NDArray[np.bool_]:
        """Which frames are active: on from `onset` up, off below `offset`, otherwise as the frame before."""
        active: NDArray[np.bool_] = scores >= self._settings.onset
        decided = active | (scores < self._settings.offset)
        if not decided.all():
            last = np.maximum.accumulate(np.where(decided, np.arange(len(scores)), -1))
            active = np.where(last < 0, self._active, active[last])
        self._active = bool(active[-1])
        return active

    def _speech(self, start: int, stop: int, score: int) -> None:
        """Frames `[start, stop)` are active; `score` is the sum of their scores."""
        if self.state is State.SILENCE:
            self._onset = start
            self._begin = max(start - self._pad_start, self._limit)
            self._sum = self._pause_sum = 0
            self._pauses = []
            self.state = State.MAYBE_SPEECH
        elif start > self._end and self._max_speech < math.inf:
            self._pauses.append((self._end, start))
        self._end = stop
        self._sum += self._pause_sum + score
        self._pause_sum = 0
        while self._end + self._pad_end - self._begin > self._max_speech:
            self._cut()
        if self.state is not State.MAYBE_SPEECH:
            self.state = State.SPEECH
        elif stop - self._onset >= self._min_speech:
            self._open(self._begin)

    def _silence(self, start: int, stop: int, score: int) -> None:
        """Frames `[start, stop)` are inactive; `score` is the sum of their scores."""
        if self.state is State.SILENCE:
            return
        self._pause_sum += score
        if stop - self._end < self._min_silence:
            if self.state is State.SPEECH:
                self.state = State.MAYBE_SILENCE
            return
        if self.state is not State.MAYBE_SPEECH:
            self._close(self._end + self._pad_end, self._end, self._sum)
        self.state = State.SILENCE

    def _cut(self) -> None:
        """Cut a segment that is too long in the longest pause of its later half, or else at the lowest score there."""
        last = self._begin + int(self._max_speech) - self._pad_end
        first = max(self._onset + 1, (self._begin + last) // 2)
        reached = max([last, *(end for _, end in self._pauses[-1:])]) + 1  # where the segment was found to be too long
        stop = max(first + 1, last + 1 - self._min_speech)  # the rest must be long enough for a segment
        pauses = [
            (start, min(end, reached - self._min_speech)) for start, end in self._pauses if start < stop and end > first
        ]
        end, begin = max(pauses, key=lambda pause: pause[1] - pause[0], default=(0, 0))
        if begin <= end:
            end = begin = first + int(np.argmin(self._scores[first - self._scores_from : stop - self._scores_from]))
        pad_end, pad_start = self._pads(begin - end)
        if self.state is State.MAYBE_SPEECH:
            self._open(self._begin)
        self._close(end + pad_end, end, self._sum_until(end))
        self._sum -= self._sum_until(begin)
        self._onset = begin
        self._pauses = [pause for pause in self._pauses if pause[0] > begin]
        self._open(begin - pad_start)

    def _pads(self, pause: int) -> tuple[int, int]:
        """The frames after and before a segment that a pause has room for; a gap stays between them."""
        wanted = self._pad_end + self._pad_start
        share = min(1.0, max(0, pause - self._gap) / max(wanted, 1))
        return int(self._pad_end * share), int(self._pad_start * share)

    def _sum_until(self, frame: int) -> int:
        """The sum of the scores from the onset up to `frame`."""
        return int(_millionths(self._scores[self._onset - self._scores_from : frame - self._scores_from]).sum())

    def _open(self, begin: int) -> None:
        """Emit a `Start` at frame `begin`."""
        self.state = State.SPEECH
        self._begin = begin
        self._events.append(Start(self._seconds(begin)))

    def _close(self, end: int, speech_end: int, score: int) -> None:
        """Emit an `End` at frame `end`; `score` is the sum up to `speech_end`, where padding begins."""
        self._limit = end
        mean = round(score / MILLION / (speech_end - self._onset), 3)
        self._events.append(End(Segment(self._seconds(self._begin), self._seconds(end)), mean))

    def _seconds(self, frame: int) -> float:
        return round(self._grid.to_seconds(frame), 3)

    def _remember(self, scores: Float32) -> None:
        """Keep the scores that a cut needs."""
        if math.isinf(self._max_speech):
            return
        keep_from = self._now if self.state is State.SILENCE else self._onset
        kept = self._scores[keep_from - self._scores_from :]
        self._scores, self._scores_from = np.concatenate([kept, scores]), keep_from

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events


def _millionths(scores: Float32) -> NDArray[np.int64]:
    """`(frame,)` scores as whole millionths."""
    return np.rint(scores.astype(np.float64) * MILLION).astype(np.int64)
