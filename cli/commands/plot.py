"""`vad plot`: a recording and its detected segments, as a picture."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from vad.errors import VadError
from vad.formats import Document, printable, speech_of

from .. import types
from ..command import command, option
from ..options import DetectionOptions, MessageOptions, SoundOptions, force_option, labels_format


@dataclass(frozen=True)
class LabelOptions:
    """The reference."""

    title = "Input"
    labels: Path | None = option("--labels", type=types.PATH, metavar="FILE|DIR", help="Also draw this reference.")
    labels_format: str | None = labels_format("--labels-format", "the labels")


@dataclass(frozen=True)
class InputOptions(SoundOptions, LabelOptions):
    """The reference, and how to read the sound."""


@dataclass(frozen=True)
class OutputOptions:
    """The picture."""

    title = "Output"
    output: str | None = option(
        "-o", "--output", metavar="FILE", help="Picture: .png, .svg or .pdf; - for a PNG.  [default: a window]"
    )
    open: bool = option("--open", is_flag=True, help="Open the picture of -o when it is done.")
    force: bool = force_option()
    spectrogram: bool = option(
        "--spectrogram", is_flag=True, help="Draw the input of the model (log-mel), not the waveform."
    )
    start: float | None = option("--from", type=types.time, metavar="TIME", help="Begin here.  [default: 0]")
    end: float | None = option("--to", type=types.time, metavar="TIME", help="End here.  [default: the end]")
    row: float | None = option(
        "--row",
        type=types.time,
        metavar="TIME",
        help="Time in one row.  [default: all of it up to 2 min, else a twelfth]",
    )

    def span(self) -> tuple[float, float]:
        """The time to draw, in seconds; `click.UsageError` where it is empty."""
        start, end = self.start or 0.0, math.inf if self.end is None else self.end
        if not start < end or self.row == 0:
            raise click.UsageError("--to must come after --from, and --row must be above 0.")
        return start, end


@command(extra="plot")
@click.argument("audio")
def plot(
    audio: str, source: InputOptions, speech: DetectionOptions, output: OutputOptions, messages: MessageOptions
) -> None:
    """Draw AUDIO with its scores, the thresholds, and the detected speech.

    AUDIO is a file (audio or video), or - for standard input. With --labels the reference is drawn
    below, with misses and false alarms. TIME is in seconds, or like 1:30 or 1:02:03.5. Scores and
    segments are those of `vad detect` for the whole recording, whatever part is drawn. Needs
    the [plot] extra.
    """
    from vad import Detector
    from vad.atomic import check_free
    from vad.audio.decode import open_sound
    from vad.labels.extent import past_end
    from vad.plotting.downsample import ViewContent, load_views
    from vad.plotting.drawing import PlotSettings, draw
    from vad.plotting.style import check_picture, save, show, style, window

    if output.open and output.output in (None, "-"):
        raise click.UsageError("--open shows the picture of -o; without -o there is a window.")
    span = output.span()
    if output.output:
        check_picture(output.output)
        check_free(Path(output.output), output.force)
    with style(), messages.console() as console:
        figure = None if output.output else window()
        detector = Detector(speech.model).for_latency(speech.latency)
        settings = speech.settings(detector)
        sound = open_sound(sys.stdin.buffer if audio == "-" else audio, source.to_raw())
        documents = _documents(audio, source.labels, source.labels_format)
        views = load_views(
            detector,
            sound,
            settings,
            source.channel,
            ViewContent(span, output.spectrogram),
            latency=speech.latency,
            progress=console.progress,
        )
        references = [speech_of(documents, v.detection.channel or "mix") for v in views] if documents else None
        duration = views[0].detection.duration
        for note in dict.fromkeys(note for of in references or [] for note in past_end(of, duration)):
            console.warn(f"{sound.name}: {note}")
        title = printable(Path(sound.name).name)
        look = PlotSettings(title, settings, detector.description.features, span, output.row, references)
        drawn = draw(views, look, figure)
        if output.output:
            save(drawn, output.output)
        else:
            show()
    if output.open and output.output and click.launch(output.output):
        raise VadError(f"{output.output}: is written, but no program was found that shows it")


def _documents(audio: str, labels: Path | None, format: str | None) -> list[Document] | None:
    """The labels of a recording, in a file or in a folder of many; None without labels."""
    from vad.formats import read_labels
    from vad.labels.matching import match

    if labels is None:
        return None
    if audio == "-":
        return read_labels(labels, format)
    return match(Path(audio), labels, format).labelled[str(Path(audio))]
