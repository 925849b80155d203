"""Whole sets measured: sound through a detector, or labels against labels.

sound with a reference --listen--> what was found --measure--> recordings --group--> evaluation
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vad.audio.decode import Channel, duration_of
from vad.batch.inputs import Input
from vad.batch.pool import Pool, run_tasks
from vad.batch.task import Analysis
from vad.errors import AudioError, FormatError, RecipeError, VadError
from vad.evaluation.peers import RATE, System, frame_scores, read_samples
from vad.evaluation.results import Group, RecordingResult, measure
from vad.features import Float32
from vad.formats import Document, speech_of
from vad.grid import Grid
from vad.labels.matching import Matches, Names, match_labels, read_uem, take_all
from vad.labels.sets import LabelledRecording, LabelledSet, left_out
from vad.segments import Segment
from vad.settings import DEFAULT_EVALUATION, EvaluationSettings

LATE = 0.1  # seconds that labels may go on after the end before it is worth a word


class Hypothesis(NamedTuple):
    """What was found in a recording."""

    duration: float  # seconds
    segments: list[Segment]
    scores: Float32 | None = None  # (frame,)
    grid: Grid = Grid()  # of the scores


HypothesisSource = Callable[[Input], Hypothesis]  # to be pickled, where other processes do it


@dataclass
class Evaluation:
    """A set measured."""

    whole: Group
    about: dict[str, Any]  # what was compared with what
    notes: list[str] = field(default_factory=list)  # what a reader of the figures should know
    problems: list[str] = field(default_factory=list)  # what could not be measured, and why
    groups: dict[str, Group] = field(default_factory=dict)

    def group(self, names: dict[str, str]) -> None:
        """Make `groups`, by the group's name of each recording's name, in the order of `names`; none of none."""
        if not names:
            return
        members: dict[str, list[RecordingResult]] = {group: [] for group in names.values()}
        for one in self.whole.recordings:
            members[names[one.name]].append(one)
        self.groups = {name: Group(found, self.whole.settings) for name, found in members.items() if found}


@dataclass(frozen=True)
class DetectorHypotheses:
    """Hears as an `Analysis` does, which keeps the scores."""

    analysis: Analysis

    def __call__(self, one: Input) -> Hypothesis:
        """What the detector finds in one channel of a recording, or in the mean of all."""
        found = self.analysis(one)[0]
        return Hypothesis(found.duration, found.segments, found.scores, self.analysis.detector.grid)


@dataclass(frozen=True)
class SystemHypotheses:
    """Hears with a system of `vad.evaluation.peers`; one recording at a time, in this process."""

    system: System
    channel: Channel = "mix"

    def __call__(self, one: Input) -> Hypothesis:
        """What the system finds in a recording."""
        samples = read_samples(one.path, self.channel)
        return Hypothesis(len(samples) / RATE, self.system.segments(samples), frame_scores(self.system, samples))


@dataclass(frozen=True)
class LabelHypotheses:
    """Takes what was found from labels that were made before; sound they do not name has none."""

    labels: dict[str, list[Document]]  # by the path of the sound
    damaged: dict[str, str]  # what is wrong with the labels of some sound, by its path

    @classmethod
    def read(cls, hypothesis: Path, sounds: LabelledSet, format: str | None = None) -> LabelHypotheses:
        """The labels of a file or a folder; `sounds` is told what was left out.

        Raises `RecipeError` where the labels name none of the sound.
        """
        matches = Matches(places={one.path: one.name for one in sounds.recordings})
        names = Names([Input(one.path, Path(one.name)) for one in sounds.recordings])
        take_all(hypothesis, format, names, matches)
        if not matches.labelled:
            left = (matches.problems + matches.orphans or ["there are no labels in it"])[0]
            raise RecipeError(f"{hypothesis}: nothing in it belongs to the recordings ({left})")
        sounds.problems.extend(p for p in matches.problems if p not in matches.damaged.values())
        sounds.notes.extend(left_out(matches, []))
        return cls(matches.labelled, matches.damaged)

    def __call__(self, one: Input) -> Hypothesis:
        """What the labels say of a recording; raises `FormatError` where they are damaged."""
        if one.path in self.damaged:
            raise FormatError(self.damaged[one.path])
        return Hypothesis(duration_of(one.path), speech_of(self.labels.get(one.path, [])))


def evaluate_sound(
    sounds: LabelledSet,
    listen: HypothesisSource,
    settings: EvaluationSettings = DEFAULT_EVALUATION,
    *,
    pool: Pool | None = None,
    progress: Callable[[float], None] = lambda _: None,
    about: dict[str, Any] | None = None,
) -> Evaluation:
    """Measure what `listen` finds in recordings with a reference, in this process or in a `pool`.

    Recordings that cannot be read become problems. `progress` is called with the share that is done.
    Raises `AudioError` where none can be read.
    """
    known = {one.path: one for one in sounds.recordings}
    notes, problems, measured = [*sounds.notes], [*sounds.problems], []
    inputs = [Input(path, Path(one.name)) for path, one in known.items()]
    for done, result in enumerate(run_tasks(inputs, listen, pool), 1):
        notes += result.warnings
        if isinstance(result.value, VadError):
            problems.append(str(result.value))
        else:
            measured.append(_measure(known[result.source.path], result.value, settings, notes))
        progress(done / len(inputs))
    if not measured:
        raise AudioError(problems[-1])
    return _evaluation(measured, settings, about or {}, notes, problems)


def evaluate_labels(
    reference: Path,
    hypothesis: Path,
    settings: EvaluationSettings = DEFAULT_EVALUATION,
    *,
    uem: Path | None = None,
    formats: tuple[str | None, str | None] = (None, None),
) -> Evaluation:
    """Measure labels against labels, files or folders of any formats (`formats`, if names do not say them).

    How long a recording is only some formats say; else the end of the last label, or of what the
    UEM lists, is taken for it. A recording that the hypothesis does not name counts as one in
    which nothing was found. Raises `RecipeError` where nothing matches, `FormatError` for a
    damaged UEM.
    """
    named, matches = match_labels(reference, hypothesis, formats)
    listed = read_uem(uem, matches.places) if uem else None
    notes = left_out(Matches(orphans=matches.orphans), [n for n in named if listed is not None and n not in listed])
    if reference.samefile(hypothesis):
        notes.append(f"{reference} is both reference and hypothesis: of course they agree")
    if missing := [name for name in named if name not in {**matches.labelled, **matches.damaged}]:
        notes.append(
            f"{len(missing)} recordings are not in the hypothesis, which counts as nothing found, like {missing[0]}"
        )
    measured, guessed = [], False
    for name, documents in named.items():
        scored_regions = None if listed is None else listed.get(name, [])
        if scored_regions == [] or name in matches.damaged:
            continue
        found = matches.labelled.get(name, [])
        guessed = guessed or not (scored_regions or any(map(_says_its_length, [*documents, *found])))
        duration = max(d.duration for d in [*documents, *found])
        duration = max([duration, *(s.end for s in scored_regions or ())])
        sound = LabelledRecording(name, "", speech_of(documents), scored_regions)
        measured.append(_measure(sound, Hypothesis(duration, speech_of(found)), settings, notes))
    if not measured:
        raise RecipeError(f"{uem}: lists none of the recordings in {reference}; its names must be theirs")
    if guessed:
        notes.append(
            "labels do not say how long a recording is, so its last label is taken for its end: "
            "false alarm, accuracy and detection cost may be too pessimistic or too kind; --audio or --uem say it"
        )
    about = {"reference": str(reference), "hypothesis": str(hypothesis)}
    return _evaluation(measured, settings, about, notes, matches.problems)


def _says_its_length(document: Document) -> bool:
    """Whether a document lasts longer than its labels."""
    return document.duration > max((s.end for s in document.segments), default=0.0)


def _measure(
    sound: LabelledRecording, heard: Hypothesis, settings: EvaluationSettings, notes: list[str]
) -> RecordingResult:
    """Measure one recording, and note labels beyond its end."""
    for what, segments in (("reference", sound.reference), ("hypothesis", heard.segments)):
        if segments and segments[-1].end > heard.duration + LATE:
            late = segments[-1].end - heard.duration
            notes.append(f"{sound.name}: the {what} goes on {late:.2f} s after its end; what lies there is left out")
    return measure(
        sound.name,
        sound.reference,
        heard.segments,
        heard.duration,
        scored_regions=sound.scored_regions,
        collar=settings.collar,
        scores=heard.scores,
        grid=heard.grid,
        path=sound.path,
    )


def _evaluation(
    measured: Iterable[RecordingResult],
    settings: EvaluationSettings,
    about: dict[str, Any],
    notes: list[str],
    problems: list[str],
) -> Evaluation:
    """An evaluation that says what is odd about the set."""
    whole = Group(list(measured), settings)
    if not whole.pooled["minutes"]:
        notes.append("nothing counts: no time is left of the recordings, so every figure is undefined")
    elif not whole.pooled["segments"]:
        notes.append("the reference holds no speech: there is nothing to miss, only false alarms can be measured")
    elif not whole.pooled["speech"] < 1:
        notes.append("the reference is speech from beginning to end: false alarm and cost are undefined")
    if 1 < len(whole.recordings) < 10 and settings.resamples:
        notes.append(f"intervals over {len(whole.recordings)} recordings are rough, and rather too narrow")
    return Evaluation(whole, about, notes, problems)
