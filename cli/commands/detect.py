"""`vad detect`: recordings to segments."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import click

from vad.errors import SettingError
from vad.formats import Format
from vad.settings import Segmentation

from ..command import command, option
from ..console import Console
from ..delivery import Delivery, OutputOptions
from ..options import (
    DetectionOptions,
    JobsOptions,
    MessageOptions,
    SoundOptions,
)

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.batch.output import Output, Provenance


@dataclass(frozen=True)
class ListOptions:
    """More inputs."""

    title = "Input"
    from_file: Iterable[str] | None = option(
        "--from-file",
        type=click.File(errors="surrogateescape"),  # file names need not be Unicode
        metavar="LIST",
        help="Read more inputs from LIST, one per line.",
    )


@dataclass(frozen=True)
class InputOptions(SoundOptions, ListOptions):
    """The inputs, and how to read them."""

    def names(self, inputs: tuple[str, ...]) -> list[str]:
        """The inputs on the command line and in the list; `click.UsageError` where there are none."""
        lines = (line.removeprefix("\ufeff").strip() for line in self.from_file or ())  # editors on Windows mark UTF-8
        names = [*inputs, *filter(None, lines)]
        if not names:
            raise click.UsageError("Give at least one INPUT: a file, a folder, a pattern, or - for standard input.")
        return names


@dataclass(frozen=True)
class FindOptions(DetectionOptions):
    """What to find."""

    inverted: bool = option("--invert", "--silences", is_flag=True, help="Give the silences instead of the speech.")


@dataclass(frozen=True)
class ScaleOptions(JobsOptions):
    """Where the work is done."""

    device: str = option(
        "--device",
        default="cpu",
        show_default=True,
        metavar="cpu|cuda|cuda:N",
        help="What the network runs on: a GPU through torch (needs the [train] extra).",
    )
    cluster: str | None = option(
        "--cluster", metavar="ADDRESS", help="Let the workers of this Dask scheduler do it: tcp://host:8786."
    )


@dataclass(frozen=True)
class VerboseOptions(MessageOptions):
    """What is written to standard error."""

    verbose: bool = option(
        "-v", "--verbose", is_flag=True, help="Also write the model, the settings, and a summary of each recording."
    )

    def console(self) -> Console:
        """The console of the command."""
        return Console(self.quiet, self.verbose)


@command()
@click.argument("inputs", nargs=-1, metavar="INPUT...")
def detect(
    inputs: tuple[str, ...],
    *,
    source: InputOptions,
    speech: FindOptions,
    output: OutputOptions,
    scale: ScaleOptions,
    messages: VerboseOptions,
) -> None:
    """Find the speech in sound files.

    \b
      vad detect talk.mp3                        # start and end in seconds
      vad detect talk.mp4 -o talk.srt            # the name says the format
      vad detect recordings/ -o labels/ -f rttm  # a file per recording

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input; each of the first three may be a URL: s3://, gs://, https:// (needs the
    [cluster] extra, and what serves them, like s3fs). With -o, a name without extension is a folder
    that gets a file per recording; a name with {stem}, {name}, {dir}, {ext} or {channel} is a
    template; any other is one file. Of a folder or pattern, files without a name of sound are
    skipped.

    \b
    Fields of --printf: {file} {dir} {name} {stem} {ext} {channel} {number}
      {start} {end} {duration} {label} {score}, like '{stem} {start:.1f}'

    A run over many recordings may be killed at any time: the same command with --resume does the
    rest. Files of their own count as done when they exist; one file for all is written at the end
    from FILE.unfinished, which holds what is done so far. Failed recordings are tried again, until
    FILE is written.

    With --cluster the workers read the recordings, and --model, themselves: their paths must be
    valid on every machine. Results come back here. When a worker is lost, another does its work.
    """
    from vad.batch.inputs import find
    from vad.batch.output import Provenance, check_scores_target
    from vad.batch.pool import open_pool, threads_each
    from vad.batch.run import run_batch
    from vad.batch.task import Analysis, load

    kind = output.kind()
    speech = replace(speech, max_speech=speech.unlimited() if speech.inverted else speech.longest(kind))
    settings = speech.settings(load(speech.model, scale.device).for_latency(speech.latency))
    task = Analysis(
        speech.model, settings, source.channel, speech.latency, output.scores is not None, source.to_raw(), scale.device
    )
    skipped: list[str] = []
    found, errors = find(source.names(inputs), on_skip=skipped.append)
    several = len(found) + len(errors) > 1 or source.channel == "each"
    if output.scores:
        check_scores_target(output.scores, several, output.force or output.resume)
    provenance = Provenance.of(task, speech.inverted)
    with messages.console() as console, _open(output, kind, provenance, found, several) as target:
        console.detail(f"{task.detector.path}: {_described(settings)}")
        console.errors(errors, skipped)
        left = _left(found, target, output)
        if not scale.cluster:
            progress = console.progress if len(found) == 1 else None
            task = replace(task, threads=threads_each(scale.jobs, left), on_progress=progress)
        deliver = Delivery(target, provenance, output, task.detector.grid.frame_seconds, console)
        ordered = not output.unordered and (output.to_stdout or output.summary)
        with open_pool(scale.jobs, left, scale.cluster) as pool:
            totals = run_batch(left, task, deliver, console, pool=pool, ordered=ordered)
        console.summary(totals, left_out=len(found) - len(left), silent=len(deliver.silent))
        for one in deliver.silent if len(found) == 1 else ():
            console.note(f"{one.path}: no speech found")


def _open(
    output: OutputOptions, kind: Format, provenance: Provenance, found: list[Input], several: bool
) -> contextlib.AbstractContextManager[Output | None]:
    """The place for labels; None where only the summary is written."""
    from vad.batch.output import Run, open_output

    if output.summary and not output.output:
        return contextlib.nullcontext()
    run = Run(provenance, output.resume, None if output.unordered else found)
    return open_output(output.output, kind, several, run, force=output.force)


def _left(found: list[Input], target: Output | None, output: OutputOptions) -> list[Input]:
    """The inputs to work on: with --resume those without an output; without it, none may have one."""
    if output.resume and (target is None or output.to_stdout):
        raise SettingError("resume: standard output does not show what is done; give -o", "resume")
    if target is None or (output.force and not output.resume):
        return found
    left = [one for one in found if not target.is_done(one)]
    if not output.resume and len(left) < len(found):
        done = next(one for one in found if one not in left)
        raise SettingError(
            f"{output.output}: holds the output of {len(found) - len(left)} of {len(found)} inputs, like {done.path}; "
            "--resume leaves them out, --force replaces them"
        )
    return left


def _described(settings: Segmentation) -> str:
    """`onset 0.5, offset 0.35, min_speech 0.1, ...`, without what has no limit."""
    return ", ".join(f"{name} {value:g}" for name, value in asdict(settings).items() if value != math.inf)
