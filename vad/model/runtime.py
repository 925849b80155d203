"""The network of a weights file as a function, run by ONNX Runtime.

There are two kinds. A bidirectional network scores windows of frames, each on its own. A causal
network sees the past alone: it takes the frames in order, and a state carries what came before.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from vad.errors import ModelError
from vad.features import Float32
from vad.geometry import Geometry, bidirectional_geometry, causal_geometry
from vad.model.onnxfile import DAMAGED, LIMIT, check_graph
from vad.model.pretrained import Description

ROUNDING = 1e-5  # by which the sigmoid of ONNX Runtime may exceed 1
INPUT, OUTPUT = "features", "scores"
STATE, NEXT_STATE = "state", "next_state"  # of a causal network
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_FAILURES = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoSuchFile,
    failures.NotImplemented,
    failures.RuntimeException,
)


class Runtime(Protocol):
    """Computes the outputs of a network, by name, from its inputs."""

    batch: int  # windows to give it at once; more are no faster
    max_in_flight: int  # windows that all threads together may give it at once: a limit on memory

    def __call__(self, outputs: list[str], inputs: dict[str, Float32]) -> list[Float32]:
        """Raises `ModelError` where the network does not take the inputs."""


@dataclass(frozen=True)
class BidirectionalModel:
    """A function from windows of features to scores."""

    runtime: Runtime
    description: Description
    digest: str  # SHA-256 of the weights file, in hexadecimal digits

    def geometry(self, latency: float | str | None) -> Geometry:
        """See `vad.geometry.bidirectional_geometry`."""
        return bidirectional_geometry(latency, self.description.features, self.description.stride)

    def __call__(self, features: Float32) -> Float32:
        """Scores `(window, frame)` from 0 to 1 of log-mel features `(window, frame, mel)`."""
        (scores,) = self.runtime([OUTPUT], {INPUT: features})
        return _checked(scores, features.shape[:2])


@dataclass(frozen=True)
class CausalModel:
    """A function from features and a state to scores and the next state.

    Each step scores its own frames and those of the steps before it: `delays` steps in all.
    """

    runtime: Runtime
    description: Description
    digest: str  # SHA-256 of the weights file, in hexadecimal digits
    delays: int
    state_size: int  # numbers in the state of a window

    def geometry(self, latency: float | str | None) -> Geometry:
        """See `vad.geometry.causal_geometry`."""
        return causal_geometry(latency, self.description.features, self.description.stride, self.delays)

    def begin(self, windows: int = 1) -> Float32:
        """The state at the start of a recording, `(window, state)`."""
        return np.zeros((windows, self.state_size), np.float32)

    def __call__(self, features: Float32, state: Float32) -> tuple[Float32, Float32]:
        """Scores `(window, frame, delay)` of `(window, frame, mel)`, whole steps of frames, and the next state."""
        scores, after = self.runtime([OUTPUT, NEXT_STATE], {INPUT: features, STATE: state})
        if after.shape != state.shape:
            raise ModelError(f"the network gives a state of shape {after.shape} after one of shape {state.shape}")
        return _checked(scores, (*features.shape[:2], self.delays)), after


Model: TypeAlias = BidirectionalModel | CausalModel


class OnnxRuntime:
    """ONNX Runtime on the processor, in the thread of the caller: scores do not depend on the size of a batch.

    Raises `ModelError`, which does not name the file, where it cannot read `content`.
    """

    batch = 4
    max_in_flight = 8

    def __init__(self, content: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_mem_pattern = False  # planning the memory saves no time, and takes more memory
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            self.inputs: dict[str, list[int | str]] = {i.name: i.shape for i in self._session.get_inputs()}
            self.outputs: dict[str, list[int | str]] = {o.name: o.shape for o in self._session.get_outputs()}
        except (*_FAILURES, UnicodeDecodeError) as error:
            raise ModelError(DAMAGED) from error

    def __call__(self, outputs: list[str], inputs: dict[str, Float32]) -> list[Float32]:
        """See `Runtime`."""
        try:
            computed: list[Float32] = self._session.run(outputs, inputs)
        except _FAILURES as error:
            raise ModelError(f"the network does not take features of shape {inputs[INPUT].shape}") from error
        return computed


def open_model(path: Path) -> Model:
    """The network of a weights file, run by ONNX Runtime.

    Raises `ModelError` where the file cannot be read, is damaged, or holds no network of this package.
    """
    content = read_weights(path)
    try:
        runtime = OnnxRuntime(content)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    names = list(runtime.inputs), list(runtime.outputs)
    shapes = [*runtime.inputs.values(), *runtime.outputs.values()]
    causal = names == ([INPUT, STATE], [OUTPUT, NEXT_STATE]) and [*map(len, shapes)] == [3, 2, 3, 2]
    if not causal and not (names == ([INPUT], [OUTPUT]) and len(shapes[0]) == 3):
        raise ModelError(f"{path}: an ONNX file, but not a speech detector of this package")
    description, digest = Description.from_metadata(runtime.metadata, path), hashlib.sha256(content).hexdigest()
    if shapes[0][2] != description.features.n_mels:
        raise ModelError(f"{path}: its network and its features have different numbers of bands")
    if not causal:
        return BidirectionalModel(runtime, description, digest)
    size, delays = shapes[1][1], shapes[2][2]
    if not isinstance(size, int) or not isinstance(delays, int) or min(size, delays) < 1:
        raise ModelError(f"{path}: its network does not say how large its state is")
    return CausalModel(runtime, description, digest, delays, size)


def read_weights(path: Path) -> bytes:
    """The content of a weights file, read once: a later change of the file does not change the network.

    Raises `ModelError` where the file cannot be read or holds more than a network.
    """
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


def _checked(scores: Float32, shape: tuple[int, ...]) -> Float32:
    """`scores`, which must have this `shape` and be probabilities but for rounding."""
    if scores.shape != shape:
        raise ModelError(f"the network gives scores of shape {scores.shape}, not {shape}")
    lowest, highest = scores.min(initial=0), scores.max(initial=1)
    if not (lowest >= -ROUNDING and highest <= 1 + ROUNDING):  # NaN is neither
        raise ModelError("the network gives scores that are not from 0 to 1")
    return np.clip(scores, 0, 1, out=scores) if lowest < 0 or highest > 1 else scores


def keep_memory() -> None:
    """Have glibc keep freed memory, for the whole process.

    Returning it after every batch, and taking it again for the next, costs 5 % of the time of
    detection and half of that of training.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library, another system
        libc = ctypes.CDLL("libc.so.6")
        for parameter, value in ((M_TRIM_THRESHOLD, 2**31 - 1), (M_MMAP_THRESHOLD, 2**30)):
            libc.mallopt(parameter, value)
