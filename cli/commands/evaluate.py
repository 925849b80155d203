"""`vad evaluate`: how good a detector, or any labels, are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import VadError
from vad.formats import FORMATS
from vad.settings import EvaluationSettings, Segmentation

from .. import measuring
from .. import options as shared
from ..console import Console

if TYPE_CHECKING:
    from vad.evaluation.evaluate import Evaluation, HypothesisSource

PATH = click.Path(path_type=Path)
DETECTING = tuple(Segmentation.__dataclass_fields__)
WRITTEN = ("table", "json", "csv", "markdown")


@click.command()
@click.option("--audio", type=PATH, metavar="PATH", help="Sound to find speech in: a file or folder.")
@click.option("--reference", type=PATH, metavar="PATH", help="True labels.  [default: beside the sound]")
@click.option("--hypothesis", type=PATH, metavar="PATH", help="Labels to measure, in place of a detector's.")
@click.option(
    "--hypothesis-format",
    type=click.Choice(list(FORMATS)),
    help="Format of the hypothesis.  [default: from name and content]",
)
@measuring.settings
@measuring.grouping
@click.option(
    "-f", "--format", "kind", type=click.Choice(WRITTEN), default="table", show_default=True, help="Output format."
)
@click.option("-o", "--output", type=PATH, metavar="FILE", help="Where to write.  [default: standard output]")
@click.option("--report", type=PATH, metavar="FILE.html", help="Also write a page with curves and the worst stretches.")
@click.option(
    "--model", metavar="MODEL", help="Weights file, folder of `vad train`, or webrtc, silero, ten.  [default: speech-1]"
)
@click.option("--latency", metavar="SECONDS|NAME", help="Detect as `vad stream --latency` would.  [default: no limit]")
@shared.one_channel
@shared.segmentation
@shared.jobs
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes, only errors.")
def evaluate(**options: Any) -> None:
    """Measure how well speech is found.

    \b
    Sound with a reference, through a detector:
      vad evaluate --audio DIR [--reference LABELS] [--model MODEL]
    Labels against labels, whoever made them:
      vad evaluate --reference LABELS --hypothesis LABELS [--audio DIR]

    LABELS are a folder with a file per recording, or one file that names many, in any format that
    `vad` reads. Recordings match by name. Time is measured exactly, in segments; the figures that
    need no threshold (AUC, equal error rate) on the scores of every 10 ms, so only with a detector.
    A segment is found where half of it is covered; a phantom lies where nobody speaks. The column
    "all" pools the time of all recordings, with an interval that says how far it may be chance;
    "mean" counts every recording the same.

    Exit status: 0 all was measured, 1 a recording or its labels could not be read.
    """
    from vad.atomic import explain, replacing
    from vad.evaluation.report.html import to_html
    from vad.evaluation.tables import WRITERS

    _check_targets(options)
    with contextlib.ExitStack() as stack:  # a place that cannot be written to is said before the work, not after
        output, report = (
            stack.enter_context(replacing(p)) if (p := options[k]) else None for k in ("output", "report")
        )
        console = stack.enter_context(Console(options["quiet"]))
        evaluation = _evaluate(options, measuring.measuring(options), console)
        for note in evaluation.notes:
            console.warn(note)
        for problem in evaluation.problems:
            console.error(VadError(problem))
        text = WRITERS[options["kind"]](evaluation)
        if output:
            with explain(str(options["output"])):
                output.write(text.encode("utf-8"))
        else:
            click.echo(text, nl=False)
        if report:
            with explain(str(options["report"])):
                report.write(to_html(evaluation).encode("utf-8"))
    if console.failed:
        raise SystemExit(1)


def _check_targets(options: dict[str, Any]) -> None:
    """Raise `click.UsageError` where what is written would take the place of what is read."""
    if options["report"] and options["report"].suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--report {options['report']}: it is a page; name it .html.")
    if options["report"] and options["report"] == options["output"]:
        raise click.UsageError(f"--report {options['report']}: is the --output, too; name another place.")
    for target in filter(None, (options["output"], options["report"])):
        for name in ("audio", "reference", "hypothesis", "uem", "table"):
            if options[name] and options[name].exists() and target.exists() and target.samefile(options[name]):
                raise click.UsageError(f"{target}: is the --{name} itself; name another place.")


def _evaluate(options: dict[str, Any], how: EvaluationSettings, console: Console) -> Evaluation:
    """What the options ask to be measured, with its groups."""
    from vad.batch.inputs import find
    from vad.batch.pool import open_pool
    from vad.evaluation.evaluate import LabelHypotheses, evaluate_labels, evaluate_sound
    from vad.labels.sets import read_labelled

    audio, reference, hypothesis = options["audio"], options["reference"], options["hypothesis"]
    if hypothesis is None and audio is None:
        raise click.UsageError("Give --audio for a detector, or --hypothesis for labels to measure.")
    if hypothesis is not None:
        _refuse(options, ("model", "latency", *DETECTING), "--hypothesis: nothing is detected then")
    if audio is None:
        if reference is None:
            raise click.UsageError("Give --reference, too: what the hypothesis is measured against.")
        formats = (options["reference_format"], options["hypothesis_format"])
        evaluation = evaluate_labels(reference, hypothesis, how, uem=options["uem"], formats=formats)
        groups = measuring.groups(options, [one.name for one in evaluation.whole.recordings])
    else:
        sounds = read_labelled(audio, reference, uem=options["uem"], format=options["reference_format"])
        groups = measuring.groups(options, [one.name for one in sounds.recordings])
        about: dict[str, Any] = {"audio": str(audio), "reference": str(reference or audio)}
        if hypothesis is not None:
            listen: HypothesisSource = LabelHypotheses.read(hypothesis, sounds, options["hypothesis_format"])
            about["hypothesis"], options["jobs"] = str(hypothesis), 1  # reading lengths needs no help
        else:
            listen = _detecting(options, about)
        inputs = find([one.path for one in sounds.recordings])[0]
        with open_pool(options["jobs"], inputs) as pool:
            evaluation = evaluate_sound(sounds, listen, how, pool=pool, progress=console.to, about=about)
    evaluation.group(groups)
    return evaluation


def _detecting(options: dict[str, Any], about: dict[str, Any]) -> HypothesisSource:
    """A detector as the options ask for it; `about` is told."""
    from vad.batch.task import Analysis, load
    from vad.evaluation.evaluate import DetectorHypotheses, SystemHypotheses
    from vad.evaluation.peers import PEERS, open_system, version

    if options["model"] in PEERS:
        _refuse(options, ("latency", *DETECTING), f"--model {options['model']}: it runs at its own defaults")
        options["jobs"] = 1  # peers remember what they heard
        about["model"] = {"name": options["model"], "version": version(options["model"])}
        return SystemHypotheses(open_system(options["model"]), options["channel"])
    detector = load(options["model"]).for_latency(options["latency"])
    settings = detector.settings(options["preset"], **shared.settings(options))
    about |= {"model": detector.description.identity, "settings": _finite(asdict(settings))}
    if options["latency"]:
        about["latency"] = detector.latency(options["latency"])
    return DetectorHypotheses(
        Analysis(options["model"], settings, options["channel"], options["latency"], keep_scores=True)
    )


def _finite(settings: dict[str, float]) -> dict[str, float | None]:
    """Settings as JSON has them: null for no limit."""
    return {name: None if value == float("inf") else value for name, value in settings.items()}


def _refuse(options: dict[str, Any], names: Iterable[str], why: str) -> None:
    """Raise `click.UsageError` where options with these names are given."""
    given = [name for name in names if options[name] is not None]
    if options["preset"] != "default":
        given.append("preset")
    if given:
        raise click.UsageError(f"{why}; leave out --{given[0].replace('_', '-')}.")
