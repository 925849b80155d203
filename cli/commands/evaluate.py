"""`vad evaluate`: how good a detector, or any labels, are."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import VadError
from vad.settings import Segmentation

from ..command import command, option, refuse
from ..console import Console
from ..evaluation_options import TABLES, GroupOptions, ReferenceOptions
from ..options import DetectionOptions, JobsOptions, MessageOptions, OneChannelOptions, force_option, labels_format
from ..types import PATH

if TYPE_CHECKING:
    from vad.audio.resample import Channel
    from vad.evaluation.evaluate import Evaluation, HypothesisSource

EXTENSIONS = {".json": "json", ".csv": "csv", ".md": "markdown"}
DETECTING = ("model", "latency", "preset", *Segmentation.__dataclass_fields__)


@dataclass(frozen=True)
class EvaluatedOptions:
    """What is measured."""

    title = "Input"
    audio: Path | None = option("--audio", type=PATH, metavar="PATH", help="Sound to find speech in: a file or folder.")
    hypothesis: Path | None = option(
        "--hypothesis", type=PATH, metavar="PATH", help="Labels to measure, in place of a detector's."
    )
    hypothesis_format: str | None = labels_format("--hypothesis-format", "the hypothesis")


@dataclass(frozen=True)
class InputOptions(OneChannelOptions, ReferenceOptions, EvaluatedOptions):
    """What is measured against what."""


@dataclass(frozen=True)
class ModelOptions(DetectionOptions):
    """The detector that is measured."""

    model: str | None = option(
        "--model",
        metavar="MODEL",
        help="Weights file, folder of `vad train`, or webrtc, silero, ten.  [default: speech-1]",
    )


@dataclass(frozen=True)
class OutputOptions:
    """Where the metrics go."""

    title = "Output"
    format: str | None = option(
        "-f", "--format", type=click.Choice(TABLES), help="Output format.  [default: as -o says, or table]"
    )
    output: Path | None = option(
        "-o", "--output", type=PATH, metavar="FILE", help="Where to write.  [default: standard output]"
    )
    report: Path | None = option(
        "--report", type=PATH, metavar="FILE.html", help="Also write a page with curves and the worst stretches."
    )
    force: bool = force_option()

    @property
    def kind(self) -> str:
        """The format: the one that is given, or that of the extension of the output."""
        return self.format or EXTENSIONS.get(self.output.suffix.lower() if self.output else "", "table")

    def check(self, source: InputOptions, table: Path | None) -> None:
        """Raise an error where an output would replace an input, the other output, or a file without --force."""
        from vad.atomic import check_free

        if self.report and self.report.suffix.lower() not in (".html", ".htm"):
            raise click.UsageError(f"--report {self.report}: it is a page; name it .html.")
        if self.report and self.report == self.output:
            raise click.UsageError(f"--report {self.report}: is the --output, too; name another place.")
        inputs = {"audio": source.audio, "reference": source.reference, "hypothesis": source.hypothesis}
        for target in filter(None, (self.output, self.report)):
            for name, path in {**inputs, "uem": source.uem, "table": table}.items():
                if path and path.exists() and target.exists() and target.samefile(path):
                    raise click.UsageError(f"{target}: is the --{name} itself; name another place.")
            check_free(target, self.force)


@command()
def evaluate(
    *,
    source: InputOptions,
    speech: ModelOptions,
    measurement: GroupOptions,
    output: OutputOptions,
    scale: JobsOptions,
    messages: MessageOptions,
) -> None:
    """Measure how well speech is found.

    \b
      vad evaluate --audio talks/                # with labels beside the sound
      vad evaluate --audio talks/ --reference labels/ --report report.html
      vad evaluate --reference labels/ --hypothesis found.rttm

    LABELS are a folder with a file per recording, or one file that names many, in any format that
    `vad` reads. Recordings match by name. Time is measured exactly, in segments; the metrics that
    need no threshold (AUC, equal error rate) use the scores of every 10 ms, so they need a
    detector. A segment is found where half of it is covered; a false-alarm segment lies where
    nobody speaks. The column "all" pools the time of all recordings, with an interval that shows
    how far the value may be chance; "mean" gives every recording the same weight.

    Exit status: 0 everything was measured, 1 a recording or its labels could not be read.
    """
    from vad.atomic import explain, replacing
    from vad.evaluation.report.page import to_html
    from vad.evaluation.tables import WRITERS

    output.check(source, measurement.table)
    with contextlib.ExitStack() as stack:  # an output that cannot be written is an error before the work
        table = stack.enter_context(replacing(output.output)) if output.output else None
        page = stack.enter_context(replacing(output.report)) if output.report else None
        console = stack.enter_context(messages.console())
        evaluation = _evaluate(source, speech, measurement, scale.jobs, console)
        for note in evaluation.notes:
            console.warn(note)
        console.errors(map(VadError, evaluation.problems))
        text = WRITERS[output.kind](evaluation)
        if table:
            with explain(str(output.output)):
                table.write(text.encode("utf-8"))
        else:
            click.echo(text, nl=False)
        if page:
            with explain(str(output.report)):
                page.write(to_html(evaluation).encode("utf-8"))


def _evaluate(
    source: InputOptions, speech: ModelOptions, measurement: GroupOptions, jobs: int | None, console: Console
) -> Evaluation:
    """The evaluation of sound or of labels, with its groups."""
    from vad.batch.pool import open_pool
    from vad.evaluation.evaluate import LabelHypotheses, evaluate_sound
    from vad.evaluation.peers import PEERS
    from vad.labels.labelled_set import read_labelled

    if source.hypothesis is None and source.audio is None:
        raise click.UsageError("Give --audio for a detector, or --hypothesis for labels to measure.")
    if source.hypothesis is not None:
        refuse(DETECTING, "has no meaning with --hypothesis, which needs no detector")
    if source.audio is None:
        return _evaluate_labels(source, measurement)
    sounds = read_labelled(
        source.audio, source.reference, uem=source.uem, format=source.reference_format, channel=source.channel
    )
    groups = measurement.groups([one.name for one in sounds.recordings])
    about: dict[str, Any] = {"audio": str(source.audio), "reference": sounds.reference, "channel": source.channel}
    about["uem"] = source.uem and str(source.uem)
    if source.hypothesis is not None:
        hypotheses: HypothesisSource = LabelHypotheses.read(
            source.hypothesis, sounds, source.hypothesis_format, source.channel
        )
        about["hypothesis"], jobs = str(source.hypothesis), 1  # reading durations is not worth a process
    else:
        hypotheses, described = _detector(speech, source.channel)
        about |= described
        jobs = 1 if speech.model in PEERS else jobs  # peers keep state between recordings
    with open_pool(jobs, sounds.inputs) as pool:
        settings, progress = measurement.settings(), console.progress
        evaluation = evaluate_sound(sounds, hypotheses, settings, pool=pool, progress=progress, about=about)
    evaluation.group(groups)
    return evaluation


def _evaluate_labels(source: InputOptions, measurement: GroupOptions) -> Evaluation:
    """The evaluation of labels without sound."""
    from vad.evaluation.evaluate import evaluate_labels

    if source.reference is None or source.hypothesis is None:
        raise click.UsageError("Give --reference, too: what the hypothesis is measured against.")
    formats = (source.reference_format, source.hypothesis_format)
    settings = measurement.settings()
    evaluation = evaluate_labels(
        source.reference,
        source.hypothesis,
        settings,
        uem=source.uem,
        formats=formats,
        channel=source.channel,
    )
    evaluation.group(measurement.groups([one.name for one in evaluation.whole.recordings]))
    return evaluation


def _detector(speech: ModelOptions, channel: Channel) -> tuple[HypothesisSource, dict[str, Any]]:
    """The detector to measure, and what the evaluation says about it."""
    from vad.batch.task import Analysis, load
    from vad.evaluation.evaluate import DetectorHypotheses, SystemHypotheses
    from vad.evaluation.peers import PEERS, identity, open_system

    if speech.model in PEERS:
        refuse(DETECTING[1:], f"has no meaning with --model {speech.model}, which runs at its own defaults")
        system = open_system(speech.model)
        return SystemHypotheses(system, channel), {"model": identity(speech.model, system)}
    detector = load(speech.model).for_latency(speech.latency)
    settings = speech.settings(detector)
    about: dict[str, Any] = {"model": detector.description.identity, "settings": asdict(settings)}
    if speech.latency:
        about["latency"] = detector.latency(speech.latency)
    return DetectorHypotheses(Analysis(speech.model, settings, channel, speech.latency, keep_scores=True)), about
