"""Log-mel frames to frame scores: windows of bounded context through ONNX Runtime.

The recording is divided into blocks on an absolute grid. The network sees each block with `left`
frames before and `right` frames after it, as far as the recording reaches: at its beginning and
end the window is shorter, never filled up. So a score depends on the sound around its place in
the recording and on nothing else: not on how the sound arrived, nor on what shared the batch.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from vad.errors import ModelError
from vad.features import Float32
from vad.model.onnxfile import DAMAGED, LIMIT, check_graph

ROUNDING = 1e-5  # by which the sigmoid of ONNX Runtime may exceed 1
INPUT, OUTPUT = "features", "scores"
STATE, NEXT_STATE = "state", "next_state"  # of a causal network


@dataclass(frozen=True)
class Geometry:
    """Frames of a window: `left` context, the `block` that is scored, `right` context."""

    left: int = 800
    block: int = 8000
    right: int = 400

    def __post_init__(self) -> None:
        if self.block < 2 or min(self.left, self.right) < 0 or self.left % 2 or self.block % 2:
            raise ModelError(f"{self}: frames must not be negative, left and block even, block at least 2")


OFFLINE = Geometry()


class Network:
    """An ONNX file as a function: `(window, frame, mel)` log-mel to `(window, frame)` scores 0..1.

    A causal network, one with `delays`, goes on from a state instead: see `vad.causal`. One thread
    per call: results of ONNX Runtime then do not depend on the size of the batch.
    """

    batch = 4  # windows that a thread takes at once; with more it is no faster
    most = 8  # windows under way in all threads, for the sake of memory

    def __init__(self, path: Path) -> None:
        content = _read(path)
        self.digest = hashlib.sha256(content).hexdigest()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # a plan of its memory saves no time, and takes more of it
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            inputs = {i.name: i.shape for i in self._session.get_inputs()}
            outputs = {o.name: o.shape for o in self._session.get_outputs()}
        except (*_REFUSALS, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: {DAMAGED}") from error
        names, ranks = (list(inputs), list(outputs)), [len(s) for s in (*inputs.values(), *outputs.values())]
        causal = names == ([INPUT, STATE], [OUTPUT, NEXT_STATE]) and ranks == [3, 2, 3, 2]
        if not causal and (names != ([INPUT], [OUTPUT]) or ranks[0] != 3):
            raise ModelError(f"{path}: an ONNX file, but not a speech detector of this package")
        self.n_mels = inputs[INPUT][2]
        self.delays: int = outputs[OUTPUT][2] if causal else 0  # how many steps of two frames a step scores
        self.state: int = inputs[STATE][1] if causal else 0  # size of the state

    def __call__(self, features: Float32) -> Float32:
        """Scores `(window, frame)` of features `(window, frame, mel)`."""
        (scores,) = self._run([OUTPUT], {INPUT: features})
        if scores.shape != features.shape[:2]:
            raise ModelError(f"the network gives {scores.shape} scores for features of shape {features.shape}")
        return scores

    def go_on(self, features: Float32, state: Float32) -> tuple[Float32, Float32]:
        """Scores `(window, frame, delay)` of an even number of frames that follow `state`, and the next state."""
        scores, after = self._run([OUTPUT, NEXT_STATE], {INPUT: features, STATE: state})
        if scores.shape != (*features.shape[:2], self.delays) or after.shape != state.shape:
            raise ModelError(f"the network gives {scores.shape} scores for features of shape {features.shape}")
        return scores, after

    def _run(self, names: list[str], given: dict[str, Float32]) -> list[Float32]:
        found = self._compute(names, given)
        if not (found[0].min(initial=0) >= -ROUNDING and found[0].max(initial=0) <= 1 + ROUNDING):  # NaN is neither
            raise ModelError("the network gives scores that are not from 0 to 1")
        np.clip(found[0], 0, 1, out=found[0])
        return found

    def _compute(self, names: list[str], given: dict[str, Float32]) -> list[Float32]:
        try:
            found: list[Float32] = self._session.run(names, given)
        except _REFUSALS as error:
            raise ModelError(f"the network does not take features of shape {given[INPUT].shape}") from error
        return found


def _read(path: Path) -> bytes:
    """A weights file, all at once: whatever becomes of it later, the network stays what it is."""
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
        if len(content) > LIMIT:
            raise ModelError("longer than any weights file of this package")
        check_graph(content)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); give a weights file") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return content


_REFUSALS = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)


class Scorer:
    """Takes frames in pieces, gives scores block by block, in batches of up to `batch` windows (the network's).

    A batch is waited for unless `wait` says how many blocks are enough: 1 where time matters. With
    a `pool` of threads batches are scored there meanwhile, and come when they are done, in order;
    there are never more windows under way than the network's `most`, and one batch that waits.
    """

    def __init__(
        self,
        network: Network,
        geometry: Geometry = OFFLINE,
        batch: int | None = None,
        wait: int | None = None,
        pool: Executor | None = None,
    ) -> None:
        self._network, self._geometry, self._pool = network, geometry, pool
        self._batch = batch or network.batch
        self._wait = wait or self._batch
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
        if complete >= self._wait:
            self._score(complete)
        return self._collect(self._network.most // self._batch + 1)

    @property
    def missing(self) -> int:
        """How many more frames it takes until `push` gives scores again, at least 1."""
        return self._scored + self._wait * self._geometry.block + self._geometry.right - self._frames

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
        return self._network(np.stack(batch))[:, skip : skip + self._geometry.block].ravel()


_NONE = np.empty(0, np.float32)
