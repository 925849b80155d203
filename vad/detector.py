"""`Detector`: sound in, segments out, for whole recordings and for streams."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from vad.audio.decode import Channel, Sound, from_array, open_sound
from vad.audio.resample import Resampler, check_rate, check_raw
from vad.errors import SettingError
from vad.events import segments_of
from vad.features import Float32
from vad.geometry import LIVE, Geometry, latency_of
from vad.grid import floor_milliseconds
from vad.model import pretrained
from vad.model.session import Model, open_model
from vad.scorer import open_scorer
from vad.segmenter import Segmenter
from vad.segments import Segment
from vad.settings import PRESETS, Raw, Segmentation, parse_latency
from vad.stream import Chain, Found, Stream

Source = str | Path | BinaryIO | ArrayLike

CPU = "cpu"


@dataclass(frozen=True)
class Detection:
    """What was found in one channel of a recording (or in the mean of all)."""

    name: str  # the recording, as it was named
    channel: int | None  # counted from 1; None where channels were mixed
    duration: float  # seconds
    segments: list[Segment]
    scores: Float32 | None  # (frame,), where they were asked for


class Detector:
    """A speech detector with the weights of the package, or with `model`: a path or a name.

    Safe to share between threads. On a `device` other than "cpu" torch runs the network: "cuda",
    "cuda:1". Raises `ModelError` where the weights cannot be used, `SettingError` where the device
    cannot.
    """

    def __init__(self, model: str | Path | None = None, device: str = CPU) -> None:
        self.path = pretrained.find(model)
        self.device = device
        self.model = _open(self.path, device)
        self.description = self.model.description
        self.grid = self.description.features.grid

    @cached_property
    def live(self) -> Detector | None:
        """The causal network beside the weights, `STEM-live.onnx`, if there is one."""
        path = pretrained.find_live(self.path)
        return Detector(path, self.device) if path else None

    def at(self, latency: float | str | None) -> Detector:
        """Who answers with this `latency`: where there is little sound to wait for, the causal network."""
        short = latency is not None and parse_latency(latency) <= LIVE
        return self.live or self if short else self

    def settings(self, preset: str = "default", **changes: float | None) -> Segmentation:
        """The segmentation that `preset` stands for with this model, with `changes` that are not None.

        Raises `SettingError` for an unknown preset or setting, and for values that make no sense.
        """
        if preset not in PRESETS:
            raise SettingError(f"no preset {preset!r}; valid are {', '.join(PRESETS)}")
        known = {f.name for f in fields(Segmentation)}
        if unknown := changes.keys() - known:
            raise SettingError(f"no setting {min(unknown)!r}; valid are {', '.join(sorted(known))}")
        own = self.description.thresholds
        chosen = {**own.get(preset, own["default"]), **PRESETS[preset], **own.get(preset, {})}
        given = {name: float(value) for name, value in changes.items() if value is not None}
        if "onset" in given and "offset" not in given:
            given["offset"] = min(chosen["offset"], given["onset"])
        return Segmentation(**{**chosen, **given})

    def latency(self, latency: float | str = "balanced") -> float:
        """The real latency in seconds of scores that may be so late, or of a name of it; without resampling."""
        best = self.at(latency)
        return latency_of(best.geometry(latency), best.description.features)

    def geometry(self, latency: float | str | None = None) -> Geometry:
        """The windows in which the network sees the sound at this `latency`, `None` for whole recordings."""
        return self.model.geometry(latency)

    def detect(
        self,
        source: Source,
        *,
        sample_rate: float | None = None,
        channel: Channel = "mix",
        latency: float | str | None = None,
        preset: str = "default",
        **settings: float | None,
    ) -> list[Segment]:
        """Where the speech is: segments in seconds, in order, not overlapping.

        `source` is a path, a binary file object, or samples `(sample,)` or `(sample, channel)`
        with their `sample_rate` in Hz. With a `latency` in seconds (or a name of it) the result is
        exactly that of a stream of this latency. `settings` are those of `Segmentation`. Raises
        `AudioError` where the sound cannot be read.
        """
        sound, best = open_source(source, sample_rate), self.at(latency)
        return best.analyse(sound, best.settings(preset, **settings), _one(channel), latency=latency)[0].segments

    def scores(
        self,
        source: Source,
        *,
        sample_rate: float | None = None,
        channel: Channel = "mix",
        latency: float | str | None = None,
    ) -> Float32:
        """The probability of speech in each frame: `(frame,)` float32, one per 10 ms.

        Takes what `detect` takes; `ceil(seconds * 100)` frames come back.
        """
        sound = open_source(source, sample_rate)
        detection = self.analyse(sound, self.settings(), _one(channel), latency=latency, keep_scores=True)[0]
        assert detection.scores is not None
        return detection.scores

    def segment(self, scores: ArrayLike, *, preset: str = "default", **settings: float | None) -> list[Segment]:
        """Segments of `(frame,)` scores computed earlier, to whole frames; takes the settings of `detect`."""
        segmenter = Segmenter(self.settings(preset, **settings), self.grid)
        return segmenter.push(np.asarray(scores, np.float32)) + segmenter.finish()

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
        """A `Stream` that takes sound at `sample_rate` Hz piece by piece, and gives events.

        `latency` is how many seconds a score may be late, or a name of `vad.settings.LATENCIES`:
        the longer, the better the scores. `raw_channels` and `raw_dtype` say what bytes hold;
        arrays say it themselves. With `scores` there is a `Score` for every frame, too. `channel`
        and `settings` are those of `detect`. Any number of streams may share a detector.
        """
        rate = check_rate("stream", sample_rate)
        check_raw("stream", raw_dtype, raw_channels)
        best = self.at(latency)
        features, geometry = best.description.features, best.geometry(latency)
        chosen = best.settings(preset, **settings)
        chain = Chain(features, open_scorer(best.model, geometry, wait=1), chosen, scores)
        resampler = Resampler("stream", rate, features.sample_rate, _one(channel))
        return Stream(chain, resampler, features, geometry, Raw(rate, raw_channels, raw_dtype))

    def analyse(
        self,
        sound: Sound,
        settings: Segmentation,
        channel: Channel = "mix",
        *,
        latency: float | str | None = None,
        keep_scores: bool = False,
        hear: Callable[[Float32], None] | None = None,
        threads: int = 1,
    ) -> list[Detection]:
        """What `detect` and `scores` are made of: a `Detection` per channel (one unless `"each"`).

        `hear` is called with each block `(row, sample)` at the model's rate. With more than one of
        `threads` the network, most of the work, has so many beside this one; the result is the same.
        """
        best = self.at(latency)
        features, geometry = best.description.features, best.geometry(latency)
        threads = min(threads, best.model.runtime.max_in_flight)
        with ThreadPoolExecutor(threads) if threads > 1 else contextlib.nullcontext() as pool:
            batch = min(best.model.runtime.batch, best.model.runtime.max_in_flight // threads)
            scorers = [open_scorer(best.model, geometry, batch, pool=pool) for _ in range(sound.rows(channel))]
            chains = [Chain(features, scorer, settings) for scorer in scorers]
            segments: list[list[Segment]] = [[] for _ in chains]
            scores: list[list[Float32]] = [[] for _ in chains]

            def keep(row: int, piece: Found) -> None:
                segments[row] += segments_of(piece.events)
                if keep_scores:
                    scores[row].append(piece.scores)

            for rows in sound.blocks(features.sample_rate, channel):
                for row, samples in enumerate(rows):
                    keep(row, chains[row].push(samples))
                if hear:
                    hear(rows)
            duration = floor_milliseconds(sound.duration)
            for row, chain in enumerate(chains):
                keep(row, chain.finish(duration))
        numbers = range(1, len(chains) + 1) if channel == "each" else [None if channel == "mix" else int(channel)]
        whole = [np.concatenate(each) if keep_scores else None for each in scores]
        return [
            Detection(sound.name, number, duration, found, heard)
            for number, found, heard in zip(numbers, segments, whole, strict=True)
        ]


def _open(path: Path, device: str) -> Model:
    """The network at `path`, run by ONNX Runtime on the processor and by torch on another device."""
    if device == CPU:
        return open_model(path)
    try:
        from vad.network.device import open_on_device
    except ImportError as error:
        raise SettingError(f"device {device}: needs torch ({error}); pip install 'vad-bilstm[train]'") from error
    return open_on_device(path, device)


def open_source(source: Source, sample_rate: float | None) -> Sound:
    """A path, file object or array as a `Sound`."""
    if isinstance(source, (str, Path)) or hasattr(source, "read"):
        if sample_rate is not None:
            raise SettingError("sample_rate belongs to arrays; a file says its own")
        return open_sound(source)  # type: ignore[arg-type]
    if sample_rate is None:
        raise SettingError("samples without a sample_rate; say it, in Hz")
    return from_array(source, sample_rate)


def _one(channel: Channel) -> Channel:
    if channel == "each":
        raise SettingError('channel="each" has a result per channel; use Detector.analyse')
    return channel
