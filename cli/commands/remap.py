"""`vad remap`: labels of a trimmed file on the times of the original."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from vad.formats import load

from ..command import command, option
from ..console import Console
from ..options import force_option, label_format, labels_format, output_format
from ..types import PATH


@dataclass(frozen=True)
class LabelOptions:
    """How labels are read and written."""

    output: str | None = option("-o", "--output", metavar="FILE", help="Where to write.  [default: standard output]")
    write_as: str | None = output_format("-f", "--format", help="Format to write.  [default: that of -o, or of LABELS]")
    read_as: str | None = labels_format("--from", "LABELS")
    whole: bool | None = option(
        "--whole/--divide", help="Keep, or divide, labels over several pieces.  [default: keep those with a text]"
    )
    force: bool = force_option()
    quiet: bool = option("-q", "--quiet", is_flag=True, help="No warnings, only errors.")


@command()
@click.argument("labels", type=PATH)
@click.argument("time_map", type=PATH, metavar="MAP")
def remap(labels: Path, time_map: Path, options: LabelOptions) -> None:
    """Bring labels of a trimmed file back to the original's times.

    LABELS are labels or subtitles of any format, made on the file that `vad trim` wrote (- for
    standard input); MAP is the .map.json beside that file. A label over several pieces is divided
    where something was cut out; a label with a text stays whole instead, so that no word appears
    twice. Labels in the silence that `vad trim --gap` inserted are left out, with a warning.
    """
    from vad.batch.inputs import Input
    from vad.batch.output import open_output
    from vad.cutting.timemap import TOLERANCE, read_map, select
    from vad.cutting.timemap import remap as to_original
    from vad.labels.convert import losses
    from vad.labels.extent import past_end

    known = read_map(time_map)
    found = load(sys.stdin.buffer if str(labels) == "-" else labels, options.read_as)
    selected = select(found.documents, known, labels)
    by_output = options.write_as or (options.output and options.output != "-")
    kind = label_format(options.write_as, options.output) if by_output else found.format
    with (
        Console(options.quiet) as console,
        open_output(options.output, kind, len(selected) > 1, force=options.force) as target,
    ):
        for document in selected:
            moved = to_original(document, known, options.whole)
            for loss in losses([moved.document], kind):
                console.warn(f"{labels}: {loss}")
            for note in past_end(document.rows, known.cut_duration, TOLERANCE):
                console.warn(f"{labels}: {note}")
            if moved.lost:
                console.warn(f"{labels}: labels left out that lie in the silence between the pieces: {moved.lost}")
            target.write(Input(str(labels), Path(labels.name)), [moved.document])
