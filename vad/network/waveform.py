"""A weights file that takes samples: the features of `vad.features` as the first operators of the graph.

For programs that have ONNX Runtime and nothing of this package: C++, mobile, browsers. A spectrum
is a convolution with the windowed cosines and sines, the bands another one over its squares. That
costs more operations than the FFT, and differs from it by rounding alone, which `check` measures.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from vad.atomic import write
from vad.detector import Detector
from vad.errors import ModelError
from vad.features import Float32, LogMel
from vad.grid import Grid
from vad.model.runtime import INPUT, OUTPUT, STATE, CausalModel

SAMPLES = "samples"
TOLERANCE = 1e-3  # of a score
SECONDS = 20  # of sound that the check is made with


def export_waveform(detector: Detector, path: Path) -> float:
    """Write the weights of `detector` as a graph that takes samples; how far its scores are off comes back.

    Raises `ModelError`, and writes nothing, where that is more than `TOLERANCE`.
    """
    content = to_waveform(onnx.load(detector.path), detector).SerializeToString()
    off = check(content, detector)
    if off > TOLERANCE:
        raise ModelError(f"{detector.path}: its scores of samples would be off by {off:.1g}; nothing is written")
    write(path, content)
    return off


def to_waveform(model: onnx.ModelProto, detector: Detector) -> onnx.ModelProto:
    """`model` with `samples (window, sample)` in place of its features; all else stays as it is."""
    features = detector.description.features
    spectrum, bands = _kernels(features)
    constants: dict[str, NDArray[Any]] = {
        "channel": np.array([1], np.int64),
        "spectrum": spectrum,
        "bands": bands,
        "floor": np.array(features.floor, np.float32),
    }
    front = [
        helper.make_node("Unsqueeze", [SAMPLES, "channel"], ["sound"]),  # (window, 1, sample)
        helper.make_node("Conv", ["sound", "spectrum"], ["bins"], strides=[features.hop]),
        helper.make_node("Mul", ["bins", "bins"], ["squares"]),  # (window, real and imaginary bin, frame)
        helper.make_node("Conv", ["squares", "bands"], ["energy"]),
        helper.make_node("Add", ["energy", "floor"], ["above_floor"]),
        helper.make_node("Log", ["above_floor"], ["log_mel"]),  # (window, mel, frame)
        helper.make_node("Transpose", ["log_mel"], [INPUT], perm=[0, 2, 1]),
    ]
    graph = model.graph
    inputs = [helper.make_tensor_value_info(SAMPLES, TensorProto.FLOAT, ["window", "sample"])]
    made = helper.make_graph(
        [*front, *graph.node],
        graph.name,
        [*inputs, *(value for value in graph.input if value.name != INPUT)],
        graph.output,
        [*(numpy_helper.from_array(value, name) for name, value in constants.items()), *graph.initializer],
    )
    whole = helper.make_model(made, opset_imports=model.opset_import, ir_version=model.ir_version)
    about = {entry.key: entry.value for entry in model.metadata_props}
    helper.set_model_props(whole, about | {"waveform": json.dumps(contract(detector))})
    onnx.checker.check_model(whole, full_check=True)
    return whole


def contract(detector: Detector) -> dict[str, int | str]:
    """What a caller has to know of the samples: `hop`, `before` and `after` in samples, the rest in frames."""
    features = detector.description.features
    common: dict[str, int | str] = {
        "sample_rate": features.sample_rate,
        "hop": features.hop,
        "before": features.lead,
        "after": features.window - features.hop - features.lead,
        "stride": detector.description.stride,
        "samples": "mono float32, -1..1: for each frame `hop` samples, with the `before` of them that come before "
        "the first and the `after` that come after the last; zeros where the recording has none",
    }
    if isinstance(detector.model, CausalModel):
        use = "whole steps of `stride` frames; the state is zeros at first, and then the next_state of the call before"
        return common | {"use": use}
    return common | {
        **vars(detector.geometry()),
        "use": "frames in blocks of `block`, each with `left` frames before it and `right` after it, as far as the "
        "recording reaches; the scores of those are dropped",
    }


def check(content: bytes, detector: Detector) -> float:
    """The largest difference between the scores of a graph that takes samples and those of `detector`."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    features = detector.description.features
    samples = _sound(features.sample_rate)
    scores = detector.scores(samples, sample_rate=features.sample_rate)
    feed = {SAMPLES: np.pad(samples, (features.lead, features.window - features.hop - features.lead))[None]}
    if not isinstance(detector.model, CausalModel):
        return float(np.abs(np.asarray(session.run([OUTPUT], feed)[0])[0] - scores).max())
    feed[STATE] = detector.model.begin()
    delay = detector.geometry().right  # frames by which an answer comes late
    found = np.asarray(session.run([OUTPUT], feed)[0])[0, delay:, delay // detector.description.stride]
    return float(np.abs(found - scores[: len(found)]).max())


def _sound(rate: int) -> Float32:
    """Noise with a voice-like hum that comes and goes, from silence to full scale: `(sample,)`, whole frames."""
    time = np.arange(SECONDS * rate) / rate
    hum = sum(np.sin(2 * np.pi * pitch * time + np.sin(9 * time)) / pitch for pitch in range(120, 4000, 120))
    level = 10 ** (-4 * (0.5 + 0.5 * np.cos(2 * np.pi * time / 7)))
    noise = np.random.default_rng(0).standard_normal(len(time))
    sound = level * (0.3 * noise + 40 * hum * (np.sin(2 * np.pi * time / 1.7) > 0))
    return np.clip(sound, -1, 1).astype(np.float32)[: Grid(rate).to_samples(SECONDS)]


def _kernels(features: LogMel) -> tuple[Float32, Float32]:
    """Convolutions from samples to the bins' real and imaginary parts, and from their squares to bands."""
    bins: NDArray[np.int64] = np.arange(features.window // 2 + 1)
    turns = bins[:, None] * np.arange(features.window)[None] % features.window / features.window
    waves = np.concatenate([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)])
    spectrum = (waves * features.taper).astype(np.float32)[:, None]  # (bin, 1, sample)
    bands = np.concatenate([features.filterbank, features.filterbank]).T[:, :, None]  # (mel, bin, 1)
    return spectrum, np.ascontiguousarray(bands)
