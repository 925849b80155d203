"""`vad play`: hear what was found, and only that."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.clock import clock
from vad.formats import printable

from ..command import command, option
from ..console import StatusLine
from ..cutting import Cuts, CuttingOptions
from ..types import Number

if TYPE_CHECKING:
    from vad.batch.inputs import Input


@dataclass(frozen=True)
class PlayOptions:
    """How it is played."""

    title = "Output"
    device: str | None = option(
        "--device", metavar="NAME|INDEX", help="Where to play.  [default: the system's speaker]"
    )
    gap: float = option(
        "--gap", type=Number(0, 3600), default=0.2, metavar="SECONDS", help="Silence between segments.  [default: 0.2]"
    )


@command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
def play(inputs: tuple[str, ...], output: PlayOptions, cutting: CuttingOptions) -> None:
    """Hear what was found in sound files, and only that.

    \b
      vad play talk.mp3
      vad play talk.mp3 --silences               # was anything missed?
      vad play talk.mp3 --labels talk.srt        # where subtitles are

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input. The speech is found as by `vad detect`, or taken from --labels, to which
    padding, --min-speech and --min-silence apply as well. Each segment that is played is a line of
    standard output: name, start and end in seconds. A terminal shows the position in the recording.
    Ctrl-C stops. Needs the [mic] extra.
    """
    from vad.cutting.player import play as play_segments

    device = int(output.device) if output.device and output.device.isdecimal() else output.device
    status = StatusLine() if sys.stderr.isatty() and not cutting.messages.quiet else None

    def cut(one: Input, path: Path, cuts: Cuts) -> None:
        number, whole = 0, clock(cuts.duration)
        for position in play_segments(path, cuts.segments, output.gap, device, one.name):
            if position.number > number:
                number = position.number
                start, end = cuts.segments[number - 1]
                with status.cleared() if status else contextlib.nullcontext():
                    click.echo(f"{printable(one.path)}\t{start:.3f}\t{end:.3f}")
            if status:
                at = clock(position.seconds, longest=cuts.duration)
                status.draw(f"{at} of {whole}, segment {number} of {len(cuts.segments)}")
        if status:
            status.draw("")

    cutting.run(inputs, cut)
