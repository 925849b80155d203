"""`Detector`: sound in, segments out; the chain of features, scorer and segmenter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from vad import pretrained
from vad.audio import Channel, Sound, from_array, open_sound
from vad.errors import ModelError, SettingError
from vad.features import FeatureStream, Float32
from vad.grid import floor_milliseconds
from vad.pretrained import Description
from vad.scorer import Network, Scorer
from vad.segmenter import Segmenter
from vad.segments import Segment, clip
from vad.settings import PRESETS, Segmentation

Source = str | Path | BinaryIO | ArrayLike


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

    Safe to share between threads. Raises `ModelError` where the weights cannot be used.
    """

    def __init__(self, model: str | Path | None = None) -> None:
        self.path = pretrained.find(model)
        self._network = Network(self.path)
        self.description = Description.from_metadata(self._network.metadata, self.path)
        if self._network.n_mels != self.description.features.n_mels:
            raise ModelError(f"{self.path}: its network and its features have different numbers of bands")
        self.grid = self.description.features.grid

    def settings(self, preset: str = "default", **changes: float | None) -> Segmentation:
        """The segmentation that `preset` stands for with this model, with `changes` that are not None.

        Raises `SettingError` for an unknown preset or setting, and for values that make no sense.
        """
        if preset not in PRESETS:
            raise SettingError(f"no preset {preset!r}; valid are {', '.join(PRESETS)}")
        known = {f.name for f in fields(Segmentation)}
        if unknown := changes.keys() - known:
            raise SettingError(f"no setting {min(unknown)!r}; valid are {', '.join(sorted(known))}")
        thresholds = self.description.thresholds
        chosen = {**thresholds.get(preset, thresholds["default"]), **PRESETS[preset]}
        given = {name: float(value) for name, value in changes.items() if value is not None}
        if "onset" in given and "offset" not in given:
            given["offset"] = min(chosen["offset"], given["onset"])
        return Segmentation(**{**chosen, **given})

    def detect(
        self,
        source: Source,
        *,
        sample_rate: float | None = None,
        channel: Channel = "mix",
        preset: str = "default",
        **settings: float | None,
    ) -> list[Segment]:
        """Where the speech is: segments in seconds, in order, not overlapping.

        `source` is a path, a binary file object, or samples `(sample,)` or `(sample, channel)`
        with their `sample_rate` in Hz. `settings` are those of `Segmentation`. Raises `AudioError`
        where the sound cannot be read.
        """
        sound = open_source(source, sample_rate)
        return self.analyse(sound, self.settings(preset, **settings), _one(channel))[0].segments

    def scores(self, source: Source, *, sample_rate: float | None = None, channel: Channel = "mix") -> Float32:
        """The probability of speech in each frame: `(frame,)` float32, one per 10 ms.

        Takes what `detect` takes; `ceil(seconds * 100)` frames come back.
        """
        sound = open_source(source, sample_rate)
        detection = self.analyse(sound, self.settings(), _one(channel), keep_scores=True)[0]
        assert detection.scores is not None
        return detection.scores

    def segment(self, scores: ArrayLike, *, preset: str = "default", **settings: float | None) -> list[Segment]:
        """Segments of `(frame,)` scores computed earlier, to whole frames; takes the settings of `detect`."""
        segmenter = Segmenter(self.settings(preset, **settings), self.grid)
        return segmenter.push(np.asarray(scores, np.float32)) + segmenter.finish()

    def analyse(
        self,
        sound: Sound,
        settings: Segmentation,
        channel: Channel = "mix",
        *,
        keep_scores: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> list[Detection]:
        """What `detect` and `scores` are made of: a `Detection` per channel (one unless `"each"`).

        `progress` is called with the seconds read so far.
        """
        chains = [_Chain(self, settings, keep_scores) for _ in range(sound.rows(channel))]
        for rows in sound.blocks(self.grid.sample_rate, channel):
            for chain, samples in zip(chains, rows, strict=True):
                chain.push(samples)
            if progress:
                progress(sound.duration)
        duration = floor_milliseconds(sound.duration)
        numbers = range(1, len(chains) + 1) if channel == "each" else [None if channel == "mix" else int(channel)]
        return [chain.finish(sound.name, number, duration) for chain, number in zip(chains, numbers, strict=True)]


class _Chain:
    """The stages for one channel, each fed with what the one before gives."""

    def __init__(self, detector: Detector, settings: Segmentation, keep_scores: bool) -> None:
        self._features = FeatureStream(detector.description.features)
        self._scorer = Scorer(detector._network)
        self._segmenter = Segmenter(settings, detector.grid)
        self._scores: list[Float32] | None = [] if keep_scores else None
        self._segments: list[Segment] = []

    def push(self, samples: Float32) -> None:
        self._take(self._scorer.push(self._features.push(samples)))

    def finish(self, name: str, channel: int | None, duration: float) -> Detection:
        self._take(self._scorer.push(self._features.finish()))
        self._take(self._scorer.finish())
        self._segments += self._segmenter.finish()
        scores = None if self._scores is None else np.concatenate(self._scores)
        return Detection(name, channel, duration, clip(self._segments, duration), scores)

    def _take(self, scores: Float32) -> None:
        if self._scores is not None:
            self._scores.append(scores)
        self._segments += self._segmenter.push(scores)


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
