"""Several detectors over the same recordings: accuracy where there is a reference, agreement where not, and speed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from vad.errors import AudioError, VadError
from vad.evaluation.durations import Floats, cut_pieces, to_spans
from vad.evaluation.peers import RATE, System, frame_scores, read_samples
from vad.evaluation.results import Group, RecordingResult, measure, middle
from vad.features import Float32
from vad.labels.sets import LabelledRecording
from vad.segments import Segment, clip
from vad.settings import DEFAULT_EVALUATION, EvaluationSettings


@dataclass
class Comparison:
    """What each detector made of the same recordings; the names of the detectors are the keys."""

    groups: dict[str, Group] = field(default_factory=dict)  # recordings with a reference; empty without any
    heard: int = 0  # recordings
    seconds: float = 0.0  # of sound heard by each
    spent: dict[str, float] = field(default_factory=dict)  # seconds of a core that each needed for its segments
    speech: dict[str, float] = field(default_factory=dict)  # seconds that each took for speech
    segments: dict[str, int] = field(default_factory=dict)
    agreed: Floats = field(default_factory=lambda: np.empty((0, 0)))  # (system, system) seconds that two say the same
    problems: list[str] = field(default_factory=list)

    def difference(self, name: str, figure: str) -> tuple[float, float, float]:
        """How much higher a figure is than that of the first detector, and its 95 % interval.

        Both are drawn from the same recordings each time (the paired bootstrap): an interval on
        one side of 0 is a difference that other recordings of the kind would show, too. NaN where
        a figure is undefined, or nothing can be drawn.
        """
        first, other = next(iter(self.groups.values())), self.groups[name]
        if figure not in first.draws:
            return math.nan, math.nan, math.nan
        return other.pooled[figure] - first.pooled[figure], *middle(other.draws[figure] - first.draws[figure])


def compare(
    recordings: Sequence[LabelledRecording],
    unlabelled: Sequence[str],
    systems: dict[str, System],
    settings: EvaluationSettings = DEFAULT_EVALUATION,
    *,
    change: Callable[[Float32], Float32] = lambda samples: samples,
    progress: Callable[[float], None] = lambda _: None,
) -> Comparison:
    """Let every system hear every recording, one after another on one thread.

    `unlabelled` are paths of sound without a reference. `change` is what happens to the samples
    `(sample,)` first, as a telephone line would. What is timed, in time of the processor, is from samples to segments,
    decoding left out. Recordings that cannot be read become problems; `AudioError` where none can.
    """
    found = Comparison(agreed=np.zeros((len(systems), len(systems))))
    for table in (found.spent, found.speech, found.segments):
        table.update(dict.fromkeys(systems, 0))
    measured: dict[str, list[RecordingResult]] = {name: [] for name in systems}
    everything: list[LabelledRecording | str] = [*recordings, *unlabelled]
    for done, one in enumerate(everything, 1):
        path = one if isinstance(one, str) else one.path
        try:
            samples = change(read_samples(path))
        except VadError as error:
            found.problems.append(str(error))
            continue
        duration = len(samples) / RATE
        heard = _hear(systems, samples, found)
        found.agreed += _agreement(list(heard.values()), duration)
        found.seconds += duration
        found.heard += 1
        for name, segments in heard.items():
            found.speech[name] += sum(s.duration for s in segments)
            found.segments[name] += len(segments)
            if isinstance(one, LabelledRecording):
                scores = frame_scores(systems[name], samples)
                scored_regions, collar = one.scored_regions, settings.collar
                measured[name].append(
                    measure(
                        one.name,
                        one.reference,
                        segments,
                        duration,
                        scored_regions=scored_regions,
                        collar=collar,
                        scores=scores,
                    )
                )
        progress(done / len(everything))
    if not found.seconds:
        raise AudioError(found.problems[-1] if found.problems else "none of the recordings can be used")
    found.groups = {name: Group(of_it, settings) for name, of_it in measured.items() if of_it}
    return found


def _hear(systems: dict[str, System], samples: Float32, found: Comparison) -> dict[str, list[Segment]]:
    """The segments of each system, ordered and within the recording; `found` is told the time it took."""
    heard = {}
    for name, system in systems.items():
        began = time.process_time()
        segments = system.segments(samples)
        found.spent[name] += time.process_time() - began
        heard[name] = clip(segments, len(samples) / RATE)
    return heard


def _agreement(each: list[list[Segment]], duration: float) -> Floats:
    """`(system, system)` seconds in which two say the same."""
    whole = to_spans([Segment(0.0, duration)])
    spans = [to_spans(segments) for segments in each]
    same = np.full((len(each), len(each)), duration)
    for first in range(len(each)):
        for second in range(first):
            pieces = cut_pieces(spans[first], spans[second], whole)
            same[first, second] = same[second, first] = pieces.seconds(pieces.reference == pieces.hypothesis)
    return same
