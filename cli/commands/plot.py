"""`vad plot`: a recording and what is found in it, as a picture."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import VadError
from vad.formats import Document, printable, speech_of

from .. import options as shared
from ..console import Console

if TYPE_CHECKING:
    from vad.segments import Segment

TIME: dict[str, Any] = {"metavar": "TIME", "callback": shared.to_seconds}


@click.command()
@click.argument("audio")
@click.option("-o", "--output", metavar="FILE", help="Picture: .png, .svg or .pdf; - for a PNG.  [default: a window]")
@click.option("--open", "opened", is_flag=True, help="Open the picture of -o when it is done.")
@click.option("--spectrogram", is_flag=True, help="Draw what the model hears (log-mel), not the waveform.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE|DIR", help="Also draw this reference.")
@shared.labels_format
@click.option("--from", "start", **TIME, help="Begin here.  [default: 0]")
@click.option("--to", "end", **TIME, help="End here.  [default: the end]")
@click.option("--row", **TIME, help="Time in one row.  [default: all of it up to 2 min, else a twelfth]")
@shared.segmentation
@click.option("--latency", metavar="SECONDS|NAME", help="Show what `vad stream --latency` finds.  [default: no limit]")
@shared.model
@shared.sound
@click.option("-q", "--quiet", is_flag=True, help="No progress and no warnings, only errors.")
@shared.needs("plot")
def plot(audio: str, output: str | None, opened: bool, **options: Any) -> None:
    """Draw AUDIO with its scores, the thresholds, and the speech that is found.

    AUDIO is a file (audio or video), or - for standard input. With --labels the reference is drawn
    below, with what was missed and what was found falsely. TIME is in seconds, or like 1:30 or
    1:02:03.5. Scores and segments are those of `vad detect` for the whole recording, whatever part
    is drawn. Needs pip install 'vad-bilstm[plot]'.
    """
    from vad import Detector
    from vad.audio.decode import open_sound
    from vad.plotting.drawing import Look, draw
    from vad.plotting.overview import view
    from vad.plotting.style import check_picture, save, show, style, window

    if opened and output in (None, "-"):
        raise click.UsageError("--open shows the picture of -o; without -o there is a window.")
    start, end = options["start"] or 0.0, math.inf if options["end"] is None else options["end"]
    if not start < end or options["row"] == 0:
        raise click.UsageError("--to must come after --from, and a --row last longer than nothing.")
    if output:
        check_picture(output)
    with style(), Console(options["quiet"]) as console:
        figure = None if output else window()
        detector = Detector(options["model"]).for_latency(options["latency"])
        settings = detector.settings(options["preset"], **shared.settings(options))
        sound = open_sound(sys.stdin.buffer if audio == "-" else audio, shared.raw(options))
        documents = _documents(audio, options["labels"], options["labels_format"])
        how = {"span": (start, end), "spectrum": options["spectrogram"], "latency": options["latency"]}
        views = view(detector, sound, settings, options["channel"], progress=console.to, **how)
        references = [_reference(documents, v.detection.channel) for v in views] if documents else None
        features = detector.description.features
        title = printable(Path(sound.name).name)
        look = Look(title, settings, features, (start, end), options["row"], references)
        drawn = draw(views, look, figure)
        if output:
            save(drawn, output)
        else:
            show()
    if opened and output and click.launch(output):
        raise VadError(f"{output}: is written, but no program was found that shows it")


def _documents(audio: str, labels: Path | None, format: str | None) -> list[Document] | None:
    """The labels of a recording, in a file or in a folder of many; None where none were named."""
    from vad.formats import read_labels
    from vad.labels.matching import match

    if labels is None:
        return None
    if audio == "-":
        return read_labels(labels, format)
    return match(Path(audio), labels, format).labelled[str(Path(audio))]


def _reference(documents: list[Document], channel: int | None) -> list[Segment]:
    """What is said in a channel: labels of no channel are of all, and in the mean of all is what is in any."""
    return speech_of(d for d in documents if None in (d.channel, channel) or d.channel == channel)
