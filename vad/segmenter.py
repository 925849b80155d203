"""Frame scores to speech segments: one state machine for files and streams.

    silence ------ score >= onset ------> maybe speech
    maybe speech - min_speech reached --> speech        (a `Start`; else back to silence, nothing said)
    speech ------- score < offset ------> maybe silence
    maybe silence  score >= onset ------> speech
    maybe silence  min_silence reached -> silence       (an `End`: the segment is complete)

Pauses shorter than `min_silence` are bridged before segments shorter than `min_speech` are
dropped. What comes out depends on the scores alone, never on the pieces they arrive in.
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

MILLION = 1_000_000  # scores are summed in millionths: whole numbers, whose sum knows no order


class State(enum.Enum):
    """Where the segmenter stands after the last frame."""

    SILENCE = "silence"
    MAYBE_SPEECH = "maybe speech"
    SPEECH = "speech"
    MAYBE_SILENCE = "maybe silence"


class Segmenter:
    """Takes scores in pieces, gives segments as soon as their end is certain, starts as soon as they are.

    Segments are in order, never overlap and never leave the recording. Where padding would make
    two of them overlap, the later one starts where the earlier ends.
    """

    def __init__(self, settings: Segmentation, grid: Grid) -> None:
        self.state = State.SILENCE
        self._settings, self._grid = settings, grid
        self._min_speech = grid.to_frames(settings.min_speech)
        self._pad_start = grid.to_frames(settings.pad_start)
        self._pad_end = grid.to_frames(settings.pad_end)
        # a pause that the end's padding fills is no pause
        self._min_silence = max(grid.to_frames(settings.min_silence), self._pad_end + 1)
        self._longest = math.inf
        if settings.max_speech < math.inf:
            self._longest = grid.to_frames(settings.max_speech)
        self._now = 0  # frames taken
        self._loud = False  # the hysteresis: whether the last frame counts as speech
        self._begin = 0  # first frame of the open segment, padding included
        self._onset = 0  # first frame of its speech
        self._end = 0  # one past its last frame of speech
        self._limit = 0  # end of the segment before, padding included
        self._scores = np.empty(0, np.float32)  # of the open segment, kept only to cut it
        self._scores_from = 0
        self._sum = 0  # of the scores from onset to end
        self._pause = 0  # of the scores since the end
        self._done: list[Event] = []

    def push(self, scores: Float32) -> list[Segment]:
        """Take `(frame,)` scores, give the segments that are now complete."""
        return segments_of(self.advance(scores))

    def finish(self) -> list[Segment]:
        """The segment that the end of the recording completes, if one is open."""
        return segments_of(self.end())

    def advance(self, scores: Float32) -> list[Event]:
        """Take `(frame,)` scores, give a `Start` or `End` for all that is now certain."""
        if not len(scores):
            return []
        self._remember(scores)
        loud = self._hysteresis(scores)
        sums = [0, *np.cumsum(_millionths(scores)).tolist()]
        edges = np.flatnonzero(np.diff(loud)) + 1
        for start, stop in zip([0, *edges], [*edges, len(loud)], strict=True):
            step = self._speech if loud[start] else self._silence
            step(self._now + int(start), self._now + int(stop), sums[stop] - sums[start])
        self._now += len(scores)
        return self._take()

    def end(self) -> list[Event]:
        """As `advance`, for the end of the recording."""
        if self.state in (State.SPEECH, State.MAYBE_SILENCE):
            self._close(min(self._end + self._pad_end, self._now), self._end, self._sum)
        self.state = State.SILENCE
        return self._take()

    @property
    def settled(self) -> int:
        """The first frame that may yet turn out either way.

        What lies before belongs to segments that are complete, to the open one, or to none.
        """
        if self.state is State.SILENCE:
            return max(self._now - self._pad_start, self._limit)
        if self.state is State.MAYBE_SPEECH or self._longest < math.inf:  # it may be dropped, or cut
            return self._begin
        return self._end

    def _hysteresis(self, scores: Float32) -> NDArray[np.bool_]:
        """Which frames count as speech: on from `onset` up, off below `offset`, else as before."""
        decided = (scores >= self._settings.onset) | (scores < self._settings.offset)
        last = np.maximum.accumulate(np.where(decided, np.arange(len(scores)), -1))
        loud: NDArray[np.bool_] = np.where(last < 0, self._loud, scores[last] >= self._settings.onset)
        self._loud = bool(loud[-1])
        return loud

    def _speech(self, start: int, stop: int, score: int) -> None:
        """Frames `[start, stop)` count as speech; `score` is the sum of theirs."""
        if self.state is State.SILENCE:
            self._onset = start
            self._begin = max(start - self._pad_start, self._limit)
            self._sum = self._pause = 0
            self.state = State.MAYBE_SPEECH
        self._end = stop
        self._sum += self._pause + score
        self._pause = 0
        while self._end + self._pad_end - self._begin > self._longest:
            self._cut()
        if self.state is not State.MAYBE_SPEECH:
            self.state = State.SPEECH
        elif stop - self._onset >= self._min_speech:
            self._open(self._begin)

    def _silence(self, start: int, stop: int, score: int) -> None:
        """Frames `[start, stop)` count as silence; `score` is the sum of theirs."""
        if self.state is State.SILENCE:
            return
        self._pause += score
        if stop - self._end < self._min_silence:
            if self.state is State.SPEECH:
                self.state = State.MAYBE_SILENCE
            return
        if self.state is not State.MAYBE_SPEECH:
            self._close(self._end + self._pad_end, self._end, self._sum)
        self.state = State.SILENCE

    def _cut(self) -> None:
        """Divide a segment that grew too long at the weakest score of its later half."""
        last = self._begin + int(self._longest) - self._pad_end
        first = max(self._onset + 1, (self._begin + last) // 2)
        stop = max(first + 1, last + 1 - self._min_speech)  # what follows shall be worth a segment
        at = first + int(np.argmin(self._scores[first - self._scores_from : stop - self._scores_from]))
        before = int(_millionths(self._scores[self._onset - self._scores_from : at - self._scores_from]).sum())
        if self.state is State.MAYBE_SPEECH:
            self._open(self._begin)
        self._close(at, at, before)
        self._onset = at
        self._sum -= before
        self._open(at)

    def _open(self, begin: int) -> None:
        """Say that speech has begun."""
        self.state = State.SPEECH
        self._begin = begin
        self._done.append(Start(self._seconds(begin)))

    def _close(self, end: int, speech_end: int, score: int) -> None:
        """Say that the segment ends; `score` is the sum up to `speech_end`, where padding begins."""
        self._limit = end
        mean = round(score / MILLION / (speech_end - self._onset), 3)
        self._done.append(End(Segment(self._seconds(self._begin), self._seconds(end)), mean))

    def _seconds(self, frame: int) -> float:
        return round(self._grid.to_seconds(frame), 3)

    def _remember(self, scores: Float32) -> None:
        """Keep the scores that a cut may still look at."""
        if math.isinf(self._longest):
            return
        keep_from = self._now if self.state is State.SILENCE else self._onset
        kept = self._scores[keep_from - self._scores_from :]
        self._scores, self._scores_from = np.concatenate([kept, scores]), keep_from

    def _take(self) -> list[Event]:
        done, self._done = self._done, []
        return done


def _millionths(scores: Float32) -> NDArray[np.int64]:
    """`(frame,)` scores as whole millionths."""
    return np.rint(scores.astype(np.float64) * MILLION).astype(np.int64)
