"""Templates: a file of HTML, divided into named blocks with `${placeholders}`; values are escaped."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from html import escape
from importlib import resources
from string import Template

from vad.formats import printable

BLOCK = re.compile(r"<!-- block (\w+) -->\n")


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def render(block: str, **values: object) -> Html:
    """A block of `report.html` with its placeholders replaced by `values`.

    Text is escaped, control characters are replaced; `Html` stays as it is, and an iterable of
    `Html` is joined. Raises `KeyError` if a placeholder has no value.
    """
    return Html(_blocks()[block].substitute({name: _markup(value) for name, value in values.items()}))


def _markup(value: object) -> str:
    if isinstance(value, Html):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "".join(map(_markup, value))
    return escape(printable(str(value)), quote=True)


def read(name: str) -> Html:
    """A file beside this module, without changes."""
    return Html((resources.files("vad.evaluation.report") / name).read_text("utf-8"))


@functools.cache
def _blocks() -> dict[str, Template]:
    """The blocks of `report.html` by name; what stands before the first one is a comment."""
    _, *parts = BLOCK.split(read("report.html"))
    return {name: Template(text.rstrip("\n")) for name, text in zip(parts[::2], parts[1::2], strict=True)}
