"""Samples to events: features, scorer and segmenter, each fed with what the one before gives.

Files and streams go through the same chain; a file is a stream that is pushed whole.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vad.causal import CausalScorer
from vad.events import Event, Score, clip_events
from vad.features import BLOCK, FeatureStream, Float32, LogMel
from vad.scorer import Scorer
from vad.segmenter import Segmenter, State
from vad.settings import Segmentation


class Found(NamedTuple):
    """What a piece of sound has made certain."""

    scores: Float32  # (frame,)
    events: list[Event]


class Chain:
    """The stages for one channel; with `say_scores` a `Score` per frame is among the events."""

    def __init__(
        self, features: LogMel, scorer: Scorer | CausalScorer, settings: Segmentation, say_scores: bool = False
    ) -> None:
        self._features = FeatureStream(features)
        self._scorer = scorer
        self._segmenter = Segmenter(settings, features.grid)
        self._grid, self._say_scores = features.grid, say_scores
        self.frames = 0  # scored

    @property
    def state(self) -> State:
        """Where the segmenter stands."""
        return self._segmenter.state

    @property
    def settled(self) -> int:
        """The first frame whose fate is open."""
        return self._segmenter.settled

    def push(self, samples: Float32) -> Found:
        """Take `(sample,)` at the model's rate."""
        # frames that could not be scored yet may wait for those that will be made with them
        frames = self._features.push(samples, at_least=min(self._scorer.missing, BLOCK))
        return self._advance(self._scorer.push(frames)) if len(frames) else Found(_NONE, [])

    def finish(self, duration: float) -> Found:
        """What is still owed; nothing that is said reaches past `duration` in seconds."""
        first = self._advance(self._scorer.push(self._features.finish()))
        last = self._advance(self._scorer.finish())
        events = [*first.events, *last.events, *self._segmenter.end()]
        return Found(np.concatenate([first.scores, last.scores]), clip_events(events, duration))

    def _advance(self, scores: Float32) -> Found:
        first, self.frames = self.frames, self.frames + len(scores)
        if not self._say_scores:
            return Found(scores, self._segmenter.advance(scores))
        events: list[Event] = []
        for number, score in enumerate(scores.tolist()):
            events.append(Score(round(self._grid.to_seconds(first + number), 3), score))
            events += self._segmenter.advance(scores[number : number + 1])
        return Found(scores, events)


_NONE = np.empty(0, np.float32)
