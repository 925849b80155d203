"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.core import ParameterSource

from vad.data.import_settings import ImportSettings
from vad.data.splitting import WAYS, Splitting
from vad.errors import FormatError, VadError
from vad.formats import FORMATS, Format, by_extension
from vad.settings import DTYPES, LATENCIES, PRESETS, Raw, Segmentation

if TYPE_CHECKING:
    from vad.audio import Channel

_NAMES = ", ".join(f"{name} ({1000 * seconds:g}ms)" for name, seconds in LATENCIES.items())
LATENCY_HELP = f"How late a score may be: seconds, like 0.1 or 100ms, or {_NAMES}; longer is better."

F = TypeVar("F", bound=Callable[..., Any])


uem = click.option(
    "--uem", type=click.Path(path_type=Path), metavar="UEM", help="Only the stretches listed in UEM count."
)


def needs(extra: str) -> Callable[[F], F]:
    """Says in one line how to install `extra`, where a package of it is missing; the innermost decorator."""

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def run(*arguments: Any, **options: Any) -> Any:
            try:
                return command(*arguments, **options)
            except ImportError as error:
                if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):  # in the middle of loading
                    raise KeyboardInterrupt from error
                lacks = f"needs {error.name.partition('.')[0]}" if error.name else " ".join(str(error).split())
                raise VadError(f"{lacks}; pip install 'vad-bilstm[{extra}]'") from error

        return cast(F, run)

    return decorate


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
        shown = "no limit" if default == math.inf else f"{default:g} s, or the model's"
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


def bare(command: F) -> F:
    """How to read bare samples; `raw` makes a `Raw` of it."""
    of_raw: dict[str, Any] = {"show_default": True, "callback": _of_raw}
    for option in (
        click.option("--dtype", type=click.Choice(DTYPES), default=Raw.dtype, help="Of --raw.", **of_raw),
        click.option("--channels", type=click.IntRange(1), default=Raw.channels, help="Of --raw.", **of_raw),
        click.option("--rate", type=click.IntRange(1), default=Raw.sample_rate, help="Of --raw, in Hz.", **of_raw),
        click.option(
            "--raw",
            is_flag=True,
            is_eager=True,  # known before the three above
            help="Inputs are bare samples, little-endian, channels interleaved.",
        ),
    ):
        command = option(command)
    return command


def _of_raw(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Refuses what would change nothing: files of their own kind say these things themselves."""
    if ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE and not ctx.params.get("raw"):
        raise click.BadParameter("belongs to bare samples; give --raw, too, or leave it out")
    return value


def sound(command: F) -> F:
    """`--channel`, and how to read bare samples."""
    return channel(bare(command))


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


def labels_format(command: F) -> F:
    """`--labels-format` of labels that are read."""
    return click.option(
        "--labels-format", type=click.Choice(list(FORMATS)), help="Of the labels.  [default: as name and content say]"
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
        labels_format,
        uem,
    ):
        command = option(command)
    return command


def splitting(options: dict[str, Any]) -> Splitting:
    """What the options of `gathering` say of splits, taken out of `options`."""
    names = ("dev_share", "split_by", "seed", "speaker_pattern")
    return Splitting(*(options.pop(name) for name in names))


def raw(options: dict[str, Any]) -> Raw | None:
    """What the options say of bare samples; None where the inputs are files of their own kind."""
    return Raw(options["rate"], options["channels"], options["dtype"]) if options["raw"] else None


def to_seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """The callback of options that are times: seconds, or `1:30`, or `0:01:30.5`; None where not given."""
    if value is None:
        return None
    if not re.fullmatch(r"(\d+:)?(\d+:)?(\d+\.?\d*|\.\d+)", value):
        raise click.BadParameter(f"{value!r} is no time; give seconds, or like 1:30 or 1:02:03.5")
    return float(sum(float(part) * 60**place for place, part in enumerate(reversed(value.split(":")))))


def to_share(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """The callback of options that are shares: `2%`, `2 %` or `0.02`; None where not given."""
    if value is None:
        return None
    number, percent = value.strip().removesuffix("%"), value.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{value!r} is no share; give one like 2% or 0.02")
    return share


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
