"""Types of option values, as functions that turn a text into a value: durations, times, shares, channels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vad.clock import parse_clock
from vad.formats import FORMATS
from vad.settings import parse_seconds

if TYPE_CHECKING:
    from vad.audio.resample import Channel

PATH = click.Path(path_type=Path)
FORMAT = click.Choice(list(FORMATS), case_sensitive=False)  # of labels


class Number(click.FloatRange):
    """A number within bounds, and not `nan`, which click takes to be within all of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or `click.BadParameter`."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def seconds(value: str | float) -> float:
    """A duration in seconds: `0.1`, `0.1s` or `100ms`."""
    try:
        return parse_seconds(str(value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a duration; give seconds, like 0.1 or 100ms") from error


def time(value: str) -> float:
    """A time in seconds: `90`, `1:30` or `0:01:30.5`."""
    try:
        return parse_clock(value if ":" in value else f"0:{value}")
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a time; give seconds, or a time like 1:30 or 1:02:03.5") from error


def share(value: str) -> float:
    """A share: `2%`, `2 %` or `0.02`."""
    number, percent = value.strip().removesuffix("%"), value.strip().endswith("%")
    try:
        found = float(number) / (100 if percent else 1)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise click.BadParameter(f"{value!r} is not a share; give one like 2% or 0.02")
    return found


def channel(value: str) -> Channel:
    """A channel: `mix`, `each`, or a number from 1."""
    if value == "mix":
        return "mix"
    if value == "each":
        return "each"
    if value.isdecimal() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f"{value!r} is neither mix, each nor a number from 1")


def one_channel(value: str) -> Channel:
    """A channel: `mix`, or a number from 1."""
    if value == "each":
        raise click.BadParameter("only one channel is possible here; give mix, or the number of a channel")
    return channel(value)
