"""Small pictures as SVG text: axes, lines and boxes; classes of the style sheet colour them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from vad.evaluation.overlap import Floats


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Axes:
    """A box in the picture (pixels from its upper left corner) and the values along its sides."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]  # values at the left and the right side
    y: tuple[float, float] = (0.0, 1.0)  # at the bottom and the top
    warp: Callable[[ArrayLike], ArrayLike] = np.asarray  # applied to values first, as a logarithm would be

    def across(self, values: ArrayLike) -> Floats:
        """Pixels of values along the x axis."""
        low, high = np.asarray(self.warp(self.x))
        pixels: Floats = self.left + self.width * (np.asarray(self.warp(values), float) - low) / (high - low)
        return pixels

    def down(self, values: ArrayLike) -> Floats:
        """Pixels of values along the y axis."""
        low, high = np.asarray(self.warp(self.y))
        pixels: Floats = self.top + self.height * (1 - (np.asarray(self.warp(values), float) - low) / (high - low))
        return pixels

    def line(self, xs: ArrayLike, ys: ArrayLike, kind: str) -> str:
        """A line through points; `kind` is a class of the style."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(self.across(xs), self.down(ys), strict=True))
        return f'<polyline class="{kind}" points="{points}"/>'

    def dot(self, x: float, y: float, kind: str, title: str) -> str:
        """A dot; its `title` is shown under the pointer."""
        where = f'cx="{float(self.across(x)):.1f}" cy="{float(self.down(y)):.1f}"'
        return f'<circle class="{kind}" {where} r="5"><title>{escape(title)}</title></circle>'

    def upright(self, x: float, kind: str) -> str:
        """A vertical line at `x`, from the bottom to the top."""
        at = float(self.across(x))
        return f'<path class="{kind}" d="M{at:.1f} {self.top:.1f}v{self.height:.1f}"/>'

    def level(self, y: float, kind: str) -> str:
        """A horizontal line at `y`, from side to side."""
        at = float(self.down(y))
        return f'<path class="{kind}" d="M{self.left:.1f} {at:.1f}h{self.width:.1f}"/>'

    def boxes(self, spans: Iterable[tuple[float, float]], kind: str, title: str = "") -> str:
        """A box of the height of the axes for each span of the x axis, clipped to it."""
        drawn = []
        for start, end in spans:
            first, last = self.across([max(start, self.x[0]), min(end, self.x[1])])
            if last > first:
                where = f'x="{first:.1f}" y="{self.top:.1f}" width="{max(last - first, 0.8):.1f}"'
                shown = f"<title>{escape(title)} {start:.2f} to {end:.2f} s</title>" if title else ""
                drawn.append(f'<rect class="{kind}" {where} height="{self.height:.1f}">{shown}</rect>')
        return "".join(drawn)

    def frame(self, xticks: Sequence[Tick], yticks: Sequence[Tick], xlabel: str = "", ylabel: str = "") -> str:
        """Sides, ticks and labels."""
        bottom = self.top + self.height
        drawn = []
        for at, label in xticks:
            drawn.append(self.upright(at, "grid"))
            drawn.append(text(float(self.across(at)), bottom + 18, label, "middle"))
        for at, label in yticks:
            drawn.append(self.level(at, "grid"))
            drawn.append(text(self.left - 6, float(self.down(at)) + 4, label, "end"))
        drawn.append(text(self.left + self.width / 2, bottom + 40, xlabel, "middle"))
        if ylabel:
            x, y = self.left - 60, self.top + self.height / 2
            drawn.append(
                f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" transform="rotate(-90 {x:.1f} {y:.1f})">'
                f"{escape(ylabel)}</text>"
            )
        side = f'x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}"'
        return "".join(drawn) + f'<rect class="frame" {side}/>'


def text(x: float, y: float, content: str, anchor: str = "start", kind: str = "") -> str:
    """A piece of text at a point."""
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def picture(width: float, height: float, parts: Iterable[str], description: str) -> str:
    """The whole picture; a screen reader reads `description`."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img" '
        f'aria-label="{escape(description, quote=True)}">{"".join(parts)}</svg>'
    )


def strip(width: float, height: float, parts: Iterable[str], description: str) -> str:
    """A picture that is stretched to the width of the page; its lines keep their width, and it has no text."""
    return (
        f'<svg class="strip" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(description, quote=True)}">{"".join(parts)}</svg>'
    )
