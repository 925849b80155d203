"""Options that several commands share, each group a dataclass and a section of the help."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.errors import FormatError, SettingError
from vad.formats import FORMATS, Format, by_extension
from vad.settings import DTYPES, LATENCIES, PRESETS, Raw, Segmentation

from . import types
from .command import option
from .console import Console
from .types import FORMAT

if TYPE_CHECKING:
    from typing import Any

    from vad.audio.resample import Channel
    from vad.detector import Detector

_NAMES = ", ".join(f"{name} ({1000 * seconds:g}ms)" for name, seconds in LATENCIES.items())
LATENCY_HELP = f"How late a score may be: seconds, like 0.1 or 100ms, or {_NAMES}; longer is better."

MODEL_HELP = "Model of the package, weights file, or folder of `vad train`.  [default: speech-1]"


def _duration(name: str, meaning: str) -> Any:
    """The option of a duration in `Segmentation`; a model may have a default of its own."""
    default = f"{getattr(Segmentation, name):g} s, or the model's"
    flag = f"--{name.replace('_', '-')}"
    return option(flag, type=types.seconds, metavar="SECONDS", help=f"{meaning}  [default: {default}]")


def labels_format(flag: str, of: str) -> Any:
    """The option of a format of labels that are read."""
    return option(flag, type=FORMAT, metavar="FORMAT", help=f"Format of {of}.  [default: from name and content]")


def force_option() -> Any:
    """The option that allows to replace files."""
    return option("--force", is_flag=True, help="Replace files that exist.")


def uem_option() -> Any:
    """The option of a UEM file."""
    return option("--uem", type=types.PATH, metavar="UEM", help="Use only the regions listed in UEM.")


def output_format(*flags: str, help: str) -> Any:
    """The option of a label format that is written."""
    return option(*flags, type=FORMAT, metavar="FORMAT", help=help)


@dataclass(frozen=True)
class SpeechOptions:
    """The model, and how its scores become segments."""

    title = "What counts as speech"
    model: str | None = option("--model", metavar="MODEL", help=MODEL_HELP)
    preset: str = option(
        "--preset",
        type=click.Choice(list(PRESETS), case_sensitive=False),
        default="default",
        show_default=True,
        help="recall keeps doubtful speech, and some noise with it; precision keeps only clear speech, and may lose "
        "a quiet word; asr makes pieces of at most 30 s for transcription.",
    )
    onset: float | None = option(
        "--onset",
        type=click.FLOAT,
        metavar="SCORE",
        help="Speech starts at this score; lower finds more.  [default: the model's]",
    )
    offset: float | None = option(
        "--offset",
        type=click.FLOAT,
        metavar="SCORE",
        help="Speech ends below this score; lower holds on longer.  [default: the model's]",
    )
    min_speech: float | None = _duration("min_speech", "Drop shorter speech (pyannote: min_duration_on).")
    min_silence: float | None = _duration("min_silence", "Bridge shorter pauses (pyannote: min_duration_off).")
    pad_start: float | None = _duration("pad_start", "Start every segment this much earlier.")
    pad_end: float | None = _duration("pad_end", "End every segment this much later.")
    max_speech: float | None = option(
        "--max-speech",
        type=types.seconds,
        metavar="SECONDS",
        help="Cut longer segments, in a pause if there is one.  [default: the model's, or no limit; 7 for srt and vtt]",
    )

    @property
    def changes(self) -> dict[str, float | None]:
        """The settings of the segmenter; None where the preset decides."""
        return {f.name: getattr(self, f.name) for f in fields(Segmentation)}

    def settings(self, detector: Detector) -> Segmentation:
        """The settings of the segmenter for `detector`."""
        return detector.settings(self.preset, **self.changes)

    def longest(self, kind: Format) -> float | None:
        """`max_speech` for labels of this `kind`, which may suggest one where neither option nor preset has one.

        None: the one of the model.
        """
        if self.max_speech is None and "max_speech" not in PRESETS[self.preset]:
            return None if kind.longest == math.inf else kind.longest
        return self.max_speech

    def unlimited(self) -> float:
        """`max_speech` where the silences are wanted: none, a cut is no silence. `SettingError` where it is given."""
        if self.max_speech is not None:
            raise SettingError("max_speech: cuts speech, and a cut is no silence; leave it out", "max_speech")
        return math.inf


@dataclass(frozen=True)
class DetectionOptions(SpeechOptions):
    """The same for recordings, which may be treated like a stream."""

    latency: str | None = option(
        "--latency", metavar="SECONDS|NAME", help="Detect as `vad stream --latency` does.  [default: no limit]"
    )


@dataclass(frozen=True)
class RawOptions:
    """How to read bare samples."""

    title = "Input"
    raw: bool = option("--raw", is_flag=True, help="Inputs are bare samples, little-endian, channels interleaved.")
    rate: int | None = option(
        "--rate", type=click.IntRange(1), help=f"Hz of --raw.  [default: {Raw.sample_rate}]", metavar="HZ"
    )
    channels: int | None = option(
        "--channels", type=click.IntRange(1), help=f"Channels of --raw.  [default: {Raw.channels}]", metavar="N"
    )
    dtype: str | None = option(
        "--dtype", type=click.Choice(DTYPES), help=f"Sample type of --raw.  [default: {Raw.dtype}]"
    )

    def __post_init__(self) -> None:
        for name in ("rate", "channels", "dtype"):
            if getattr(self, name) is not None and not self.raw:
                raise SettingError(f"{name}: belongs to bare samples; give --raw, too, or leave it out", name)

    def to_raw(self) -> Raw | None:
        """The format of bare samples; None where the inputs are sound files."""
        if not self.raw:
            return None
        return Raw(self.rate or Raw.sample_rate, self.channels or Raw.channels, self.dtype or Raw.dtype)


@dataclass(frozen=True)
class ChannelOptions:
    """The channel of commands that can use each on its own."""

    title = "Input"
    channel: Channel = option(
        "--channel",
        type=types.channel,
        default="mix",
        show_default=True,
        metavar="mix|N|each",
        help="The mean of all channels, channel N (from 1), or each on its own.",
    )


@dataclass(frozen=True)
class OneChannelOptions:
    """The channel of commands that use only one."""

    title = "Input"
    channel: Channel = option(
        "--channel",
        type=types.one_channel,
        default="mix",
        show_default=True,
        metavar="mix|N",
        help="The mean of all channels, or channel N (from 1).",
    )


@dataclass(frozen=True)
class SoundOptions(RawOptions, ChannelOptions):
    """How to read sound."""


@dataclass(frozen=True)
class JobsOptions:
    """How many processes work."""

    title = "Scale"
    jobs: int | None = option(
        "-j",
        "--jobs",
        type=click.IntRange(1),
        metavar="N",
        help="Processes to run at once.  [default: all cores, where that pays]",
    )


@dataclass(frozen=True)
class MessageOptions:
    """What is written to standard error."""

    title = "Messages"
    quiet: bool = option("-q", "--quiet", is_flag=True, help="No progress and no warnings, only errors.")

    def console(self) -> Console:
        """The console of the command."""
        return Console(self.quiet)


def label_format(name: str | None, output: str | None) -> Format:
    """The label format with this name, or else of the extension of the output; text where neither says it."""
    if name:
        return FORMATS[name]
    if not output or not Path(output).suffix:
        return FORMATS["text"]
    try:
        return by_extension(Path(output))
    except FormatError as error:
        raise click.UsageError(str(error)) from error
