"""Evaluation of whole sets: recordings through a detector, or labels against labels.

recordings with a reference -> hypothesis of each -> result of each -> groups -> evaluation
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vad.audio.decode import Channel, duration_of
from vad.batch.inputs import Input
from vad.batch.pool import Pool, run_tasks
from vad.batch.task import Analysis
from vad.errors import AudioError, FormatError, RecipeError, VadError
from vad.evaluation.peers import RATE, System, frame_scores, read_samples
from vad.evaluation.results import IDENTICAL, Group, Hypothesis, RecordingResult, evaluate_recording, identical
from vad.formats import Document, speech_of
from vad.labels.extent import OVERHANG, other_unit, past_end
from vad.labels.labelled_set import LabelledRecording, LabelledSet, left_out, sounds_note
from vad.labels.matching import Matches, Names, match_labels, read_uem, take_all
from vad.settings import DEFAULT_EVALUATION, EvaluationSettings

HypothesisSource = Callable[[Input], Hypothesis]  # picklable where other processes call it


@dataclass
class Evaluation:
    """A set of recordings, evaluated."""

    whole: Group
    about: dict[str, Any]  # what was compared with what: model, settings, paths
    notes: list[str] = field(default_factory=list)  # caveats for the reader of the metrics
    problems: list[str] = field(default_factory=list)  # recordings that could not be evaluated, and why
    groups: dict[str, Group] = field(default_factory=dict)

    def group(self, names: dict[str, str]) -> None:
        """Fill `groups`: `names` gives the group of each recording by its name; empty for no groups."""
        if not names:
            return
        members: dict[str, list[RecordingResult]] = {group: [] for group in names.values()}
        for one in self.whole.recordings:
            members[names[one.name]].append(one)
        self.groups = {name: Group(results, self.whole.settings) for name, results in members.items() if results}


@dataclass(frozen=True)
class DetectorHypotheses:
    """Hypotheses of a detector of this package; `analysis` must keep the scores."""

    analysis: Analysis

    def __call__(self, one: Input) -> Hypothesis:
        """Segments and scores of one channel of a recording, or of the mean of all."""
        found = self.analysis(one)[0]
        return Hypothesis(found.duration, found.segments, found.scores, self.analysis.detector.grid)


@dataclass(frozen=True)
class SystemHypotheses:
    """Hypotheses of a system of `vad.evaluation.peers`; one recording at a time, in this process."""

    system: System
    channel: Channel = "mix"

    def __call__(self, one: Input) -> Hypothesis:
        """Segments and scores of a recording."""
        samples = read_samples(one.path, self.channel)
        return Hypothesis(len(samples) / RATE, self.system.segments(samples), frame_scores(self.system, samples))


@dataclass(frozen=True)
class LabelHypotheses:
    """Hypotheses from label files; a recording that they do not name has no speech."""

    labels: dict[str, list[Document]]  # by the path of the sound
    damaged: dict[str, str]  # why labels cannot be read, by the path of the sound
    channel: Channel = "mix"  # whose labels count; of "mix" those of all channels

    @classmethod
    def read(
        cls, hypothesis: Path, sounds: LabelledSet, format: str | None = None, channel: Channel = "mix"
    ) -> LabelHypotheses:
        """Read the labels of a file or a folder; labels that are left out are added to the notes of `sounds`.

        Raises `RecipeError` if none of the labels belong to a recording of `sounds`.
        """
        matches, names = Matches(sounds.inputs), Names(sounds.inputs)
        take_all(hypothesis, format, names, matches)
        if not matches.labelled:
            left = (matches.problems + matches.orphans or ["there are no labels in it"])[0]
            raise RecipeError(f"{hypothesis}: nothing in it belongs to the recordings ({left})")
        sounds.problems.extend(p for p in matches.problems if p not in matches.damaged.values())
        sounds.notes.extend([*left_out(matches), *_missing(matches)])
        return cls(matches.labelled, matches.damaged, channel)

    def __call__(self, one: Input) -> Hypothesis:
        """The labels of a recording; raises `FormatError` if they are damaged."""
        if one.path in self.damaged:
            raise FormatError(self.damaged[one.path])
        return Hypothesis(duration_of(one.path), speech_of(self.labels.get(one.path, []), self.channel))


def evaluate_sound(
    sounds: LabelledSet,
    source: HypothesisSource,
    settings: EvaluationSettings = DEFAULT_EVALUATION,
    *,
    pool: Pool | None = None,
    progress: Callable[[float], None] = lambda _: None,
    about: dict[str, Any] | None = None,
) -> Evaluation:
    """Evaluate the hypotheses of `source` on recordings with a reference, in this process or in a `pool`.

    Recordings that cannot be read become problems. `progress` gets the share that is done.
    Raises `AudioError` if none can be read.
    """
    by_path = {one.path: one for one in sounds.recordings}
    notes, problems, results = [*sounds.notes], [*sounds.problems], []
    for done, task in enumerate(run_tasks(sounds.inputs, source, pool), 1):
        notes += task.warnings
        if isinstance(task.value, VadError):
            problems.append(str(task.value))
        else:
            recording = by_path[task.source.path]
            notes += _overhangs(recording, task.value)
            results.append(evaluate_recording(recording, task.value, settings.collar))
        progress(done / len(sounds.recordings))
    if not results:
        raise AudioError(problems[-1])
    return _evaluation(Group(results, settings), about or {}, notes, problems)


def evaluate_labels(
    reference: Path,
    hypothesis: Path,
    settings: EvaluationSettings = DEFAULT_EVALUATION,
    *,
    uem: Path | None = None,
    formats: tuple[str | None, str | None] = (None, None),
    channel: Channel = "mix",
) -> Evaluation:
    """Evaluate labels against labels: files or folders of any formats (`formats`, where names do not tell), of
    all channels or of one.

    Few formats state the duration of a recording; otherwise it is the end of the last label, or of
    the last region of the UEM. A recording that the hypothesis does not name has no detected
    speech. Raises `RecipeError` if nothing matches, `FormatError` for a damaged UEM.
    """
    named, matches = match_labels(reference, hypothesis, formats)
    listed = read_uem(uem, matches.places, channel) if uem else None
    notes = [*sounds_note(named), *left_out(matches, [n for n in named if listed is not None and not listed.get(n)])]
    if reference.samefile(hypothesis):
        notes.append(f"{reference} is both reference and hypothesis: of course they agree")
    notes += _missing(matches)
    results, guessed = [], False
    for name, documents in named.items():
        regions = None if listed is None else listed.get(name, [])
        if regions == [] or name in matches.damaged:
            continue
        found = matches.labelled.get(name, [])
        guessed = guessed or not (regions or any(map(_states_duration, [*documents, *found])))
        duration = max([*(d.duration for d in [*documents, *found]), *(s.end for s in regions or ())])
        recording = LabelledRecording(name, "", speech_of(documents, channel), regions)
        compared = Hypothesis(duration, speech_of(found, channel))
        results.append(evaluate_recording(recording, compared, settings.collar))
    if not results:
        if uem:
            raise RecipeError(f"{uem}: lists none of the recordings in {reference}; use the same names")
        raise RecipeError((matches.problems or [f"{reference}: holds nothing to measure"])[0])
    if guessed:
        notes.append(
            "labels do not state how long a recording is, so it ends with its last label: "
            "false alarm, accuracy and detection cost may be wrong; give the sound or a UEM"
        )
    about = {"reference": str(reference), "hypothesis": str(hypothesis), "uem": uem and str(uem), "channel": channel}
    return _evaluation(Group(results, settings), about, notes, matches.problems)


def _missing(matches: Matches) -> list[str]:
    """A note about the recordings that the hypothesis in `matches` does not name."""
    missing = matches.unlabelled
    if not missing:
        return []
    return [f"recordings that are not in the hypothesis: {len(missing)} count as missed, like {missing[0]}"]


def _states_duration(document: Document) -> bool:
    """Whether a document lasts longer than its labels."""
    return document.duration > max((s.end for s in document.segments), default=0.0)


def _overhangs(recording: LabelledRecording, found: Hypothesis) -> list[str]:
    """Notes about labels that reach past the end of the recording."""
    notes = []
    for what, segments in (("reference", recording.reference), ("hypothesis", found.segments)):
        unit = other_unit(segments, found.duration)
        notes += [
            f"{recording.name}: {unit}" if unit else f"{recording.name}: {what} {note}"
            for note in past_end(segments, found.duration, OVERHANG)
        ]
    return notes


def _evaluation(whole: Group, about: dict[str, Any], notes: list[str], problems: list[str]) -> Evaluation:
    """An evaluation, with notes about sets that leave metrics undefined or uncertain."""
    if not whole.pooled["minutes"]:
        notes.append("no time of the recordings is scored, so every metric is undefined")
    elif not whole.pooled["segments"]:
        notes.append("the reference holds no speech: there is nothing to miss, only false alarms can be measured")
    elif not whole.pooled["speech"] < 1:
        notes.append("the reference is speech from beginning to end: false alarm and cost are undefined")
    if identical(whole.recordings) and whole.curve:
        notes.append(IDENTICAL)
    if 1 < len(whole.recordings) < 10 and whole.settings.resamples:
        notes.append(f"intervals over {len(whole.recordings)} recordings are rough, and rather too narrow")
    return Evaluation(whole, about, notes, problems)
