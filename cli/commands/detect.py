"""`vad detect`: recordings to segments."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from vad.errors import SettingError, VadError
from vad.formats import FORMATS, Document, printable
from vad.segments import invert, total
from vad.settings import Segmentation

from .. import options as shared
from ..console import Console
from ..progress import Progress

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.batch.output import Output
    from vad.batch.pool import Pool
    from vad.detector import Detection
    from vad.grid import Grid

STDOUT = (None, "-")
LIST = click.File(errors="surrogateescape")  # file names need not be Unicode


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--from-file", type=LIST, metavar="LIST", help="Read more inputs from LIST, one per line.")
@click.option("-o", "--output", metavar="FILE|DIR|TEMPLATE", help="Where to write.  [default: standard output]")
@click.option("-f", "--format", "kind", type=click.Choice(list(FORMATS)), help="Label format.  [default: as -o says]")
@shared.segmentation
@click.option("--invert", "inverted", is_flag=True, help="Give the silences instead of the speech.")
@click.option("--scores", "scores_to", metavar="FILE|DIR", help="Also write the frame scores, as .npz or .csv.")
@click.option("--summary", is_flag=True, help="A line per recording in place of its segments (or beside -o).")
@click.option("--latency", metavar="SECONDS|NAME", help="Find what `vad stream --latency` would.  [default: no limit]")
@shared.model
@shared.sound
@shared.jobs
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    metavar="cpu|cuda|cuda:N",
    help="What the network runs on: a GPU by torch (needs the [train] extra).",
)
@click.option("--cluster", metavar="ADDRESS", help="Let the workers of this Dask scheduler do it: tcp://host:8786.")
@click.option("--unordered", is_flag=True, help="Write recordings as they are done, not in the order of INPUT.")
@click.option("--resume", is_flag=True, help="Leave out what an earlier run with the same -o has done.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no warnings, only errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say the model, the settings, and what each recording held.")
def detect(
    inputs: tuple[str, ...], from_file: Iterable[str] | None, preset: str, quiet: bool, verbose: bool, **options: Any
) -> None:
    """Find the speech in sound files.

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input; each of the first three may be a URL: s3://, gs://, https:// (needs the
    [cluster] extra, and what serves them, like s3fs). With -o, a name without extension is a folder
    that gets a file per recording; a name with {stem}, {name}, {dir}, {ext} or {channel} is a
    template; any other is one file.

    A run over many recordings may be killed at any instant: the same command with --resume does
    the rest. Files of their own count as done when they exist; one file for all is made at the end
    of FILE.unfinished, which holds what is done so far. Failed recordings are tried again.

    With --cluster the workers read the recordings, and --model, for themselves: name them in a way
    that means the same everywhere. Results come back here. A lost worker's work is done by another.

    \b
    Presets:
      default    the best balance
      recall     misses little: low thresholds, padding
      precision  few false alarms: high thresholds, no short segments
      asr        chunks for transcription: long, padded, at most 30 s
    """
    from vad.batch.inputs import find
    from vad.batch.output import Provenance, Run, check_scores_target, open_output
    from vad.batch.pool import run_tasks, threads_each
    from vad.batch.task import Analysis, load

    names = [*inputs, *(line.strip() for line in from_file or () if line.strip())]
    if not names:
        raise click.UsageError("Give at least one INPUT: a file, a folder, a pattern, or - for standard input.")
    kind = shared.label_format(options["kind"], options["output"])
    detector = load(options["model"], options["device"]).for_latency(options["latency"])
    settings = detector.settings(preset, **shared.settings(options))
    found, errors = find(names)
    several = len(found) + len(errors) > 1 or options["channel"] == "each"
    provenance = Provenance(
        detector.description.identity,
        detector.model.digest,
        settings,
        detector.latency(options["latency"]) if options["latency"] else None,
        options["channel"],
        options["inverted"],
        shared.raw(options),
    )
    if options["scores_to"]:
        check_scores_target(options["scores_to"], several)
    with contextlib.ExitStack() as stack:
        console = stack.enter_context(Console(quiet, verbose))
        output = None
        if options["output"] or not options["summary"]:
            run = Run(provenance, options["resume"], None if options["unordered"] else found)
            output = stack.enter_context(open_output(options["output"], kind, several, run))
        console.detail(f"{detector.path}: {_said(settings)}")
        for error in errors:
            console.error(error)
        left = _left(found, output, options) if options["resume"] else found
        progress = Progress(console, left, len(found) - len(left))
        task = Analysis(
            options["model"],
            settings,
            options["channel"],
            options["latency"],
            options["scores_to"] is not None,
            shared.raw(options),
            1 if options["cluster"] else threads_each(options["jobs"], left),
            options["device"],
            progress.moved if len(found) == 1 and not options["cluster"] else None,
        )
        pool = stack.enter_context(_pool(left, options))
        ordered = not options["unordered"] and (options["output"] in STDOUT or options["summary"])
        for result in run_tasks(left, task, pool, ordered):
            try:
                with console.result(result) as detections:
                    _deliver(
                        result.source, detections, output, about=provenance.about, grid=detector.grid, options=options
                    )
                for detection in detections if not options["summary"] else []:
                    console.detail(_summary(detection))
            except VadError as error:
                console.error(error)
            progress.count(result)
        progress.report(verbose)
    if console.failed:
        raise SystemExit(1)


def _pool(inputs: list[Input], options: dict[str, Any]) -> contextlib.AbstractContextManager[Pool | None]:
    """Who does the work: a cluster, processes, or nobody else."""
    from vad.batch.pool import open_pool

    if not options["cluster"]:
        return open_pool(options["jobs"], inputs)
    try:
        from vad.batch.cluster import Cluster
    except ImportError as error:
        raise SettingError(f"--cluster needs Dask ({error}); pip install 'vad-bilstm[cluster]'") from error
    return Cluster(options["cluster"])


def _left(found: list[Input], output: Output | None, options: dict[str, Any]) -> list[Input]:
    """What an earlier run has not done."""
    if output is None or options["output"] in STDOUT:
        raise SettingError("--resume: standard output does not tell what is done; give -o")
    return [one for one in found if not output.is_done(one)]


def _deliver(
    one: Input,
    detections: list[Detection],
    output: Output | None,
    *,
    about: dict[str, Any],
    grid: Grid,
    options: dict[str, Any],
) -> None:
    """Write what was found in a recording: its labels last, as they say that it is done."""
    from vad.batch.output import write_scores

    if options["scores_to"]:
        for detection in detections:
            write_scores(options["scores_to"], one, detection, grid.frame_seconds)
    if output:
        output.write(one, [_document(d, options["inverted"], about) for d in detections])
    if options["summary"]:
        for detection in detections:
            click.echo(_summary(detection))


def _said(settings: Segmentation) -> str:
    """`onset 0.5, offset 0.35, min_speech 0.1, ...`, what is without limit left out."""
    return ", ".join(f"{name} {value:g}" for name, value in asdict(settings).items() if value != math.inf)


def _document(detection: Detection, inverted: bool, about: dict[str, Any]) -> Document:
    segments, label = detection.segments, "speech"
    if inverted:
        segments, label = invert(segments, detection.duration), "silence"
    return Document(detection.name, detection.channel, detection.duration, segments, label, about=about)


def _summary(detection: Detection) -> str:
    """`talk.wav: 61.20 s, speech 41.3 % (25.28 s) in 14 segments, longest silence 6.10 s`."""
    speech = total(detection.segments)
    silence = max((s.duration for s in invert(detection.segments, detection.duration)), default=0.0)
    name = printable(detection.name) + (f" channel {detection.channel}" if detection.channel else "")
    return (
        f"{name}: {detection.duration:.2f} s, speech {100 * speech / max(detection.duration, 1e-9):.1f} % "
        f"({speech:.2f} s) in {len(detection.segments)} segments, longest silence {silence:.2f} s"
    )
