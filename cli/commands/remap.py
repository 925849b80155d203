"""`vad remap`: labels of a trimmed file on the times of the original."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vad.formats import FORMATS, load

from ..console import Console
from ..options import label_format

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("labels", type=PATH)
@click.argument("time_map", type=PATH, metavar="MAP")
@click.option("-o", "--output", metavar="FILE", help="Where to write.  [default: standard output]")
@click.option(
    "-f",
    "--format",
    "wanted",
    type=click.Choice(list(FORMATS)),
    help="Format to write.  [default: that of -o, or of LABELS]",
)
@click.option(
    "--from", "given", type=click.Choice(list(FORMATS)), help="Format of LABELS.  [default: from name and content]"
)
@click.option(
    "--whole/--divide",
    default=None,
    help="Keep, or divide, labels over several pieces.  [default: keep those with a text]",
)
@click.option("-q", "--quiet", is_flag=True, help="No warnings, only errors.")
def remap(
    labels: Path,
    time_map: Path,
    *,
    output: str | None,
    wanted: str | None,
    given: str | None,
    whole: bool | None,
    quiet: bool,
) -> None:
    """Bring labels of a trimmed file back to the original's times.

    LABELS are labels or subtitles of any format, made on the file that `vad trim` wrote (- for
    standard input); MAP is the .map.json beside that file. A label that reaches over several pieces
    is divided where what was cut out lay; with a text it stays whole instead, so that no word
    is said twice. Labels in the silence that `vad trim --gap` put in are left out, which is said.
    """
    from vad.batch.inputs import Input
    from vad.batch.output import open_output
    from vad.cutting.timemap import read_map, select
    from vad.cutting.timemap import remap as back
    from vad.labels.convert import losses

    known = read_map(time_map)
    found = load(sys.stdin.buffer if str(labels) == "-" else labels, given)
    chosen = select(found.documents, known, labels)
    kind = label_format(wanted, output) if wanted or (output and output != "-") else found.format
    with Console(quiet) as console, open_output(output, kind, len(chosen) > 1) as target:
        for document in chosen:
            moved = back(document, known, whole)
            for loss in losses([moved.document], kind):
                console.warn(f"{labels}: {loss}")
            if moved.lost:
                console.warn(f"{labels}: labels left out that lie in the silence between the pieces: {moved.lost}")
            target.write(Input(str(labels), Path(labels.name)), [moved.document])
