"""`vad stream`: microphone, pipe or file to events while they happen."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import AudioError, SettingError, VadError
from vad.formats import FORMATS, printable
from vad.settings import LIVE_FORMATS, PRE_ROLL, Raw
from vad.wording import pluralize

from .. import types
from ..command import command, option
from ..console import Console
from ..level_meter import Meter
from ..options import LATENCY_HELP, OneChannelOptions, RawOptions, SpeechOptions, force_option
from ..signals import asked_to_stop

if TYPE_CHECKING:
    from vad.detector import Detector
    from vad.live.loop import Limits, Source
    from vad.live.sinks import Sinks
    from vad.stream import Stream


@dataclass(frozen=True)
class SourceOptions:
    """The source of the sound, and when to stop."""

    title = "Input"
    device: str | None = option("--device", metavar="NAME|INDEX", help="Microphone.  [default: the system's]")
    list_devices: bool = option("--list-devices", is_flag=True, help="Show the input devices, and stop.")
    realtime: bool = option("--realtime", is_flag=True, help="Read a file at the pace of its sound.")
    max_duration: float | None = option(
        "--max-duration", type=types.seconds, metavar="SECONDS", help="Stop after this much sound."
    )
    stop_after_silence: float | None = option(
        "--stop-after-silence",
        type=types.seconds,
        metavar="SECONDS",
        help="Stop when nobody has spoken for this long.",
    )

    def limits(self) -> Limits:
        """When to stop."""
        from vad.live.loop import Limits

        given = {"max_duration": self.max_duration, "stop_after_silence": self.stop_after_silence}
        return Limits(**{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class InputOptions(RawOptions, OneChannelOptions, SourceOptions):
    """The source of the sound, and when to stop."""


@dataclass(frozen=True)
class LiveOptions(SpeechOptions):
    """What counts as speech, and how late."""

    latency: str = option("--latency", default="balanced", show_default=True, metavar="SECONDS|NAME", help=LATENCY_HELP)


@dataclass(frozen=True)
class OutputOptions:
    """Where the events and the sound go."""

    title = "Output"
    format: str | None = option(
        "-f",
        "--format",
        type=click.Choice(LIVE_FORMATS, case_sensitive=False),
        help="Output format.  [default: jsonl, or text on a terminal]",
    )
    scores: bool = option("--scores", is_flag=True, help="Also write the score of every 10 ms (jsonl).")
    save: str | None = option(
        "--save",
        metavar="DIR|TEMPLATE",
        parameter="target",
        help="Write each utterance as a sound file: .wav, .flac, .opus, ...",
    )
    save_all: Path | None = option(
        "--save-all", type=types.PATH, metavar="FILE", help="Write the whole stream as a sound file."
    )
    force: bool = force_option()
    command: str | None = option(
        "--exec", metavar="COMMAND", help="Run COMMAND per utterance, with {file} {start} {end}."
    )
    command_timeout: float | None = option(
        "--exec-timeout",
        type=types.seconds,
        metavar="SECONDS",
        help="End a run of COMMAND that takes longer.  [default: 10 minutes]",
    )

    def __post_init__(self) -> None:
        if self.command_timeout is not None and self.command is None:
            raise SettingError("command_timeout: ends what --exec runs; give --exec, too", "command_timeout")
        if self.command_timeout is not None and not self.command_timeout > 0:
            raise SettingError(f"command_timeout={self.command_timeout:g}: give seconds above 0", "command_timeout")
        if self.scores and self.format not in (None, "jsonl"):
            raise SettingError(f"scores: {self.format} holds only segments; give --format jsonl", "scores")

    @property
    def kind(self) -> str:
        """The format: by default JSON lines for programs, and text for people."""
        return self.format or ("text" if sys.stdout.isatty() and not self.scores else "jsonl")


@dataclass(frozen=True)
class QuietOptions:
    """What is written to standard error."""

    title = "Messages"
    quiet: bool = option(
        "-q", "--quiet", is_flag=True, help="No meter, no line about the source and no warnings, only errors."
    )


@command()
@click.argument("source", required=False, metavar="[INPUT]")
def stream(
    source: str | None, sound: InputOptions, speech: LiveOptions, output: OutputOptions, messages: QuietOptions
) -> None:
    """Find the speech in live sound.

    \b
      vad stream                                    # the microphone
      vad stream --preset asr --exec 'whisper {file}'   # each utterance
      arecord -t raw -f S16_LE -r 16000 | vad stream - --raw

    INPUT is - for standard input (a container, or bare samples with --raw), or a file; without it
    the microphone is read, which needs the [mic] extra. Events are written as soon as they are
    certain: `start` when speech has lasted for --min-speech, `end` when silence has lasted for
    --min-silence. Ctrl-C ends the stream, and with it the open segment.

    \b
    Templates of --save: {number} {start} {end} {duration} {clock}, like
      'talk/{number:03d}_{start:.2f}.flac'
    With --save or --exec, --pad-start is 0.4 by default, as a quiet first word is
    noticed late.
    COMMAND runs without a shell, one at a time, and its output goes to standard
    error; {file}, {start}, {end} and {duration} stand for the utterance.
    """
    if sound.list_devices:
        _list_devices()
        return
    from vad import Detector
    from vad.live.loop import run

    limits, speech = sound.limits(), _adapted(speech, output)
    detector = Detector(speech.model).for_latency(speech.latency)
    with contextlib.ExitStack() as stack:
        meter = Meter(messages.quiet)
        stack.callback(meter.close)
        console = stack.enter_context(Console(messages.quiet, around=meter.cleared))
        opened = _open(source, sound, detector)
        stack.callback(opened.close)
        live = detector.stream(
            sample_rate=opened.sample_rate,
            latency=speech.latency,
            channel=sound.channel,
            raw_channels=opened.channels,
            raw_dtype=Raw.dtype,
            scores=output.scores,
            preset=speech.preset,
            **speech.changes,
        )
        header = _header(detector, live, speech)
        if not messages.quiet:
            click.echo(printable(f"{opened.name}: {live.sample_rate} Hz, {_about(header)}"), err=True)
        sinks = _open_sinks(stack, output, opened, console, header)
        stopped = stack.enter_context(asked_to_stop())
        for block, events in run(opened, live, limits, stopped):
            sinks.take(block, events, live, meter.cleared)
            meter.show(block, live)
        if stopped() and sinks.commands and (waiting := sinks.commands.waiting):
            console.note(f"waiting for {pluralize(waiting, 'run')} of --exec; a second signal, like Ctrl-C, ends them")


def _adapted(speech: LiveOptions, output: OutputOptions) -> LiveOptions:
    """The options with the defaults that suit the output."""
    pad_start = speech.pad_start
    if pad_start is None and (output.save or output.command):
        pad_start = PRE_ROLL
    return replace(speech, pad_start=pad_start, max_speech=speech.longest(FORMATS[output.kind]))


def _open_sinks(
    stack: contextlib.ExitStack, output: OutputOptions, source: Source, console: Console, header: dict[str, Any]
) -> Sinks:
    """Open everything that receives sound and events; `stack` closes it."""
    from vad.live.recorder import StreamRecorder, UtteranceRecorder
    from vad.live.sinks import Sinks
    from vad.live.writer import EventWriter

    save, commands = output.save, None
    if output.command is not None:
        from vad.atomic import temporary_folder
        from vad.live.hooks import TIMEOUT, CommandRunner

        on_done: Callable[[Path], None] = lambda path: None  # noqa: E731
        if not save:
            save, on_done = str(stack.enter_context(temporary_folder())), lambda path: path.unlink(missing_ok=True)
        timeout = TIMEOUT if output.command_timeout is None else output.command_timeout
        commands = CommandRunner(
            output.command, lambda line: console.error(VadError(f"--exec: {line}")), on_done, timeout
        )
        stack.enter_context(commands)
    recorder = None
    if save:
        recorder = stack.enter_context(contextlib.closing(UtteranceRecorder(save, source.sample_rate, output.force)))
    whole = None
    if output.save_all:
        whole = StreamRecorder(output.save_all, source.sample_rate, source.name, output.force)
        stack.callback(whole.close)
    writer = EventWriter(sys.stdout, output.kind, source.name, header)  # last: it writes the header
    return Sinks(writer, whole, recorder, output.save is not None, commands)


def _open(source: str | None, sound: InputOptions, detector: Detector) -> Source:
    """The microphone, or the file or pipe that `source` names."""
    if source is None:
        from vad.audio.microphone import Microphone

        if sound.raw or sound.realtime:
            raise SettingError("--raw and --realtime belong to an INPUT; name a file, or - for standard input")
        device = int(sound.device) if sound.device and sound.device.isdecimal() else sound.device
        channel = sound.channel if isinstance(sound.channel, int) else None
        return Microphone(device, detector.grid.sample_rate, channel)
    from vad.audio.decode import open_sound
    from vad.live.loop import SoundReader, standard_input

    if sound.device is not None:
        raise SettingError("device: names a microphone, which INPUT is not; give one of them", "device")
    opened = open_sound(standard_input() if source == "-" else source, sound.to_raw())
    opened.rows(sound.channel)  # raises where there is no such channel, before anything is written
    return SoundReader(opened, sound.realtime)


def _header(detector: Detector, live: Stream, speech: LiveOptions) -> dict[str, Any]:
    """The first line of the events: the stream, the model, the settings."""
    finite = {name: value for name, value in asdict(speech.settings(detector)).items() if value != float("inf")}
    return live.header() | {"model": detector.description.identity, "settings": finite}


def _about(header: dict[str, Any]) -> str:
    model = header["model"]
    return f"latency {1000 * header['latency']:.1f} ms, model {model['name']} {model['version']}"


def _list_devices() -> None:
    """Write a line for each input device."""
    from vad.audio.microphone import devices

    found = devices()
    if not found:
        raise AudioError("microphone: no input devices; connect one, or start the sound server")
    for device in found:
        mark = "  (default)" if device.default else ""
        name = printable(device.name)
        click.echo(f"{device.index}\t{name}\t{device.channels} channels, {device.sample_rate} Hz{mark}")
