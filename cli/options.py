"""Options that several commands share, and what they are turned into."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from vad.settings import DTYPES, PRESETS, Raw, Segmentation

if TYPE_CHECKING:
    from vad.audio import Channel

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


def sound(command: F) -> F:
    """`--channel`, and how to read bare samples."""
    for option in (
        click.option("--dtype", type=click.Choice(DTYPES), default=Raw.dtype, show_default=True, help="Of --raw."),
        click.option("--channels", type=click.IntRange(1), default=Raw.channels, show_default=True, help="Of --raw."),
        click.option(
            "--rate", type=click.IntRange(1), default=Raw.sample_rate, show_default=True, help="Of --raw, in Hz."
        ),
        click.option("--raw", is_flag=True, help="Inputs are bare samples, little-endian, channels interleaved."),
        click.option(
            "--channel",
            default="mix",
            show_default=True,
            callback=_channel,
            metavar="mix|N|each",
            help="The mean of all channels, channel N (from 1), or each on its own.",
        ),
    ):
        command = option(command)
    return command


def raw(options: dict[str, Any]) -> Raw | None:
    """What the options say of bare samples; None where the inputs are files of their own kind."""
    return Raw(options["rate"], options["channels"], options["dtype"]) if options["raw"] else None


def _channel(ctx: click.Context, param: click.Parameter, value: str) -> Channel:
    if value in ("mix", "each"):
        return cast("Channel", value)
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither mix, each nor a number from 1 on")
