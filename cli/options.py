"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from vad.data.import_settings import ImportSettings
from vad.data.splitting import WAYS, Splitting
from vad.errors import FormatError
from vad.formats import FORMATS, Format, by_extension
from vad.settings import DTYPES, LATENCIES, PRESETS, Raw, Segmentation

if TYPE_CHECKING:
    from vad.audio import Channel
    from vad.evaluation.measure import Measuring
    from vad.evaluation.sets import Evaluation

_NAMES = ", ".join(f"{name} ({1000 * seconds:g}ms)" for name, seconds in LATENCIES.items())
LATENCY_HELP = f"How late a score may be: seconds, like 0.1 or 100ms, or {_NAMES}; longer is better."

F = TypeVar("F", bound=Callable[..., Any])


def segmentation(command: F) -> F:
    """`--preset` and an option for each field of `Segmentation`, None where not given."""
    meanings = {
        "onset": "Speech starts at this score; lower finds more.",
        "offset": "Speech ends below this score; lower holds on longer.",
        "min_speech": "Drop shorter speech (pyannote: min_duration_on).",
        "min_silence": "Bridge shorter pauses (pyannote: min_duration_off).",
        "pad_start": "Start segments earlier by this.",
        "pad_end": "End segments later by this.",
        "max_speech": "Cut longer segments at their weakest score.",
    }
    for name, meaning in reversed(meanings.items()):
        default = getattr(Segmentation, name)
        shown = "no limit" if default == math.inf else f"{default:g} s"
        unit = "SECONDS"
        if name in ("onset", "offset"):
            shown, unit = "the model's", "SCORE"
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, type=float, metavar=unit, help=f"{meaning}  [default: {shown}]")(command)
    return click.option(
        "--preset", type=click.Choice(list(PRESETS)), default="default", show_default=True, help="A common wish."
    )(command)


def settings(options: dict[str, Any]) -> dict[str, Any]:
    """What the options of `segmentation` set, but for the preset; None where not given."""
    return {field.name: options[field.name] for field in fields(Segmentation)}


def channel(command: F) -> F:
    """`--channel`, to be heard."""
    return click.option(
        "--channel",
        default="mix",
        show_default=True,
        callback=_channel,
        metavar="mix|N|each",
        help="The mean of all channels, channel N (from 1), or each on its own.",
    )(command)


def model(command: F) -> F:
    """`--model`, the weights."""
    return click.option(
        "--model", metavar="MODEL", help="Weights file, or folder of `vad train`.  [default: speech-1]"
    )(command)


def sound(command: F) -> F:
    """`--channel`, and how to read bare samples."""
    for option in (
        click.option("--dtype", type=click.Choice(DTYPES), default=Raw.dtype, show_default=True, help="Of --raw."),
        click.option("--channels", type=click.IntRange(1), default=Raw.channels, show_default=True, help="Of --raw."),
        click.option(
            "--rate", type=click.IntRange(1), default=Raw.sample_rate, show_default=True, help="Of --raw, in Hz."
        ),
        click.option("--raw", is_flag=True, help="Inputs are bare samples, little-endian, channels interleaved."),
        channel,
    ):
        command = option(command)
    return command


def jobs(command: F) -> F:
    """`--jobs`, as many as there are cores."""
    return click.option(
        "-j", "--jobs", type=click.IntRange(1), help="Processes at once.  [default: all cores, where that pays]"
    )(command)


def label_format(name: str | None, output: str | None) -> Format:
    """The label format that was asked for, by name or by the extension of the output."""
    if name:
        return FORMATS[name]
    if not output or not Path(output).suffix:
        return FORMATS["text"]
    try:
        return by_extension(Path(output))
    except FormatError as error:
        raise click.UsageError(str(error)) from error


def licence(command: F) -> F:
    """`--licence` of recordings."""
    return click.option(
        "--licence", default=ImportSettings.licence, show_default=True, metavar="NAME", help="For the model card."
    )(command)


def seed(command: F) -> F:
    """`--seed` of the splits."""
    return click.option(
        "--seed", type=int, default=Splitting.seed, show_default=True, help="Another number, other dev recordings."
    )(command)


def dev_share(command: F) -> F:
    """`--dev-share` of the splits."""
    return click.option(
        "--dev-share",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=Splitting.dev_share,
        show_default=True,
        help="Share of speakers, files or time never trained on.",
    )(command)


def gathering(command: F) -> F:
    """How sound and labels are brought together and divided; `splitting` makes a `Splitting` of it."""
    for option in (
        seed,
        click.option(
            "--speaker-pattern",
            metavar="REGEX",
            help="Finds the speaker in a file's path below AUDIO: its group, or all it matches.  "
            "[default: the labels' speaker, else the folder, else each file its own]",
        ),
        click.option(
            "--split-by",
            type=click.Choice(WAYS),
            default=Splitting.by,
            show_default=True,
            help="What is not divided: a speaker, a file, or nothing (time: the end of each recording is dev).",
        ),
        dev_share,
        click.option(
            "--labels-format",
            type=click.Choice(list(FORMATS)),
            help="Of the labels.  [default: as name and content say]",
        ),
        click.option(
            "--uem", type=click.Path(path_type=Path), metavar="UEM", help="Only the stretches listed in UEM count."
        ),
    ):
        command = option(command)
    return command


def splitting(options: dict[str, Any]) -> Splitting:
    """What the options of `gathering` say of splits, taken out of `options`."""
    names = ("dev_share", "split_by", "seed", "speaker_pattern")
    return Splitting(*(options.pop(name) for name in names))


def measuring(command: F) -> F:
    """What counts of a reference, and how it is measured; `measured_how` makes a `Measuring` of it."""
    for option in (
        click.option("--seed", type=int, default=1, show_default=True, help="Of the bootstrap."),
        click.option(
            "--resamples",
            type=click.IntRange(0, 100_000),
            default=1000,
            show_default=True,
            help="Of the recordings, for 95 % intervals; 0 for none.",
        ),
        click.option(
            "--dcf",
            nargs=2,
            type=float,
            default=(0.75, 0.25),
            show_default=True,
            metavar="MISS ALARM",
            help="Weights of the detection cost.",
        ),
        click.option(
            "--collar",
            type=float,
            default=0.0,
            show_default=True,
            metavar="SECONDS",
            help="Not scored before and after each boundary of the reference (as in md-eval; half of pyannote's).",
        ),
        click.option(
            "--reference-format",
            type=click.Choice(list(FORMATS)),
            help="Of the reference.  [default: as name and content say]",
        ),
        click.option(
            "--uem", type=click.Path(path_type=Path), metavar="UEM", help="Only the stretches listed in UEM count."
        ),
    ):
        command = option(command)
    return command


def grouping(command: F) -> F:
    """Which recordings belong together; `group` takes it."""
    for option in (
        click.option(
            "--step",
            type=click.FloatRange(0, min_open=True),
            metavar="NUMBER",
            help="Put numbers of COLUMN, like an SNR, in ranges so wide.",
        ),
        click.option(
            "--table", type=click.Path(path_type=Path), metavar="CSV", help="Has a row per recording, for --by."
        ),
        click.option("--by", metavar="folder|COLUMN", help="Figures per folder, or per value of a COLUMN of --table."),
    ):
        command = option(command)
    return command


def measured_how(options: dict[str, Any]) -> Measuring:
    """What the options of `measuring` say of figures."""
    from vad.evaluation.figures import Weights
    from vad.evaluation.measure import Measuring

    return Measuring(options["collar"], Weights(*options["dcf"]), options["resamples"], options["seed"])


def group(evaluation: Evaluation, options: dict[str, Any]) -> None:
    """Group an evaluation as the options of `grouping` ask."""
    from vad.evaluation.grouping import by_column, by_folder

    by, table, step = options["by"], options["table"], options["step"]
    names = [one.name for one in evaluation.whole.recordings]
    if table is not None and by is None:
        raise click.UsageError("--table: say with --by which of its columns.")
    if table is not None:
        evaluation.group(by_column(names, table, by, step))
    elif by == "folder":
        evaluation.group(by_folder(names))
    elif by is not None:
        raise click.UsageError(f"--by {by}: name the table with this column, --table CSV; or say --by folder.")


def raw(options: dict[str, Any]) -> Raw | None:
    """What the options say of bare samples; None where the inputs are files of their own kind."""
    return Raw(options["rate"], options["channels"], options["dtype"]) if options["raw"] else None


def _channel(ctx: click.Context, param: click.Parameter, value: str) -> Channel:
    if value in ("mix", "each"):
        return cast("Channel", value)
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither mix, each nor a number from 1 on")


def one_channel(command: F) -> F:
    """`--channel`, where only one can be used."""

    def check(ctx: click.Context, param: click.Parameter, value: str) -> Channel:
        if value == "each":
            raise click.BadParameter("one at a time; give mix, or the number of a channel")
        return _channel(ctx, param, value)

    return click.option(
        "--channel",
        default="mix",
        show_default=True,
        callback=check,
        metavar="mix|N",
        help="The mean of all channels, or channel N (from 1).",
    )(command)
