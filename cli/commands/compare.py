"""`vad compare`: several detectors over the same recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.errors import ModelError, RecipeError, VadError

from ..command import command, option
from ..console import Console
from ..evaluation_options import TABLES, MeasurementOptions, ReferenceOptions
from ..options import MessageOptions
from ..types import PATH

if TYPE_CHECKING:
    from vad.evaluation.peers import System
    from vad.labels.labelled_set import LabelledRecording


@dataclass(frozen=True)
class SystemOptions:
    """The detectors."""

    title = "What is compared"
    systems: str | None = option(
        "--systems", metavar="NAME,...", help="Detectors to compare.  [default: speech-1 and the peers installed]"
    )


@dataclass(frozen=True)
class OutputOptions:
    """Where the table goes."""

    title = "Output"
    format: str = option(
        "-f", "--format", type=click.Choice(TABLES), default="table", show_default=True, help="Output format."
    )


@command()
@click.argument("audio", nargs=-1, required=True, type=PATH, metavar="AUDIO...")
def compare(
    audio: tuple[Path, ...],
    *,
    source: ReferenceOptions,
    detectors: SystemOptions,
    measurement: MeasurementOptions,
    output: OutputOptions,
    messages: MessageOptions,
) -> None:
    """Compare detectors on your own sound.

    AUDIO are files or folders. A NAME is a model of the package, a weights file, a folder of
    `vad train`, or a peer through its own package: webrtc, silero, ten. There is a row per detector:
    how well it does where there are labels (beside the sound, or --reference), or without labels
    how far it agrees with the others; how much it takes for speech; and how many seconds of a core
    it needs for an hour of sound, from samples to segments.

    "DCF to" is how much higher the detection cost is than the first one's, with a 95 % interval
    over recordings: an interval that holds 0 shows no difference. Every detector runs at its own
    defaults; WebRTC runs in mode 2, and its four modes together give its scores.

    Exit status: 0 everything was compared, 1 a detector or recording was left out.
    """
    from vad.evaluation.compare import compare as run
    from vad.evaluation.comparison_tables import WRITERS
    from vad.evaluation.peers import identity
    from vad.evaluation.results import IDENTICAL, identical

    with messages.console() as console:
        systems = _open(detectors.systems, console)
        labelled, unlabelled, reference = _recordings(audio, source, console)
        found = run(labelled, unlabelled, systems, measurement.settings(), progress=console.progress)
        found.about = {"audio": list(map(str, audio)), "reference": reference, "uem": source.uem and str(source.uem)}
        found.about["models"] = {name: identity(name, system) for name, system in systems.items()}
        for name, group in found.groups.items():
            if identical(group.recordings):
                console.warn(f"{name}: {IDENTICAL}")
        console.errors(map(VadError, found.problems))
        click.echo(WRITERS[output.format](found), nl=False)


def _open(systems: str | None, console: Console) -> dict[str, System]:
    """The detectors that are installed; an error for each other."""
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
        raise click.ClickException("none of the detectors can be used")
    return opened


def _recordings(
    audio: tuple[Path, ...], source: ReferenceOptions, console: Console
) -> tuple[list[LabelledRecording], list[str], str]:
    """The recordings with a reference, the paths of those without, and where the reference is."""
    from vad.batch.inputs import find
    from vad.labels.labelled_set import read_labelled

    labelled: dict[str, LabelledRecording] = {}
    problems: list[VadError] = []
    references: dict[str, None] = {}
    for one in audio:
        try:
            found = read_labelled(one, source.reference, uem=source.uem, format=source.reference_format)
            labelled |= {recording.path: recording for recording in found.recordings}
            problems += map(VadError, found.problems)
            references[found.reference] = None
        except RecipeError as error:
            problems += [error] if source.reference or source.uem else []
    if source.reference and not labelled:
        raise problems[-1]
    inputs, errors = find(map(str, audio))
    console.errors([*problems, *errors])
    unlabelled = [one.path for one in inputs if one.path not in labelled]
    return list(labelled.values()), unlabelled, ", ".join(references)
