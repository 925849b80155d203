"""`vad export`: weights for programs that have ONNX Runtime and nothing of this package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ..command import command, option
from ..options import force_option
from ..types import PATH


@dataclass(frozen=True)
class ExportOptions:
    """What is written, and where."""

    output: Path = option(
        "-o", "--output", required=True, type=PATH, metavar="FILE", help="ONNX file to write; - for standard output."
    )
    waveform: bool = option(
        "--waveform", is_flag=True, help="Put the features into the graph: it takes samples (needs [export])."
    )
    force: bool = force_option()


@command(extra="export")
@click.argument("model", required=False)
def export(model: str | None, options: ExportOptions) -> None:
    """Write a model as one ONNX file, for C++, mobile and browsers.

    MODEL is a weights file, a folder made by `vad train`, or the name of a model in the package;
    without it, the model that is used by default. With --waveform the file takes samples at 16 kHz,
    (window, sample), and gives a score per 10 ms, (window, frame); its metadata say, under
    "waveform", how much sound to give at once. Its scores are checked against those of this package
    before it is written. Without --waveform the file is the weights file itself, which takes
    log-mel frames. The thresholds are in the metadata under "vad".
    """
    from vad import Detector
    from vad.atomic import check_free, write

    check_free(options.output, options.force)
    detector = Detector(model)
    if not options.waveform:
        write(options.output, detector.path.read_bytes())
        return
    from vad.network.waveform import export_waveform

    difference = export_waveform(detector, options.output)
    text = f"{options.output}: takes samples; scores differ by at most {difference:.1g} from those of this package"
    click.echo(text, err=True)
