"""`vad tune`: settings that suit labelled recordings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import VadError
from vad.settings import GOALS, CostWeights, EvaluationSettings

from .. import measuring
from .. import options as shared
from ..console import Console

if TYPE_CHECKING:
    from vad.detector import Detector
    from vad.tuning.search import Trials
    from vad.tuning.tune import Goal, TuningResult

TUNED = "+tuned"  # after the version of weights whose settings were changed
PATH = click.Path(path_type=Path)
LIMIT: dict[str, Any] = {"metavar": "SHARE", "callback": shared.to_share}


@click.command()
@click.argument("audio", type=PATH)
@click.option("--labels", type=PATH, metavar="FILE|DIR", help="True labels.  [default: beside the sound]")
@shared.labels_format
@shared.uem
@measuring.collar
@click.option(
    "--minimize", type=click.Choice(GOALS), help="Figure to minimise.  [default: dcf, or the one without a limit]"
)
@click.option("--miss-at-most", **LIMIT, help="Share of the speech that may be missed, like 2% or 0.02.")
@click.option("--false-alarm-at-most", **LIMIT, help="Share of the other time that may be taken for speech.")
@measuring.dcf
@click.option("--folds", type=click.IntRange(2), default=5, show_default=True, help="Parts for cross-validation.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the parts: another number, other parts.")
@click.option("--write", type=PATH, metavar="MODEL.onnx", help="Write a copy of the weights that has these settings.")
@click.option("--plot", "picture", metavar="FILE", help="Draw what thresholds cost: .png, .svg or .pdf.")
@click.option(
    "-f",
    "--format",
    "kind",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@shared.segmentation
@click.option("--latency", metavar="SECONDS|NAME", help="Tune for `vad stream --latency`.  [default: no limit]")
@shared.model
@shared.one_channel
@shared.jobs
@click.option("-q", "--quiet", is_flag=True, help="No progress and no warnings, only errors.")
@shared.needs("plot")
def tune(audio: Path, labels: Path | None, kind: str, **options: Any) -> None:
    """Find the settings that suit AUDIO, a folder (or file) of labelled recordings.

    Scores are computed once; then onset, offset, shortest speech and pause, and padding are
    searched for the goal: the lowest --minimize, within the limits. Settings that are given, like
    --min-silence 0.5, stay as they are; --preset says what to begin with. Figures pool the time of
    all recordings.

    The line "on others" is cross-validation: the recordings are divided into parts, and each is
    measured with settings tuned on the others. It says what to expect of new recordings; where it
    is far above "tuned", or no lower than "before", there are too few labels.

    The result is a line of options for vad detect and stream; or with --write a weights file that
    has them, for --model.
    """
    from vad.batch.inputs import find
    from vad.batch.pool import open_pool
    from vad.batch.task import Analysis, load
    from vad.evaluation.evaluate import DetectorHypotheses, evaluate_sound
    from vad.labels.sets import read_labelled
    from vad.tuning.search import TUNABLE, Trials, TuningRecording
    from vad.tuning.summary import to_json, to_options, to_text
    from vad.tuning.tune import tune as run

    goal = _goal(options)
    how = EvaluationSettings(options["collar"], goal.weights, resamples=0)
    draw = _drawing(options["picture"])
    with Console(options["quiet"]) as console:
        detector = load(options["model"]).for_latency(options["latency"])
        given = {name: value for name, value in shared.settings(options).items() if value is not None}
        before = detector.settings(options["preset"], **given)
        sounds = read_labelled(audio, labels, uem=options["uem"], format=options["labels_format"])
        analysis = Analysis(options["model"], before, options["channel"], options["latency"], keep_scores=True)
        about = {"audio": str(audio), "model": detector.description.identity}
        with open_pool(options["jobs"], find([one.path for one in sounds.recordings])[0]) as pool:
            heard = evaluate_sound(
                sounds, DetectorHypotheses(analysis), how, pool=pool, progress=console.to, about=about
            )
        trials = Trials([TuningRecording.of(one) for one in heard.whole.recordings], detector.grid, options["collar"])
        free = [name for name in TUNABLE if name not in given]
        parts = {"folds": options["folds"], "seed": options["seed"]}

        def searched(done: int) -> None:
            console.to(done / (options["folds"] + 1), "searching")

        tuned = run(trials, goal, before, free, **parts, progress=searched)
        for note in [*heard.notes, *tuned.notes]:
            console.warn(note)
        for problem in heard.problems:
            console.error(VadError(problem))
        write = to_json if kind == "json" else to_text
        paste = to_options(tuned.after, detector.settings(options["preset"]), options["preset"])
        click.echo(write(tuned, heard, goal, paste))
        if options["write"]:
            _write(options["write"], detector, tuned, options["preset"])
        if draw:
            draw(trials, goal, tuned)
    if console.failed:
        raise SystemExit(1)


def _goal(options: dict[str, Any]) -> Goal:
    """What the options ask for; with one limit alone, the other figure shall be low."""
    from vad.tuning.tune import Goal

    miss, false_alarm = options["miss_at_most"], options["false_alarm_at_most"]
    implied = "dcf" if (miss is None) == (false_alarm is None) else "miss" if miss is None else "false_alarm"
    return Goal(
        options["minimize"] or implied,
        math.inf if miss is None else miss,
        math.inf if false_alarm is None else false_alarm,
        CostWeights(*options["dcf"]),
    )


def _write(path: Path, detector: Detector, tuned: TuningResult, preset: str) -> None:
    """A copy of the weights that has the settings."""
    from vad.model.pretrained import copy_described

    about = detector.description
    settings = {name: value for name, value in asdict(tuned.after).items() if value != math.inf}
    version = about.version if about.version.endswith(TUNED) else about.version + TUNED
    described = replace(about, version=version, thresholds={**about.thresholds, preset: settings})
    copy_described(detector.path, path, described)


def _drawing(picture: str | None) -> Callable[[Trials, Goal, TuningResult], None] | None:
    """What draws the curves to `picture`; it is looked for before the work begins."""
    if picture is None:
        return None
    from vad.plotting.style import check_picture, save, style
    from vad.tuning.plot import draw

    check_picture(picture)

    def draw_curves(trials: Trials, goal: Goal, tuned: TuningResult) -> None:
        with style():
            save(draw(trials, goal, tuned), picture)

    return draw_curves
