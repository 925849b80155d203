"""A weights file as a function, run by ONNX Runtime."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from vad.errors import ModelError
from vad.features import Float32
from vad.model.onnxfile import DAMAGED, LIMIT, check_graph
from vad.model.pretrained import Description

ROUNDING = 1e-5  # by which the sigmoid of ONNX Runtime may exceed 1
INPUT, OUTPUT = "features", "scores"
STATE, NEXT_STATE = "state", "next_state"  # of a causal network

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)


class Network:
    """An ONNX file as a function: `(window, frame, mel)` log-mel to `(window, frame)` scores 0..1.

    A causal network, one with `delays`, goes on from a state instead: see `vad.scorer.CausalScorer`. One thread
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
            metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            inputs = {i.name: i.shape for i in self._session.get_inputs()}
            outputs = {o.name: o.shape for o in self._session.get_outputs()}
        except (*_REFUSALS, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: {DAMAGED}") from error
        names, ranks = (list(inputs), list(outputs)), [len(s) for s in (*inputs.values(), *outputs.values())]
        causal = names == ([INPUT, STATE], [OUTPUT, NEXT_STATE]) and ranks == [3, 2, 3, 2]
        if not causal and (names != ([INPUT], [OUTPUT]) or ranks[0] != 3):
            raise ModelError(f"{path}: an ONNX file, but not a speech detector of this package")
        self.description = Description.from_metadata(metadata, path)
        self.stride = self.description.stride  # frames per step
        self.n_mels = inputs[INPUT][2]
        self.delays: int = outputs[OUTPUT][2] if causal else 0  # how many steps a step scores, itself the last
        self.state: int = inputs[STATE][1] if causal else 0  # size of the state

    def __call__(self, features: Float32) -> Float32:
        """Scores `(window, frame)` of features `(window, frame, mel)`."""
        (scores,) = self._run([OUTPUT], {INPUT: features})
        if scores.shape != features.shape[:2]:
            raise ModelError(f"the network gives {scores.shape} scores for features of shape {features.shape}")
        return scores

    def go_on(self, features: Float32, state: Float32) -> tuple[Float32, Float32]:
        """Scores `(window, frame, delay)` of whole steps of frames that follow `state`, and the next state."""
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


def keep_memory() -> None:
    """Have glibc keep memory that was freed, for the whole process.

    To hand it back after every batch, and take it again for the next, costs 5 % of the time of
    detection and half of that of training.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library, another system
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((M_TRIM_THRESHOLD, 2**31 - 1), (M_MMAP_THRESHOLD, 2**30)):
            libc.mallopt(parameter, value)
