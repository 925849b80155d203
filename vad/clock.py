"""Times in hours, minutes and seconds: the only place where they are written and read."""

from __future__ import annotations

import re

CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def timestamp(seconds: float, decimals: int = 3) -> str:
    """`00:02:03.450` for programs: rounded to `decimals`, and the hours with more digits where they need them."""
    whole, fraction = divmod(round(seconds * 10**decimals), 10**decimals)
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}" + (f".{fraction:0{decimals}}" if decimals else "")


def clock(seconds: float, decimals: int = 0, *, longest: float = 0.0) -> str:
    """`2:03` for people; with hours, like `0:02:03`, where `seconds` or `longest` has some."""
    hours, minutes, rest = timestamp(seconds, decimals).split(":")
    if int(hours) or longest >= 3600:
        return f"{int(hours)}:{minutes}:{rest}"
    return f"{int(minutes)}:{rest}"


def parse_clock(text: str) -> float:
    """The seconds in `1:30`, `1:02:03.5` or `00:00:01.500`; raises `ValueError` for other text."""
    match = CLOCK.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a time like 1:02:03.5")
    hours, minutes, seconds = match.groups()
    return 3600 * float(hours or 0) + 60 * float(minutes) + float(seconds)
