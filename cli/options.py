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

from vad.errors import FormatError, VadError
from vad.formats import FORMATS, Format, by_extension
from vad.settings import DTYPES, LATENCIES, PRESETS, Raw, Segmentation, parse_seconds

if TYPE_CHECKING:
    from vad.audio.decode import Channel

_NAMES = ", ".join(f"{name} ({1000 * seconds:g}ms)" for name, seconds in LATENCIES.items())
LATENCY_HELP = f"How late a score may be: seconds, like 0.1 or 100ms, or {_NAMES}; longer is better."

F = TypeVar("F", bound=Callable[..., Any])


class Number(click.FloatRange):
    """A number within bounds, and not `nan`, which is within all of them for click."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or `click.BadParameter`."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class _Seconds(click.types.FloatParamType):
    """A duration: `0.1`, `0.1s` or `100ms`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds, or `click.BadParameter`."""
        try:
            return parse_seconds(str(value))
        except ValueError:
            self.fail(f"{value!r} is no duration; give seconds, like 0.1 or 100ms", param, ctx)


SECONDS: click.types.FloatParamType = _Seconds()

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
        "pad_start": "Start every segment this much earlier.",
        "pad_end": "End every segment this much later.",
        "max_speech": "Cut longer segments at their weakest score.",
    }
    for name, meaning in reversed(meanings.items()):
        default = getattr(Segmentation, name)
        shown = "no limit" if default == math.inf else f"{default:g} s, or the model's"
        unit, kind = "SECONDS", SECONDS
        if name in ("onset", "offset"):
            shown, unit, kind = "the model's", "SCORE", click.FLOAT
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, type=kind, metavar=unit, help=f"{meaning}  [default: {shown}]")(command)
    return click.option(
        "--preset", type=click.Choice(list(PRESETS)), default="default", show_default=True, help="What to optimise for."
    )(command)


def settings(options: dict[str, Any]) -> dict[str, Any]:
    """What the options of `segmentation` set, but for the preset; None where not given."""
    return {field.name: options[field.name] for field in fields(Segmentation)}


def _channel(ctx: click.Context, param: click.Parameter, value: str) -> Channel:
    if value in ("mix", "each"):
        return cast("Channel", value)
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither mix, each nor a number from 1 on")


def _one_channel(ctx: click.Context, param: click.Parameter, value: str) -> Channel:
    if value == "each":
        raise click.BadParameter("one at a time; give mix, or the number of a channel")
    return _channel(ctx, param, value)


_OF_CHANNEL: dict[str, Any] = {"default": "mix", "show_default": True}

channel = click.option(
    "--channel",
    **_OF_CHANNEL,
    callback=_channel,
    metavar="mix|N|each",
    help="The mean of all channels, channel N (from 1), or each on its own.",
)
one_channel = click.option(  # where only one can be used
    "--channel",
    **_OF_CHANNEL,
    callback=_one_channel,
    metavar="mix|N",
    help="The mean of all channels, or channel N (from 1).",
)


def model(command: F) -> F:
    """`--model`, the weights."""
    return click.option(
        "--model", metavar="MODEL", help="Weights file, or folder of `vad train`.  [default: speech-1]"
    )(command)


def bare(command: F) -> F:
    """How to read bare samples; `raw` makes a `Raw` of it."""
    of_raw: dict[str, Any] = {"show_default": True, "callback": _of_raw}
    for option in (
        click.option("--dtype", type=click.Choice(DTYPES), default=Raw.dtype, help="Sample type of --raw.", **of_raw),
        click.option("--channels", type=click.IntRange(1), default=Raw.channels, help="Channels of --raw.", **of_raw),
        click.option("--rate", type=click.IntRange(1), default=Raw.sample_rate, help="Hz of --raw.", **of_raw),
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
        "-j", "--jobs", type=click.IntRange(1), help="Processes to run at once.  [default: all cores, where that pays]"
    )(command)


def labels_format(command: F) -> F:
    """`--labels-format` of labels that are read."""
    return click.option(
        "--labels-format",
        type=click.Choice(list(FORMATS)),
        help="Format of the labels.  [default: from name and content]",
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
