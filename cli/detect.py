"""`vad detect`: recordings to segments."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from vad.errors import VadError
from vad.formats import FORMATS, Document, printable
from vad.segments import invert, total
from vad.settings import Segmentation

from . import options as shared
from .talk import Talk

if TYPE_CHECKING:
    from vad.batch import Input
    from vad.detector import Detection, Detector

LIST = click.File(errors="surrogateescape")  # file names need not be Unicode


@click.command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--from-file", type=LIST, metavar="LIST", help="Read more inputs from LIST, one per line.")
@click.option("-o", "--output", metavar="FILE|DIR|TEMPLATE", help="Where to write.  [default: standard output]")
@click.option("-f", "--format", "kind", type=click.Choice(list(FORMATS)), help="Label format.  [default: as -o says]")
@shared.segmentation
@click.option("--invert", "inverted", is_flag=True, help="Give the silences instead of the speech.")
@click.option("--scores", "scores_to", metavar="FILE|DIR", help="Write the frame scores, too, as .npz or .csv.")
@click.option("--summary", is_flag=True, help="A line per recording in place of its segments (or beside -o).")
@click.option("--latency", metavar="SECONDS|NAME", help="Find what `vad stream --latency` would.  [default: no limit]")
@shared.model
@shared.sound
@shared.jobs
@click.option("-q", "--quiet", is_flag=True, help="No progress and no warnings, only errors.")
@click.option("-v", "--verbose", is_flag=True, help="Say the model, the settings, and what each recording held.")
def detect(
    inputs: tuple[str, ...], from_file: Iterable[str] | None, preset: str, quiet: bool, verbose: bool, **options: Any
) -> None:
    """Find the speech in sound files.

    INPUT is a file (audio or video), a folder (searched to its depth), a quoted pattern, or - for
    standard input. With -o, a name without extension is a folder that gets a file per recording;
    a name with {stem}, {name}, {dir}, {ext} or {channel} is a template; any other is one file.

    \b
    Presets:
      default    the best balance
      recall     misses little: low thresholds, padding
      precision  few false alarms: high thresholds, no short segments
      asr        chunks for transcription: long, padded, at most 30 s
    """
    from vad import Detector
    from vad.batch import find, work
    from vad.output import check_scores_target, open_output, write_scores

    names = [*inputs, *(line.strip() for line in from_file or () if line.strip())]
    if not names:
        raise click.UsageError("Give at least one INPUT: a file, a folder, a pattern, or - for standard input.")
    kind = shared.label_format(options["kind"], options["output"])
    detector = Detector(options["model"])
    settings = detector.settings(preset, **shared.settings(options))
    found, errors = find(names)
    several = len(found) + len(errors) > 1 or options["channel"] == "each"
    about: dict[str, Any] = {"model": detector.description.identity, "settings": asdict(settings)}
    if options["latency"]:
        about["latency"] = detector.latency(options["latency"])
    if options["scores_to"]:
        check_scores_target(options["scores_to"], several)
    with contextlib.ExitStack() as stack:
        output = None
        if options["output"] or not options["summary"]:
            output = stack.enter_context(open_output(options["output"], kind, several))
        talk = stack.enter_context(Talk(1000 if len(found) == 1 else len(found), quiet, verbose))
        talk.detail(f"{detector.path}: {settings}")
        for error in errors:
            talk.error(error)

        def deliver(one: Input, detections: list[Detection]) -> None:
            if output:
                output.write(one, [_document(d, options["inverted"], about) for d in detections])
            for detection in detections:
                if options["scores_to"]:
                    write_scores(options["scores_to"], one, detection, detector.grid.frame_seconds)
                if options["summary"]:
                    click.echo(_summary(detection))

        def moved(share: float) -> None:
            if len(found) == 1:
                talk.to(int(1000 * share))

        task = functools.partial(_analyse, detector=detector, settings=settings, options=options, moved=moved)
        for count, (one, result) in enumerate(work(found, task, min(options["jobs"], len(found))), 1):
            try:
                if isinstance(result, VadError):
                    raise result
                with talk.aside():
                    deliver(one, result)
                for detection in result:
                    talk.detail(_summary(detection))
            except VadError as error:
                talk.error(error)
            if len(found) > 1:
                talk.to(count)
    if talk.failed:
        raise SystemExit(1)


def _analyse(
    one: Input,
    check: Callable[[], None],
    *,
    detector: Detector,
    settings: Segmentation,
    options: dict[str, Any],
    moved: Callable[[float], None],
) -> list[Detection]:
    """What is found in a recording; `moved` is told the share that is done, where the length is known."""
    from vad.audio import open_sound

    sound = open_sound(sys.stdin.buffer if one.path == "-" else one.path, shared.raw(options))

    def progress(seconds: float) -> None:
        check()
        if sound.length:
            moved(min(1.0, seconds * sound.sample_rate / sound.length))

    keep = options["scores_to"] is not None
    how = {"latency": options["latency"], "keep_scores": keep, "progress": progress}
    return detector.analyse(sound, settings, options["channel"], **how)


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
