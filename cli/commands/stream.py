"""`vad stream`: microphone, pipe or file to events while they happen."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.errors import AudioError, SettingError
from vad.formats import printable
from vad.settings import LIVE_FORMATS

from .. import options as shared
from ..console import Console
from ..meter import Meter

if TYPE_CHECKING:
    from vad.detector import Detector
    from vad.live.commands import CommandRunner
    from vad.live.loop import Source
    from vad.live.recorder import UtteranceRecorder
    from vad.stream import Stream


@click.command()
@click.argument("source", required=False, metavar="[INPUT]")
@click.option("--device", metavar="NAME|INDEX", help="Microphone to listen to.  [default: the system's]")
@click.option("--list-devices", is_flag=True, help="Show the input devices, and stop.")
@click.option("--realtime", is_flag=True, help="Read a file at the pace of its sound.")
@click.option("--latency", default="balanced", show_default=True, metavar="SECONDS|NAME", help=shared.LATENCY_HELP)
@click.option(
    "-f", "--format", "kind", type=click.Choice(LIVE_FORMATS), default="jsonl", show_default=True, help="Output format."
)
@click.option("--scores", is_flag=True, help="Also write the score of every 10 ms (jsonl).")
@click.option(
    "--save",
    metavar="DIR|TEMPLATE",
    help="Write each utterance as a sound file, padding included: .wav, .flac, .opus, ...",
)
@click.option("--save-all", metavar="FILE", help="Write the whole stream as a sound file.")
@click.option("--exec", "command", metavar="COMMAND", help="Run COMMAND per utterance, with {file} {start} {end}.")
@click.option("--max-duration", type=shared.SECONDS, metavar="SECONDS", help="Stop after this much sound.")
@click.option(
    "--stop-after-silence", type=shared.SECONDS, metavar="SECONDS", help="Stop when nobody has spoken for this long."
)
@shared.segmentation
@shared.model
@shared.one_channel
@shared.bare
@click.option("-q", "--quiet", is_flag=True, help="No meter, no header and no warnings, only errors.")
def stream(source: str | None, quiet: bool, kind: str, **options: Any) -> None:
    """Find the speech in live sound.

    INPUT is - for standard input (a container, or bare samples with --raw), or a file; without it
    the microphone is heard, which needs the [mic] extra. Events are written the moment they are
    certain: `start` when speech has held for --min-speech, `end` when silence has for
    --min-silence. Ctrl-C ends the stream, and with it the open segment.

    \b
    Templates of --save: {number} {start} {end} {duration} {clock}, like
      'talk/{number:03d}_{start:.2f}.flac'
    COMMAND is run without a shell, one after the other, and its output goes to
    standard error; {file}, {start}, {end} and {duration} stand for the utterance.
    """
    if options["list_devices"]:
        _list_devices()
        return
    from vad import Detector
    from vad.live.loop import Limits, run
    from vad.live.recorder import StreamRecorder
    from vad.live.writer import EventWriter

    if options["scores"] and kind != "jsonl":
        raise SettingError(f"--scores: {kind} holds segments alone; use --format jsonl")
    given = {"max_duration": options["max_duration"], "stop_after_silence": options["stop_after_silence"]}
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    detector = Detector(options["model"]).for_latency(options["latency"])
    with contextlib.ExitStack() as stack:
        meter = Meter(quiet)
        stack.callback(meter.close)
        console = stack.enter_context(Console(quiet, around=meter.aside))
        sound = _open(source, options, detector)
        stack.callback(sound.close)
        live = _stream(detector, sound, options)
        header = _header(detector, live, options)
        if not quiet:
            click.echo(printable(f"{sound.name}: {live.sample_rate} Hz, {_about(header)}"), err=True)
        save, commands = _after(stack, options, console)
        recorder = _recorder(stack, save, sound) if save else None
        whole = None
        if options["save_all"]:
            whole = StreamRecorder(Path(options["save_all"]), sound.sample_rate, sound.name)
            stack.callback(whole.close)
        journal = EventWriter(sys.stdout, kind, sound.name, header)
        for block, events in run(sound, live, limits, stack.enter_context(_asked_to_stop())):
            if whole:
                whole.take(block)
            utterances = recorder.take(block, events, live.settled) if recorder else []
            if events:
                with meter.aside():
                    files = {u.segment: u.path for u in utterances} if options["save"] else {}
                    journal.write(events, live.duration, files)
            if commands:
                for utterance in utterances:
                    commands.run(utterance.path, utterance.segment)
            meter.show(block, live)


def _open(source: str | None, options: dict[str, Any], detector: Detector) -> Source:
    """Where the sound comes from."""
    if source is None:
        from vad.audio.microphone import Microphone

        if options["raw"] or options["realtime"]:
            raise SettingError("--raw and --realtime belong to an INPUT; name a file, or - for standard input")
        device = options["device"]
        channel = options["channel"] if isinstance(options["channel"], int) else None
        return Microphone(int(device) if device and device.isdecimal() else device, detector.grid.sample_rate, channel)
    from vad.audio.decode import open_sound
    from vad.live.loop import SoundReader, standard_input

    if options["device"] is not None:
        raise SettingError("--device is a microphone, and INPUT none; give one of them")
    sound = open_sound(standard_input() if source == "-" else source, shared.raw(options))
    sound.rows(options["channel"])  # refuses one that is not there, before anything is said
    return SoundReader(sound, options["realtime"])


def _stream(detector: Detector, sound: Source, options: dict[str, Any]) -> Stream:
    names = ("latency", "channel", "scores", "preset")
    return detector.stream(sample_rate=sound.sample_rate, **{n: options[n] for n in names}, **shared.settings(options))


def _header(detector: Detector, live: Stream, options: dict[str, Any]) -> dict[str, Any]:
    settings = detector.settings(options["preset"], **shared.settings(options))
    plain = {name: value for name, value in asdict(settings).items() if value != float("inf")}
    return live.header() | {"model": detector.description.identity, "settings": plain}


def _about(header: dict[str, Any]) -> str:
    model = header["model"]
    return f"latency {1000 * header['latency']:.1f} ms, model {model['name']} {model['version']}"


def _after(
    stack: contextlib.ExitStack, options: dict[str, Any], console: Console
) -> tuple[str | None, CommandRunner | None]:
    """Where utterances go, and what is run for them."""
    save: str | None = options["save"]
    if options["command"] is None:
        return save, None
    from vad.live.commands import CommandRunner

    done: Callable[[Path], None] = lambda path: None  # noqa: E731
    if not save:
        save = stack.enter_context(tempfile.TemporaryDirectory(prefix="vad-"))
        done = Path.unlink
    with _naming("--exec"):
        commands = CommandRunner(options["command"], lambda line: console.warn(f"--exec: {line}"), done)
    stack.callback(commands.close)
    return save, commands


def _recorder(stack: contextlib.ExitStack, save: str, sound: Source) -> UtteranceRecorder:
    from vad.live.recorder import UtteranceRecorder

    with _naming("--save"):
        return stack.enter_context(contextlib.closing(UtteranceRecorder(save, sound.sample_rate)))


@contextlib.contextmanager
def _naming(flag: str) -> Iterator[None]:
    """Put the flag in front of what is wrong with its value."""
    try:
        yield
    except SettingError as error:
        raise SettingError(f"{flag}: {error}") from error


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed or SIGTERM came; a second time they end the program."""
    stop = threading.Event()
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(*_: Any) -> None:
        stop.set()
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop.is_set
    finally:
        restore()


def _list_devices() -> None:
    from vad.audio.microphone import devices

    found = devices()
    if not found:
        raise AudioError("microphone: no input devices; connect one, or start the sound server")
    for device in found:
        mark = "  (default)" if device.default else ""
        name = printable(device.name)
        click.echo(f"{device.index}\t{name}\t{device.channels} channels, {device.sample_rate} Hz{mark}")
