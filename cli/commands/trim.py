"""`vad trim`: the speech of a recording as one file, with a map back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.formats import printable

from .. import options as shared
from ..cut import Where, cutting, run

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.cutting.cutter import Written


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, metavar="FILE|DIR|TEMPLATE", help="Where to write.")
@click.option(
    "--gap",
    type=shared.Number(0, 3600),
    default=0.0,
    metavar="SECONDS",
    help="Silence between segments.  [default: 0]",
)
@cutting
def trim(inputs: tuple[str, ...], output: str, gap: float, **options: Any) -> None:
    """Cut the silence out of sound files.

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input. The speech is found as by `vad detect`, or taken from --labels, to which
    padding, --min-speech and --min-silence apply as well. OUTPUT has the rate, the channels and
    the very samples of the recording, and where its extension allows the format; it is a file, a
    folder (a name without extension), or a template with {stem}, {name}, {dir} or {ext}.

    Beside OUTPUT stands its time map, called .map.json: which part of the recording each piece is.
    `vad remap` brings labels and subtitles that were made on OUTPUT back to the recording with it.
    A recording without speech is said, and is no failure.
    """
    from vad.cutting.cutter import Cutter

    cutter = Cutter(output, options["force"])

    def cut(one: Input, path: Path, where: Where) -> Written:
        made, written = cutter.join(one, path, where.segments, where.duration, gap)
        click.echo(
            printable(f"{made.cut}: {made.cut_duration:.2f} of {made.original_duration:.2f} s")
            + f" in {len(made.pieces)} pieces"
        )
        return written

    run(inputs, options, cut)
