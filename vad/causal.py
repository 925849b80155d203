"""Frames to scores with a network that hears the past alone, and keeps it in a state.

Each block of frames goes through the network once, in order. A step of two frames scores itself and
the steps before it again; with `right` frames of context the answer is the one that the step
`right` frames later gives, and at the end of the recording the last step's.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from vad.errors import ModelError
from vad.features import Float32
from vad.scorer import Geometry, Network, Scorer

STEP = 2  # frames


class CausalScorer:
    """Takes frames in pieces, gives scores block by block; of a geometry, `left` has no meaning."""

    def __init__(self, network: Network, geometry: Geometry) -> None:
        if geometry.right % STEP or geometry.right // STEP >= network.delays:
            raise ModelError(f"{geometry}: this network takes an even right context below {STEP * network.delays}")
        self._network, self._block, self._delay = network, geometry.block, geometry.right // STEP
        self._state = np.zeros((1, network.state), np.float32)
        self._pieces: list[Float32] = []
        self._held = 0  # frames in the pieces
        self._frames = 0  # frames taken
        self._early = geometry.right  # scores still to come that are of no frame: from before the recording
        self._last = np.empty((STEP, network.delays), np.float32)  # what the last step said

    @property
    def missing(self) -> int:
        """How many more frames it takes until `push` gives scores again, at least 1."""
        return self._block - self._held

    def push(self, features: Float32) -> Float32:
        """Take `(frame, mel)`, give `(frame,)` scores of what has its right context now."""
        self._frames += len(features)
        self._held += len(features)
        self._pieces.append(features)
        if self._held < self._block:
            return _NONE
        kept = np.concatenate(self._pieces)
        whole = self._held // self._block * self._block
        self._pieces, self._held = [kept[whole:].copy()], self._held - whole
        return np.concatenate([self._score(kept[at : at + self._block]) for at in range(0, whole, self._block)])

    def finish(self) -> Float32:
        """The scores still owed, `(frame,)`."""
        steps = -(-self._frames // STEP)
        scores = []
        if self._held:
            rest = np.concatenate(self._pieces)
            scores.append(self._score(np.pad(rest, ((0, len(rest) % STEP), (0, 0)), mode="edge")))
        scores += [self._last[:, delay] for delay in reversed(range(min(self._delay, steps)))]
        # a step that the recording ends within was filled up with a copy of its first frame
        return np.concatenate([_NONE, *scores])[: -(self._frames % STEP) or None]

    def _score(self, block: Float32) -> Float32:
        """Go on through `block`, `(frame, mel)`; the scores `(frame,)` of the frames `right` before it."""
        said, self._state = self._network.go_on(block[None], self._state)
        self._last = said[0, -STEP:]
        scores: Float32 = said[0, :, self._delay]
        early = min(self._early, len(scores))
        self._early -= early
        return scores[early:]


def open_scorer(
    network: Network,
    geometry: Geometry,
    batch: int | None = None,
    wait: int | None = None,
    pool: Executor | None = None,
) -> Scorer | CausalScorer:
    """A scorer of the kind that `network` needs; `batch`, `wait` and `pool` are those of `Scorer`."""
    return CausalScorer(network, geometry) if network.delays else Scorer(network, geometry, batch, wait, pool)


_NONE = np.empty(0, np.float32)
