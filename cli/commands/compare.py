"""`vad compare`: several detectors over the same recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import ModelError, RecipeError, VadError

from .. import measuring
from ..console import Console

if TYPE_CHECKING:
    from vad.evaluation.peers import System
    from vad.labels.sets import LabelledRecording

PATH = click.Path(path_type=Path)
WRITTEN = ("table", "json", "csv", "markdown")


@click.command()
@click.argument("audio", nargs=-1, required=True, type=PATH, metavar="AUDIO...")
@click.option("--systems", metavar="NAME,...", help="What to compare.  [default: speech-1 and the peers installed]")
@click.option("--reference", type=PATH, metavar="PATH", help="True labels.  [default: beside the sound, if any]")
@measuring.settings
@click.option(
    "-f", "--format", "kind", type=click.Choice(WRITTEN), default="table", show_default=True, help="Output format."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes, only errors.")
def compare(audio: tuple[Path, ...], systems: str | None, kind: str, quiet: bool, **options: Any) -> None:
    """Compare detectors on your own sound.

    AUDIO are files or folders. A NAME is a model of the package, a weights file, a folder of
    `vad train`, or a peer through its own package: webrtc, silero, ten. There is a row per system:
    how well it does where there are labels (beside the sound, or --reference), or where there are
    none how far it agrees with the others; how much it takes for speech; and how many seconds of a
    core it needs for an hour of sound, from samples to segments.

    "DCF to" is how much higher the detection cost is than the first one's, with a 95 % interval
    over recordings: one that holds 0 tells no difference. Everyone is at its own defaults; WebRTC
    runs in mode 2, and its four modes make its scores.

    Exit status: 0 all were compared, 1 a system or recording was left out.
    """
    from vad.evaluation.compare import compare as run
    from vad.evaluation.comparison_tables import WRITERS

    with Console(quiet) as console:
        opened = _open(systems, console)
        labelled, unlabelled = _recordings(audio, options, console)
        found = run(labelled, unlabelled, opened, measuring.measuring(options), progress=console.to)
        for problem in found.problems:
            console.error(VadError(problem))
        click.echo(WRITERS[kind](found), nl=False)
    if console.failed:
        raise SystemExit(1)


def _open(systems: str | None, console: Console) -> dict[str, System]:
    """The systems that can be had; an error for each other."""
    from vad.evaluation.peers import installed, open_system
    from vad.model.pretrained import DEFAULT

    names = [name.strip() for name in systems.split(",")] if systems else [DEFAULT, *installed()]
    opened = {}
    for name in filter(None, names):
        try:
            opened[name] = open_system(name)
        except ModelError as error:
            console.error(error)
    if not opened:
        raise click.ClickException("none of the systems can be used")
    return opened


def _recordings(
    audio: tuple[Path, ...], options: dict[str, Any], console: Console
) -> tuple[list[LabelledRecording], list[str]]:
    """The sound with a reference, and the paths of that without."""
    from vad.batch.inputs import find
    from vad.labels.sets import read_labelled

    labelled: dict[str, LabelledRecording] = {}
    problems: list[VadError] = []
    for one in audio:
        try:
            found = read_labelled(one, options["reference"], uem=options["uem"], format=options["reference_format"])
            labelled |= {recording.path: recording for recording in found.recordings}
            problems += map(VadError, found.problems)
        except RecipeError as error:
            problems += [error] if options["reference"] or options["uem"] else []
    if options["reference"] and not labelled:
        raise problems[-1]
    inputs, errors = find(map(str, audio))
    for problem in [*problems, *errors]:
        console.error(problem)
    return list(labelled.values()), [i.path for i in inputs if i.path not in labelled]
