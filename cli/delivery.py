"""Where the results of `vad detect` go: the options, and the writing of one recording after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from vad.clock import timestamp
from vad.errors import SettingError
from vad.formats import Document, Format, printable
from vad.formats.document import CLOCKED, decimal
from vad.segments import invert, total
from vad.wording import pluralize

from .command import option
from .console import Console
from .options import force_option, label_format, output_format

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.batch.output import Output, Provenance
    from vad.detector import Detection


@dataclass(frozen=True)
class OutputOptions:
    """Where the results go."""

    title = "Output"
    output: str | None = option(
        "-o",
        "--output",
        parameter="target",
        metavar="FILE|DIR|TEMPLATE",
        help="Where to write.  [default: standard output]",
    )
    format: str | None = output_format("-f", "--format", help="Label format.  [default: as -o says]")
    printf: str | None = option(
        "--printf",
        metavar="TEMPLATE",
        help="A line per segment, like '{start} {end} {duration}', in place of a format.",
    )
    time: str = option(
        "--time",
        type=click.Choice(["s", "hms"]),
        default="s",
        help="Times of --printf, text, csv and tsv: seconds, or like 00:01:02.500.  [default: s]",
    )
    scores: str | None = option("--scores", metavar="FILE|DIR", help="Also write the frame scores, as .npz or .csv.")
    summary: bool = option(
        "--summary", is_flag=True, help="A line per recording in place of its segments (or beside -o)."
    )
    unordered: bool = option(
        "--unordered", is_flag=True, help="Write recordings as they are done, not in the order of INPUT."
    )
    resume: bool = option("--resume", is_flag=True, help="Leave out what an earlier run with the same -o has done.")
    force: bool = force_option()

    def kind(self) -> Format:
        """The label format; `SettingError` where options contradict each other."""
        if self.summary and not self.output and (self.format or self.printf is not None):
            raise SettingError(
                "summary: stands in place of the segments; give -o for these, or leave one out", "summary"
            )
        if self.printf is not None:
            from vad.batch.lines import line_format

            if self.format:
                raise SettingError(
                    f"printf: stands in place of --format {self.format}; leave one of them out", "printf"
                )
            return line_format(self.printf)
        kind = label_format(self.format, self.output)
        if self.time != "s" and kind.name not in CLOCKED:
            raise SettingError(f"time: {kind.name} has its own times; only {', '.join(CLOCKED)} have others", "time")
        return kind

    @property
    def to_stdout(self) -> bool:
        """Whether labels go to standard output."""
        return self.output in (None, "-")


@dataclass(frozen=True)
class Delivery:
    """Writes the results of one recording after the other."""

    target: Output | None
    provenance: Provenance
    output: OutputOptions
    frame_seconds: float
    console: Console
    silent: list[Input] = field(default_factory=list)  # recordings without speech

    def __call__(self, one: Input, detections: list[Detection]) -> float:
        """Write scores first and labels last, because these mark a recording as done; its duration."""
        from vad.batch.output import write_scores

        if self.output.scores:
            for detection in detections:
                force = self.output.force or self.output.resume
                write_scores(self.output.scores, one, detection, self.frame_seconds, force)
        if self.target:
            self.target.write(one, [self._document(detection) for detection in detections])
        for detection in detections:
            if self.output.summary:
                click.echo(_summary(detection))
            else:
                self.console.detail(_summary(detection))
        if not any(detection.segments for detection in detections):
            self.silent.append(one)
        return detections[0].duration if detections else 0.0

    def _document(self, detection: Detection) -> Document:
        """The labels of a detection: its segments or the silences between them."""
        segments, label, scores = detection.segments, "speech", detection.segment_scores
        if self.provenance.inverted:
            segments, label, scores = invert(segments, detection.duration), "silence", ()
        return Document(
            *(detection.name, detection.channel, detection.duration, segments, label),
            about=self.provenance.about,
            scores=scores,
            time=timestamp if self.output.time == "hms" else decimal,
        )


def _summary(detection: Detection) -> str:
    """`talk.wav: 61.20 s, speech 41.3 % (25.28 s) in 14 segments, longest silence 6.10 s`."""
    speech = total(detection.segments)
    silence = max((s.duration for s in invert(detection.segments, detection.duration)), default=0.0)
    name = printable(detection.name) + (f" channel {detection.channel}" if detection.channel else "")
    return (
        f"{name}: {detection.duration:.2f} s, speech {100 * speech / max(detection.duration, 1e-9):.1f} % "
        f"({speech:.2f} s) in {pluralize(len(detection.segments), 'segment')}, longest silence {silence:.2f} s"
    )
