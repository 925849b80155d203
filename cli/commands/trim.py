"""`vad trim`: the speech of a recording as one file, with a map back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.formats import printable
from vad.wording import pluralize

from ..command import command, option
from ..cutting import Cuts, CuttingOptions
from ..options import force_option
from ..types import Number

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.cutting.cutter import Written


@dataclass(frozen=True)
class OutputOptions:
    """Where the files go."""

    title = "Output"
    output: str = option(
        "-o",
        "--output",
        required=True,
        metavar="FILE|DIR|TEMPLATE",
        parameter="target",
        help="Where to write.",
    )
    gap: float = option(
        "--gap",
        type=Number(0, 3600),
        default=0.0,
        metavar="SECONDS",
        help="Silence between segments.  [default: 0]",
    )
    force: bool = force_option()


@command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
def trim(inputs: tuple[str, ...], output: OutputOptions, cutting: CuttingOptions) -> None:
    """Cut the silence out of sound and video files.

    \b
      vad trim talk.flac -o short.flac
      vad trim talk.wav -o short.wav --gap 0.5   # silence between segments
      vad trim talk.mp4 -o short.mp4             # a video, with its picture

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input. The speech is found as by `vad detect`, or taken from --labels, to which
    padding, --min-speech and --min-silence apply as well. OUTPUT has the rate, the channels and
    the unchanged samples of the recording, and where its extension allows the format; it is a file,
    a folder (a name without extension), or a template with {stem}, {name}, {dir} or {ext}. A video
    keeps its picture, which is encoded anew, in .mp4, .mov, .mkv and .webm.

    Beside OUTPUT is its time map, called .map.json: which part of the recording each piece is.
    With it, `vad remap` moves labels and subtitles of OUTPUT back to the times of the recording.
    A recording without speech gives a warning, not an error.
    """
    from vad.cutting.cutter import Cutter

    cutter = Cutter(output.output, output.force)

    def cut(one: Input, path: Path, cuts: Cuts) -> Written:
        made, written = cutter.join(one, path, cuts.segments, cuts.duration, output.gap)
        click.echo(
            printable(f"{made.cut}: {made.cut_duration:.2f} of {made.original_duration:.2f} s")
            + f" in {pluralize(len(made.pieces), 'piece')}"
        )
        return written

    cutting.run(inputs, cut)
