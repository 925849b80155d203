"""`Detector`: the segments of speech in recordings and in streams."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from vad.audio.decode import Channel, Sound, from_array, open_sound
from vad.audio.resample import Resampler, check_rate, check_raw
from vad.errors import SettingError
from vad.events import End
from vad.extras import install_command
from vad.features import Float32
from vad.geometry import LIVE, Geometry, latency_of
from vad.grid import floor_milliseconds
from vad.model import pretrained
from vad.model.runtime import ROUNDING, Model, open_model
from vad.scorer import open_scorer
from vad.scores import Scores
from vad.segmenter import Segmenter
from vad.segments import Segment, clip
from vad.settings import Raw, Segmentation, parse_latency, to_segmentation
from vad.stream import Chain, ChainResult, Stream

AudioInput = str | Path | BinaryIO | ArrayLike  # a path, a binary file object, or samples

CPU = "cpu"


@dataclass(frozen=True)
class Detection:
    """The speech detected in one channel of a recording, or in the mean of its channels."""

    name: str  # of the recording, as the caller gave it
    channel: int | None  # counted from 1; None for the mean of all channels
    duration: float  # seconds
    segments: list[Segment]
    scores: Scores | None  # None unless `keep_scores`
    segment_scores: tuple[float, ...] = ()  # of `segments`: means over their frames without padding, 0..1


class Detector:
    """A speech detector with the default weights, or with `model`: a path, or a name of weights in the package.

    A `str` that is such a name means the package: `./NAME` or a `Path` is a file or folder of that name.
    Threads may share a detector. A pickled one, in another process, opens the same weights anew. On
    the `device` "cpu" ONNX Runtime runs the network; on any other, like "cuda" or "cuda:1", torch does.
    Raises `ModelError` where the weights cannot be used, `SettingError` where the device cannot.
    """

    def __init__(self, model: str | Path | None = None, device: str = CPU) -> None:
        path = pretrained.find(model)
        self.path = path.absolute()  # a daemon changes its folder, and `live` is opened later
        self.device = device
        self.model = _open(path, device)
        self.description = self.model.description
        self.grid = self.description.features.grid

    def __reduce__(self) -> tuple[type[Detector], tuple[str | Path, str]]:
        packaged = self.path.parent == pretrained.FOLDER
        return type(self), (self.path.stem if packaged else self.path, self.device)

    @cached_property
    def live(self) -> Detector | None:
        """The detector for low latencies: a causal network in `STEM-live.onnx` beside the weights, if there is one."""
        path = pretrained.find_live(self.path)
        return Detector(path, self.device) if path else None

    def for_latency(self, latency: float | str | None) -> Detector:
        """The detector used at this `latency`: `live`, if there is one, up to 0.5 s, and otherwise this one.

        `latency` is in seconds or a name of `vad.settings.LATENCIES`; `None` stands for whole recordings.
        `detect`, `scores` and `stream` call this for you. Raises `SettingError` for an invalid latency.
        """
        low = latency is not None and parse_latency(latency) <= LIVE
        return self.live or self if low else self

    def settings(self, preset: str = "default", **changes: float | None) -> Segmentation:
        """The settings of `preset` with the thresholds of this model: see `vad.settings.to_segmentation`."""
        return to_segmentation(self.description.thresholds, preset, **changes)

    def latency(self, latency: float | str = "balanced") -> float:
        """The exact latency in seconds of a stream with this `latency`, which it is at most; without resampling."""
        best = self.for_latency(latency)
        return latency_of(best.geometry(latency), best.description.features)

    def geometry(self, latency: float | str | None = None) -> Geometry:
        """The windows in which this model scores frames at this `latency`; `None`: in whole recordings."""
        return self.model.geometry(latency)

    def detect(
        self,
        source: AudioInput,
        *,
        sample_rate: float | None = None,
        channel: Channel = "mix",
        latency: float | str | None = None,
        preset: str = "default",
        **settings: float | None,
    ) -> list[Segment]:
        """The segments of speech, in seconds, in order, without overlap.

        `source` is a path, a binary file object, or an array of samples `(sample,)` or
        `(sample, channel)` with its `sample_rate` in Hz. With a `latency` (see `stream`) the result
        equals that of a stream of this latency. `settings` are those of `vad.Segmentation`. Raises
        `AudioError` where the audio cannot be read, `SettingError` for invalid parameters.
        """
        best, one = self.for_latency(latency), _not_each(channel)
        chosen = best.settings(preset, **settings)
        return best.analyse(_open_input(source, sample_rate), chosen, one, latency=latency)[0].segments

    def scores(
        self,
        source: AudioInput,
        *,
        sample_rate: float | None = None,
        channel: Channel = "mix",
        latency: float | str | None = None,
    ) -> Scores:
        """The probability of speech in each frame of 10 ms: a float32 array `(ceil(n / hop),)`.

        n is the number of samples after resampling, which rounds it, and `hop` that of a frame: 160 at 16 kHz.
        Takes the parameters of `detect`. `Scores` also carry the model that made them, so that
        `segment(scores(x, latency=l), preset=p)` equals `detect(x, latency=l, preset=p)`.
        """
        best, one = self.for_latency(latency), _not_each(channel)
        sound = _open_input(source, sample_rate)
        detection = best.analyse(sound, best.settings(), one, latency=latency, keep_scores=True)[0]
        assert detection.scores is not None
        return detection.scores

    def segment(
        self, scores: Scores | ArrayLike, *, preset: str = "default", **settings: float | None
    ) -> list[Segment]:
        """The segments of speech in frame scores `(frame,)`, as `detect` finds them.

        For `Scores` the thresholds of the model that made them apply, and segments end with the
        recording; for a plain array the thresholds of this model, and segments end with its last
        frame. `preset` and `settings` are those of `detect`. Raises `SettingError`.
        """
        values = np.asarray(scores, np.float32)
        if values.ndim != 1:
            raise SettingError(f"scores of shape {values.shape}: give one score per frame, (frame,)", "scores")
        if not (np.abs(values - 0.5) <= 0.5 + ROUNDING).all():  # NaN is neither
            raise SettingError("scores: hold values that are not from 0 to 1; give probabilities", "scores")
        if not isinstance(scores, Scores):
            scores = Scores(values, self.grid, self.description.identity, self.description.thresholds)
        segmenter = Segmenter(to_segmentation(scores.thresholds, preset, **settings), scores.grid)
        segments = segmenter.push(values) + segmenter.finish()
        return segments if scores.duration is None else clip(segments, scores.duration)

    def stream(
        self,
        *,
        sample_rate: float,
        latency: float | str = "balanced",
        channel: Channel = "mix",
        raw_channels: int = Raw.channels,
        raw_dtype: str = Raw.dtype,
        scores: bool = False,
        preset: str = "default",
        **settings: float | None,
    ) -> Stream:
        """A `Stream`: it takes sound at `sample_rate` Hz in chunks of any length, and gives events.

        `latency` is the longest time in seconds between a sound and its score, or a name of
        `vad.settings.LATENCIES`; more latency gives better scores. `raw_channels` and `raw_dtype`
        are those of samples that come as bytes; arrays of more than 32 channels need `raw_channels`,
        too. With `scores` there is also a `Score` for every
        frame. `channel`, `preset` and `settings` are those of `detect`. Any number of streams may
        share a detector. Raises `AudioError` for a rate or for samples that no sound has, `SettingError`
        for other invalid parameters.
        """
        rate = check_rate("stream", sample_rate)
        check_raw("stream", raw_dtype, raw_channels)
        best = self.for_latency(latency)
        features, geometry = best.description.features, best.geometry(latency)
        chosen = best.settings(preset, **settings)
        chain = Chain(features, open_scorer(best.model, geometry, min_blocks=1), chosen, scores)
        resampler = Resampler("stream", rate, features.sample_rate, _not_each(channel))
        return Stream(chain, resampler, features, geometry, Raw(rate, raw_channels, raw_dtype))

    def analyse(
        self,
        sound: Sound,
        settings: Segmentation,
        channel: Channel = "mix",
        *,
        latency: float | str | None = None,
        keep_scores: bool = False,
        on_block: Callable[[Float32], None] | None = None,
        threads: int = 1,
    ) -> list[Detection]:
        """Detect speech in `sound`: one `Detection`, or one per channel with `channel="each"`.

        The model is this detector's at any `latency`; `detect` and `scores` choose one by `for_latency`
        and call this. `on_block` is called with each block of samples `(row, sample)` at the model's
        rate, a row per channel. With more than one of `threads` the network, which takes most of the
        time, runs in that many threads besides the calling one; the result is the same. Raises
        `AudioError` where the audio cannot be read, `SettingError` for a `latency` that is too short.
        """
        about, runtime = self.description, self.model.runtime
        threads = min(threads, runtime.max_in_flight)
        with ThreadPoolExecutor(threads) if threads > 1 else contextlib.nullcontext() as pool:
            batch, geometry = min(runtime.batch, runtime.max_in_flight // threads), self.geometry(latency)
            scorers = [open_scorer(self.model, geometry, batch, pool=pool) for _ in range(sound.rows(channel))]
            chains = [Chain(about.features, scorer, settings) for scorer in scorers]
            ends: list[list[End]] = [[] for _ in chains]
            scores: list[list[Float32]] = [[] for _ in chains]

            def collect(row: int, result: ChainResult) -> None:
                ends[row] += [event for event in result.events if isinstance(event, End)]
                if keep_scores:
                    scores[row].append(result.scores)

            for block in sound.blocks(about.features.sample_rate, channel):
                for row, samples in enumerate(block):
                    collect(row, chains[row].push(samples))
                if on_block:
                    on_block(block)
            duration = floor_milliseconds(sound.duration)
            for row, chain in enumerate(chains):
                collect(row, chain.finish(duration))
        detections = []
        for row in range(len(chains)):
            number = row + 1 if channel == "each" else None if channel == "mix" else int(channel)
            whole = None
            if keep_scores:
                whole = Scores(np.concatenate(scores[row]), self.grid, about.identity, about.thresholds, duration)
            segments, means = [end.segment for end in ends[row]], tuple(end.score for end in ends[row])
            detections.append(Detection(sound.name, number, duration, segments, whole, means))
        return detections


def _open(path: Path, device: str) -> Model:
    """The network at `path`, run by ONNX Runtime on the processor and by torch on another device."""
    if device == CPU:
        return open_model(path)
    try:
        from vad.network.torch_runtime import open_on_device
    except ImportError as error:
        raise SettingError(f"device {device}: needs torch ({error}); {install_command('train')}", "device") from error
    return open_on_device(path, device)


def _open_input(source: AudioInput, sample_rate: float | None) -> Sound:
    """`source` as a `Sound`; `sample_rate` in Hz belongs to an array."""
    if isinstance(source, (str, Path)) or hasattr(source, "read"):
        if sample_rate is not None:
            raise SettingError("sample_rate: a file holds its own; give one for arrays only", "sample_rate")
        return open_sound(source)  # type: ignore[arg-type]
    if sample_rate is None:
        raise SettingError("sample_rate: an array of samples needs one; give it in Hz", "sample_rate")
    return from_array(source, sample_rate)


def _not_each(channel: Channel) -> Channel:
    if channel == "each":
        raise SettingError('channel="each" gives a result per channel; use Detector.analyse', "channel")
    return channel
