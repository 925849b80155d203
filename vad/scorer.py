"""Log-mel frames to frame scores: windows of bounded context through ONNX Runtime.

The recording is divided into blocks on an absolute grid. The network sees each block with `left`
frames before and `right` frames after it, as far as the recording reaches: at its beginning and
end the window is shorter, never filled up. So a score depends on the sound around its place in
the recording and on nothing else: not on how the sound arrived, nor on what shared the batch.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future

import numpy as np

from vad.errors import ModelError
from vad.features import Float32
from vad.geometry import OFFLINE, Geometry
from vad.model.session import BidirectionalModel, CausalModel, Model


class Scorer:
    """Takes frames in pieces, gives scores block by block, in batches of up to `batch` windows (the runtime's).

    A batch is waited for unless `wait` says how many blocks are enough: 1 where time matters. With
    a `pool` of threads batches are scored there meanwhile, and come when they are done, in order;
    there are never more windows under way than the runtime's `max_in_flight`, and one batch that waits.
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
        self._ready: list[Float32] = []  # scores to be given next
        self._pending: deque[Future[Float32]] = deque()  # and those after them
        self._pieces: list[Float32] = []
        self._from = 0  # frame number of the first frame kept
        self._frames = 0  # frames taken
        self._scored = 0  # frames scored: the next block's first

    def push(self, features: Float32) -> Float32:
        """Take `(frame, mel)`, give `(frame,)` scores once a batch of blocks is complete."""
        if not len(features):
            return _NONE
        self._pieces.append(features)
        self._frames += len(features)
        g = self._geometry
        complete = (self._frames - self._scored - g.right) // g.block
        if complete >= self._min_blocks:
            self._score(complete)
        return self._collect(self._model.runtime.max_in_flight // self._batch + 1)

    @property
    def missing(self) -> int:
        """How many more frames it takes until `push` gives scores again, at least 1."""
        return self._scored + self._min_blocks * self._geometry.block + self._geometry.right - self._frames

    def finish(self) -> Float32:
        """The scores still owed, `(frame,)`."""
        self._score(-(-(self._frames - self._scored) // self._geometry.block))
        return self._collect(0)

    def _score(self, blocks: int) -> None:
        """Score the next `blocks` blocks; windows of equal shape share a batch."""
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
                self._begin(batch, skip)
                batch = []
            batch.append(window)
            skip = start - first
        self._begin(batch, skip)
        self._scored += min(blocks * g.block, self._frames - self._scored)
        keep_from = max(0, self._scored - g.left)
        self._pieces, self._from = [kept[keep_from - self._from :].copy()], keep_from

    def _begin(self, batch: list[Float32], skip: int) -> None:
        """Have a batch scored, here or by the pool."""
        if self._pool:
            self._pending.append(self._pool.submit(self._run, batch, skip))
        else:
            self._ready.append(self._run(batch, skip))

    def _collect(self, most: int) -> Float32:
        """The scores that there are, once at most `most` batches are still to be done."""
        while self._pending and (len(self._pending) > most or self._pending[0].done()):
            self._ready.append(self._pending.popleft().result())
        ready, self._ready = self._ready, []
        return np.concatenate(ready) if ready else _NONE

    def _run(self, batch: list[Float32], skip: int) -> Float32:
        """The scores of the blocks that start `skip` frames into each window, one after another."""
        return self._model(np.stack(batch))[:, skip : skip + self._geometry.block].ravel()


class CausalScorer:
    """Log-mel frames to frame scores with a network that hears the past alone, and keeps it in a state.

    Each block of frames goes through the network once, in order. Each step scores its own frames,
    and those of the steps before it again; with `right` frames of context a frame has the score that
    the step `right` frames later gives it, and at the end of the recording the last step's. Of a
    geometry, `left` has no meaning.
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
        self._early = geometry.right  # scores still to come that are of no frame: from before the recording
        self._last = np.empty((step, model.delays), np.float32)  # what the last step said

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
        steps = -(-self._frames // self._step)
        scores = []
        if self._held:
            rest = np.concatenate(self._pieces)
            scores.append(self._score(np.pad(rest, ((0, -len(rest) % self._step), (0, 0)), mode="edge")))
        scores += [self._last[:, delay] for delay in reversed(range(min(self._delay, steps)))]
        # a step that the recording ends within was filled up with copies of the last frame
        return np.concatenate([_NONE, *scores])[: -(-self._frames % self._step) or None]

    def _score(self, block: Float32) -> Float32:
        """Go on through `block`, `(frame, mel)`; the scores `(frame,)` of the frames `right` before it."""
        said, self._state = self._model(block[None], self._state)
        self._last = said[0, -self._step :]
        scores: Float32 = said[0, :, self._delay]
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


_NONE = np.empty(0, np.float32)
