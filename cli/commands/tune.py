"""`vad tune`: settings that suit labelled recordings."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import VadError
from vad.settings import GOALS, CostWeights, EvaluationSettings

from .. import types
from ..command import command, option
from ..console import Console
from ..corpus_options import LabelledOptions
from ..evaluation_options import CostOptions
from ..options import DetectionOptions, JobsOptions, MessageOptions, OneChannelOptions, force_option
from ..types import PATH

if TYPE_CHECKING:
    from vad.detector import Detector
    from vad.evaluation.evaluate import Evaluation
    from vad.tuning.search import Trials
    from vad.tuning.tune import Goal, TuningResult


@dataclass(frozen=True)
class InputOptions(OneChannelOptions, LabelledOptions):
    """The labels of the recordings, and the channel to analyse."""

    labels: Path | None = option(
        "--labels", type=PATH, metavar="FILE|DIR", help="True labels.  [default: beside the sound]"
    )


@dataclass(frozen=True)
class GoalOptions(CostOptions):
    """What the settings are to be good at."""

    title = "Goal"
    minimize: str | None = option(
        "--minimize", type=click.Choice(GOALS), help="Metric to minimise.  [default: dcf, or the one without a limit]"
    )
    miss_at_most: float | None = option(
        "--miss-at-most", type=types.share, metavar="SHARE", help="Share of speech that may be missed, like 2% or 0.02."
    )
    false_alarm_at_most: float | None = option(
        "--false-alarm-at-most",
        type=types.share,
        metavar="SHARE",
        help="Share of the other time that may be taken for speech.",
    )
    folds: int = option(
        "--folds", type=click.IntRange(2), default=5, show_default=True, help="Parts for cross-validation."
    )
    seed: int = option(
        "--seed", type=int, default=1, show_default=True, help="Seed of the parts; another seed makes other parts."
    )

    def goal(self) -> Goal:
        """The goal; with one limit alone, the other metric is minimised."""
        from vad.tuning.tune import Goal

        miss, false_alarm = self.miss_at_most, self.false_alarm_at_most
        implied = "dcf" if (miss is None) == (false_alarm is None) else "miss" if miss is None else "false_alarm"
        return Goal(
            self.minimize or implied,
            math.inf if miss is None else miss,
            math.inf if false_alarm is None else false_alarm,
            CostWeights(*self.dcf),
        )


@dataclass(frozen=True)
class OutputOptions:
    """Where the settings go."""

    title = "Output"
    format: str = option(
        "-f",
        "--format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Output format.",
    )
    write: Path | None = option(
        "--write", type=PATH, metavar="MODEL.onnx", help="Write a copy of the weights that has these settings."
    )
    plot: str | None = option("--plot", metavar="FILE", help="Draw what thresholds cost: .png, .svg or .pdf.")
    force: bool = force_option()

    def check(self) -> None:
        """Raise `FormatError` where a file would be replaced without --force."""
        from vad.atomic import check_free

        for path in (self.write, self.plot):
            if path is not None:
                check_free(Path(path), self.force)


@command(extra="plot")
@click.argument("audio", type=PATH)
def tune(
    audio: Path,
    *,
    source: InputOptions,
    goal: GoalOptions,
    speech: DetectionOptions,
    output: OutputOptions,
    scale: JobsOptions,
    messages: MessageOptions,
) -> None:
    """Find the settings that suit AUDIO, a folder (or file) of labelled recordings.

    \b
      vad tune talks/                            # the lowest detection cost
      vad tune talks/ --labels labels/ --miss-at-most 2%
      vad tune talks/ --write mine.onnx          # weights with these settings

    Scores are computed once; then onset, offset, shortest speech and pause, and padding are
    searched for the goal: the lowest --minimize, within the limits. Settings that are given, like
    --min-silence 0.5, stay as they are; --preset gives the settings to start from. Metrics pool the
    time of all recordings.

    The line "on others" is cross-validation: the recordings are divided into parts, and each part
    is measured with settings tuned on the others. It shows what to expect of new recordings; where
    it is far above "tuned", or no lower than "before", there are too few labels.

    The result is a line of options for `vad detect` and `vad stream`; or with --write a weights
    file that has them, for --model.
    """
    from vad.batch.pool import open_pool
    from vad.batch.task import Analysis, load
    from vad.evaluation.evaluate import DetectorHypotheses, evaluate_sound
    from vad.labels.labelled_set import read_labelled
    from vad.tuning.search import TUNABLE, Trials, TuningRecording
    from vad.tuning.tune import tune as run

    target = goal.goal()
    draw = _plotter(output.plot)
    output.check()
    with messages.console() as console:
        detector = load(speech.model).for_latency(speech.latency)
        before = speech.settings(detector)
        task = Analysis(speech.model, before, source.channel, speech.latency, keep_scores=True)
        settings = EvaluationSettings(goal.collar, target.weights, resamples=0)
        sounds = read_labelled(
            audio, source.labels, uem=source.uem, format=source.labels_format, channel=source.channel
        )
        with open_pool(scale.jobs, sounds.inputs) as pool:
            about: dict[str, Any] = {
                "audio": str(audio),
                "reference": sounds.reference,
                "uem": source.uem and str(source.uem),
                "channel": source.channel,
                "model": detector.description.identity,
                "latency": speech.latency,
                "seed": goal.seed,
            }
            hypotheses, progress = DetectorHypotheses(task), console.progress
            evaluation = evaluate_sound(sounds, hypotheses, settings, pool=pool, progress=progress, about=about)
        trials = Trials(map(TuningRecording.of, evaluation.whole.recordings), detector.grid, goal.collar)
        free = [name for name in TUNABLE if speech.changes[name] is None]
        searched = functools.partial(_searched, console, goal.folds)
        tuned = run(trials, target, before, free, folds=goal.folds, seed=goal.seed, progress=searched)
        for note in [*evaluation.notes, *tuned.notes]:
            console.warn(note)
        console.errors(map(VadError, evaluation.problems))
        _report(tuned, evaluation, detector, output, goal=target, speech=speech)
        if draw:
            draw(trials, target, tuned)


def _report(
    tuned: TuningResult,
    evaluation: Evaluation,
    detector: Detector,
    output: OutputOptions,
    *,
    goal: Goal,
    speech: DetectionOptions,
) -> None:
    """Write the metrics, the settings, and with --write the weights."""
    from vad.model.pretrained import write_tuned
    from vad.tuning.summary import to_json, to_options, to_text

    write = to_json if output.format == "json" else to_text
    preset, default = speech.preset, detector.settings(speech.preset)
    line = "" if tuned.after == default else to_options(tuned.after, default, preset, speech.model, speech.latency)
    click.echo(write(tuned, evaluation, goal, line))
    if output.write:
        write_tuned(detector.path, output.write, detector.description, preset, tuned.after)


def _searched(console: Console, folds: int, done: int) -> None:
    """Show how many of the searches are done: one for each fold, and one with all recordings."""
    console.progress(done / (folds + 1), "searching")


def _plotter(picture: str | None) -> Callable[[Trials, Goal, TuningResult], None] | None:
    """The function that draws the curves to `picture`, whose name is checked before the work begins."""
    if picture is None:
        return None
    from vad.plotting.style import check_picture, save, style
    from vad.tuning.plot import draw

    check_picture(picture)

    def draw_curves(trials: Trials, goal: Goal, tuned: TuningResult) -> None:
        with style():
            save(draw(trials, goal, tuned), picture)

    return draw_curves
