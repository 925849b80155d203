"""`vad split`: a sound file for each segment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.formats import printable

from ..command import command, option
from ..cutting import Cuts, CuttingOptions
from ..options import force_option

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
        parameter="target",
        default=".",
        metavar="DIR|TEMPLATE",
        help="Where to write.  [default: this folder]",
    )
    force: bool = force_option()


@command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
def split(inputs: tuple[str, ...], output: OutputOptions, cutting: CuttingOptions) -> None:
    """Cut sound files into a file per segment.

    \b
      vad split talk.mp3 -o pieces/
      vad split talk.wav --labels talk.srt -o pieces/   # where subtitles are
      vad split '*.flac' -o '{dir}/{stem}-{number:04}.wav'

    INPUT is a file (audio or video), a folder (searched recursively), a quoted pattern, or - for
    standard input. The speech is found as by `vad detect`, or taken from --labels, to which
    padding, --min-speech and --min-silence apply as well. Each file that is written is a line of
    standard output: name, start and end in seconds.

    Files have the rate, the channels, the format and the unchanged samples of the recording. What
    is compressed with loss (MP3, Opus, M4A, videos) becomes FLAC; an extension in a template
    chooses another format: .wav, .flac, .aiff, .w64, .caf, with new loss .ogg, .opus, .mp3 and
    .m4a, and .mp4, .mov, .mkv and .webm for videos with their picture. A recording without speech
    gives a warning, not an error.

    \b
    Templates: {dir} {name} {stem} {ext} {number} {start} {end} {duration}, like
      'pieces/{stem}-{number:04}-{start:.2f}.flac'
    {ext} is the recording's own extension, or flac; a folder stands for
      DIR/{stem}-{number:04}-{start:.2f}.{ext}
    """
    from vad.cutting.cutter import Cutter

    cutter = Cutter(output.output, output.force)

    def cut(one: Input, path: Path, cuts: Cuts) -> Written:
        written = cutter.split(one, path, cuts.segments)
        for part in written.parts:
            click.echo(printable(str(part.path)) + f"\t{part.segment.start:.3f}\t{part.segment.end:.3f}")
        return written

    cutting.run(inputs, cut)
