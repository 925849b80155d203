"""Colours of messages; `click.echo` leaves them out where standard error is not a terminal."""

from __future__ import annotations

import re

import click

COLORS = {"Error:": "red", "Warning:": "yellow", "failed": "red"}
COLORED = re.compile("^(?:Error:|Warning:)|(?<=; )[0-9]+ failed(?=$|;)", re.MULTILINE)  # the last in a summary


def highlight(text: str) -> str:
    """`text` with "Error:" and "Warning:" at the beginning of lines, and the failures of a summary, in colour."""

    def colored(match: re.Match[str]) -> str:
        return click.style(match[0], fg=COLORS[match[0].split()[-1]], bold=True)

    return COLORED.sub(colored, text)
