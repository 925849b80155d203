"""`vad split`: a sound file for each segment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.formats import printable

from ..cut import Where, cutting, run

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.cutting.cutter import Written


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", default=".", metavar="DIR|TEMPLATE", help="Where to write.  [default: this folder]")
@cutting
def split(inputs: tuple[str, ...], output: str, **options: Any) -> None:
    """Cut sound files into a file per segment.

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input. The speech is found as by `vad detect`, or taken from --labels, to which
    padding, --min-speech and --min-silence apply as well. Each file that was written is a line of
    standard output: name, start and end in seconds.

    Files have the rate, the channels, the format and the very samples of the recording. What is
    compressed with loss (MP3, Opus, M4A, videos) becomes FLAC; an extension in a template chooses
    otherwise: .wav, .flac, .aiff, .w64, .caf, and with new loss .ogg, .opus and .mp3. A recording
    without speech is said, and is no failure.

    \b
    Templates: {dir} {name} {stem} {ext} {number} {start} {end} {duration}, like
      'pieces/{stem}-{number:04}-{start:.2f}.flac'
    {ext} is the recording's own extension, or flac; a folder stands for
      DIR/{stem}-{number:04}-{start:.2f}.{ext}
    """
    from vad.cutting.cutter import Cutter

    cutter = Cutter(output, options["force"])

    def cut(one: Input, path: Path, where: Where) -> Written:
        written = cutter.split(one, path, where.segments)
        for part in written.parts:
            click.echo(printable(str(part.path)) + f"\t{part.segment.start:.3f}\t{part.segment.end:.3f}")
        return written

    run(inputs, options, cut)
