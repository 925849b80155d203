"""Log-mel frames to frame scores, in blocks on an absolute grid.

A score depends on the frames around its place in the recording, and on nothing else: not on the
pieces in which the frames arrive, nor on the windows that share a batch.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future

import numpy as np

from vad.errors import ModelError
from vad.features import Float32
from vad.geometry import OFFLINE, Geometry
from vad.model.runtime import BidirectionalModel, CausalModel, Model

_NO_SCORES = np.empty(0, np.float32)


class Scorer:
    """Scores of a bidirectional network: takes frames in pieces, gives scores block by block.

    The network sees each block with the context of `geometry`, as far as the recording reaches: at
    its start and end a window is shorter, and never padded. Windows of equal length share a batch of
    up to `batch` (by default the runtime's). `push` scores complete batches; `min_blocks=1` scores
    each block as soon as it is complete. With a `pool` of threads batches are scored there, and
    `push` returns the scores that are ready, in order. At most `max_in_flight` windows of the
    runtime are in the pool, and one more batch waits.
    """

    def __init__(
        self,
        model: BidirectionalModel,
        geometry: Geometry = OFFLINE,
        batch: int | None = None,
        min_blocks: int | None = None,
        pool: Executor | None = None,
    ) -> None:
        _check(geometry, model)
        self._model, self._geometry, self._pool = model, geometry, pool
        self._batch = batch or model.runtime.batch
        self._min_blocks = min_blocks or self._batch
        self._ready: list[Float32] = []  # scores that `push` returns next
        self._pending: deque[Future[Float32]] = deque()  # the scores after them
        self._pieces: list[Float32] = []  # frames that are still needed
        self._from = 0  # number of the first of these
        self._frames = 0  # frames taken
        self._scored = 0  # frames scored: the first of the next block

    def push(self, features: Float32) -> Float32:
        """Take features `(frame, mel)`, give the scores `(frame,)` that are ready."""
        if not len(features):
            return _NO_SCORES
        self._pieces.append(features)
        self._frames += len(features)
        g = self._geometry
        complete = (self._frames - self._scored - g.right) // g.block
        if complete >= self._min_blocks:
            self._score(complete)
        return self._collect(self._model.runtime.max_in_flight // self._batch + 1)

    @property
    def missing(self) -> int:
        """The number of frames after which `push` scores the next block, at least 1."""
        return self._scored + self._min_blocks * self._geometry.block + self._geometry.right - self._frames

    def finish(self) -> Float32:
        """The scores of the last frames, `(frame,)`; the recording ends here."""
        self._score(-(-(self._frames - self._scored) // self._geometry.block))
        return self._collect(0)

    def _score(self, blocks: int) -> None:
        """Score the next `blocks` blocks."""
        if blocks < 1:
            return
        kept = np.concatenate(self._pieces)
        g = self._geometry
        batch: list[Float32] = []
        skip = 0
        for start in range(self._scored, self._scored + blocks * g.block, g.block):
            first = max(0, start - g.left)
            window = kept[first - self._from : start + g.block + g.right - self._from]
            if batch and (len(batch) == self._batch or len(window) != len(batch[0]) or start - first != skip):
                self._submit(batch, skip)
                batch = []
            batch.append(window)
            skip = start - first
        self._submit(batch, skip)
        self._scored += min(blocks * g.block, self._frames - self._scored)
        keep_from = max(0, self._scored - g.left)
        self._pieces, self._from = [kept[keep_from - self._from :].copy()], keep_from

    def _submit(self, batch: list[Float32], skip: int) -> None:
        """Score a batch, here or in the pool."""
        if self._pool:
            self._pending.append(self._pool.submit(self._run, batch, skip))
        else:
            self._ready.append(self._run(batch, skip))

    def _collect(self, max_pending: int) -> Float32:
        """The scores that are ready; waits until at most `max_pending` batches are pending."""
        while self._pending and (len(self._pending) > max_pending or self._pending[0].done()):
            self._ready.append(self._pending.popleft().result())
        ready, self._ready = self._ready, []
        return np.concatenate(ready) if ready else _NO_SCORES

    def _run(self, batch: list[Float32], skip: int) -> Float32:
        """The scores `(frame,)` of the blocks that start `skip` frames into each window of `batch`."""
        return self._model(np.stack(batch))[:, skip : skip + self._geometry.block].ravel()


class CausalScorer:
    """Scores of a causal network: takes frames in pieces, gives scores block by block.

    Each block goes through the network once, in order. A step scores its own frames, and those of the
    steps before it again. A frame gets the score that the step `right` frames later gives it; at the
    end of the recording, that of the last step. The `left` of a geometry is not used.
    """

    def __init__(self, model: CausalModel, geometry: Geometry) -> None:
        _check(geometry, model)
        step = self._step = model.description.stride
        if geometry.right % step or geometry.right >= step * model.delays:
            longest = step * (model.delays - 1)
            raise ModelError(f"{geometry}: right context must be whole steps ({step} frames), up to {longest} frames")
        self._model, self._block, self._delay = model, geometry.block, geometry.right // step
        self._state = model.begin()
        self._pieces: list[Float32] = []
        self._held = 0  # frames in the pieces
        self._frames = 0  # frames taken
        self._early = geometry.right  # scores to drop: the first ones are of frames before the recording
        self._last = np.empty((step, model.delays), np.float32)  # the scores that the last step gave

    @property
    def missing(self) -> int:
        """The number of frames after which `push` scores the next block, at least 1."""
        return self._block - self._held

    def push(self, features: Float32) -> Float32:
        """Take features `(frame, mel)`, give the scores `(frame,)` of frames that now have their right context."""
        self._frames += len(features)
        self._held += len(features)
        self._pieces.append(features)
        if self._held < self._block:
            return _NO_SCORES
        kept = np.concatenate(self._pieces)
        whole = self._held // self._block * self._block
        self._pieces, self._held = [kept[whole:].copy()], self._held - whole
        return np.concatenate([self._score(kept[at : at + self._block]) for at in range(0, whole, self._block)])

    def finish(self) -> Float32:
        """The scores of the last frames, `(frame,)`; the recording ends here."""
        steps = -(-self._frames // self._step)
        scores = []
        if self._held:
            rest = np.concatenate(self._pieces)
            scores.append(self._score(np.pad(rest, ((0, -len(rest) % self._step), (0, 0)), mode="edge")))
        scores += [self._last[:, delay] for delay in reversed(range(min(self._delay, steps)))]
        # the last step may be padded with copies of the last frame; their scores are dropped
        return np.concatenate([_NO_SCORES, *scores])[: -(-self._frames % self._step) or None]

    def _score(self, block: Float32) -> Float32:
        """Run the network over `block`, `(frame, mel)`; gives the scores `(frame,)` of the frames `right` earlier."""
        given, self._state = self._model(block[None], self._state)
        self._last = given[0, -self._step :]
        scores: Float32 = given[0, :, self._delay]
        early = min(self._early, len(scores))
        self._early -= early
        return scores[early:]


def open_scorer(
    model: Model,
    geometry: Geometry,
    batch: int | None = None,
    min_blocks: int | None = None,
    pool: Executor | None = None,
) -> Scorer | CausalScorer:
    """The scorer for `model`; only a `Scorer` has a use for `batch`, `min_blocks` and `pool`."""
    if isinstance(model, CausalModel):
        return CausalScorer(model, geometry)
    return Scorer(model, geometry, batch, min_blocks, pool)


def _check(geometry: Geometry, model: Model) -> None:
    """Raise `ModelError` where left context or block are no whole steps of the network."""
    stride = model.description.stride
    if geometry.left % stride or geometry.block % stride:
        raise ModelError(f"{geometry}: left context and block must be whole steps ({stride} frames)")
