"""Several detectors on the same recordings: accuracy where there is a reference, else agreement; and speed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vad.errors import AudioError, VadError
from vad.evaluation.overlap import Floats, cut_pieces, to_spans
from vad.evaluation.peers import RATE, System, frame_scores, read_samples
from vad.evaluation.results import Group, Hypothesis, RecordingResult, evaluate_recording, percentile_interval
from vad.features import Float32
from vad.labels.labelled_set import LabelledRecording
from vad.segments import Segment, clip
from vad.settings import DEFAULT_EVALUATION, EvaluationSettings


@dataclass
class Comparison:
    """Totals of each detector over the same recordings; dictionaries have the names of the detectors as keys."""

    groups: dict[str, Group] = field(default_factory=dict)  # recordings with a reference; empty without any
    recordings: int = 0
    seconds: float = 0.0  # of sound
    processor: dict[str, float] = field(default_factory=dict)  # seconds of processor time, from samples to segments
    speech: dict[str, float] = field(default_factory=dict)  # seconds of detected speech
    segments: dict[str, int] = field(default_factory=dict)  # number of detected segments
    agreement: Floats = field(default_factory=lambda: np.empty((0, 0)))  # (system, system) seconds of equal decisions
    problems: list[str] = field(default_factory=list)  # recordings that were left out, and why
    settings: EvaluationSettings = DEFAULT_EVALUATION
    about: dict[str, Any] = field(default_factory=dict)  # what was compared: models, paths

    def difference(self, name: str, metric: str) -> tuple[float, float, float]:
        """How much higher a metric is than that of the first detector, and the 95 % interval of this difference.

        The interval is the paired bootstrap's: each draw takes the same recordings for both. An
        interval on one side of 0 is a difference that other recordings of the kind would show, too.
        NaN where the metric is undefined or has no draws.
        """
        first, other = next(iter(self.groups.values())), self.groups[name]
        if metric not in first.draws:
            return math.nan, math.nan, math.nan
        interval = percentile_interval(other.draws[metric] - first.draws[metric])
        return other.pooled[metric] - first.pooled[metric], *interval


def compare(
    recordings: Sequence[LabelledRecording],
    unlabelled: Sequence[str],
    systems: dict[str, System],
    settings: EvaluationSettings = DEFAULT_EVALUATION,
    *,
    change: Callable[[Float32], Float32] = lambda samples: samples,
    progress: Callable[[float], None] = lambda _: None,
) -> Comparison:
    """Run every system on every recording, one after another on one thread.

    `unlabelled` are paths of sound without a reference. `change` is applied to the samples
    `(sample,)` first, as a telephone line would. Processor time is measured from samples to
    segments, without decoding. Recordings that cannot be read become problems; raises `AudioError`
    if none can.
    """
    comparison = Comparison(settings=settings, agreement=np.zeros((len(systems), len(systems))))
    for totals in (comparison.processor, comparison.speech, comparison.segments):
        totals.update(dict.fromkeys(systems, 0))
    results: dict[str, list[RecordingResult]] = {name: [] for name in systems}
    everything: list[LabelledRecording | str] = [*recordings, *unlabelled]
    for done, one in enumerate(everything, 1):
        path = one if isinstance(one, str) else one.path
        try:
            samples = change(read_samples(path))
        except VadError as error:
            comparison.problems.append(str(error))
            continue
        duration = len(samples) / RATE
        detected = _detect(systems, samples, comparison)
        comparison.agreement += _agreement(list(detected.values()), duration)
        comparison.seconds += duration
        comparison.recordings += 1
        if isinstance(one, LabelledRecording):
            for name, segments in detected.items():
                found = Hypothesis(duration, segments, frame_scores(systems[name], samples))
                results[name].append(evaluate_recording(one, found, settings.collar))
        progress(done / len(everything))
    if not comparison.seconds:
        raise AudioError(comparison.problems[-1] if comparison.problems else "none of the recordings can be used")
    comparison.groups = {name: Group(of_it, settings) for name, of_it in results.items() if of_it}
    return comparison


def _detect(systems: dict[str, System], samples: Float32, comparison: Comparison) -> dict[str, list[Segment]]:
    """The segments of each system, in order and within the recording; adds them to the totals of `comparison`."""
    detected = {}
    for name, system in systems.items():
        began = time.process_time()
        segments = system.segments(samples)
        comparison.processor[name] += time.process_time() - began
        detected[name] = clip(segments, len(samples) / RATE)
        comparison.speech[name] += sum(s.duration for s in detected[name])
        comparison.segments[name] += len(detected[name])
    return detected


def _agreement(each: list[list[Segment]], duration: float) -> Floats:
    """`(system, system)` seconds in which two systems decide the same."""
    whole = to_spans([Segment(0.0, duration)])
    spans = [to_spans(segments) for segments in each]
    same = np.full((len(each), len(each)), duration)
    for first in range(len(each)):
        for second in range(first):
            pieces = cut_pieces(spans[first], spans[second], whole)
            same[first, second] = same[second, first] = pieces.seconds(pieces.reference == pieces.hypothesis)
    return same
