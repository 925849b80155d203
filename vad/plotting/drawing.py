"""A plot of a recording: sound, scores, segments and reference, one under the other.

Panels are placed in inches, so that their size does not depend on their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MultipleLocator

from vad.clock import clock
from vad.errors import SettingError
from vad.features import Float32, LogMel, hz_to_mel, mel_to_hz
from vad.plotting.downsample import Overview, View
from vad.plotting.style import DETECTED, FALSE_ALARM, MISSED, REFERENCE, SOUND
from vad.segments import Segment, clip, invert, merge
from vad.settings import Segmentation

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 10.0, 0.75, 0.3, 0.45, 0.3  # inches
BAR, GAP = 0.13, 0.06  # inches: height of a track of segments, and the gap between the parts of a panel
ONE_ROW, ROWS, MAX_PANELS = 120.0, 12, 100  # by default: seconds in a single row, else number of rows
COLUMNS = 1200  # drawn in a row; about the resolution of a page
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  # seconds

Span = tuple[float, float]  # from, to, in seconds


@dataclass(frozen=True)
class PlotSettings:
    """How recordings are drawn."""

    title: str
    settings: Segmentation
    features: LogMel
    span: Span = (0.0, math.inf)  # seconds
    row: float | None = None  # seconds in a row of a long recording
    references: list[list[Segment]] | None = None  # for each channel


def draw(views: list[View], look: PlotSettings, figure: Figure | None = None) -> Figure:
    """Sound (or spectrum), segments and scores of each channel, in as many rows as the time needs.

    Call it within `style`. Raises `SettingError` if that would be too many panels.
    """
    start, end = look.span[0], min(look.span[1], views[0].detection.duration)
    rows = _rows(start, end, look.row)
    if len(rows) * len(views) > MAX_PANELS:
        raise SettingError(
            f"{look.title}: a picture of {len(rows) * len(views)} panels; take longer rows, fewer channels or less time"
        )
    tight = len(rows) * len(views) > 2
    heights = (0.55, 0.35, 0.34) if tight else (1.3, 0.75, 0.4)  # sound, scores, time axis
    tracks = 4 if look.references else 1
    panel = sum(heights) + tracks * BAR + 2 * GAP
    figure = figure or Figure()
    figure.set_size_inches(WIDTH, TOP + panel * len(rows) * len(views) + BOTTOM - heights[2])
    page = _Page(figure, look, heights)
    for row in rows:
        for channel, one in enumerate(views):
            page.add(one, row, (start, end), channel)
    page.head()
    return figure


class _Page:
    """Places panels on a figure from top to bottom."""

    def __init__(self, figure: Figure, look: PlotSettings, heights: tuple[float, float, float]) -> None:
        self._figure, self._look = figure, look
        self._sound, self._scores, self._below = heights
        self._height = float(figure.get_size_inches()[1])
        self._at = self._height - TOP  # inches from the bottom

    def head(self) -> None:
        """The title, and the legend of the lines."""
        look, top = self._look, 1 - 0.17 / self._height
        thresholds = (("onset", "--", look.settings.onset), ("offset", ":", look.settings.offset))
        shown = [Line2D([], [], color="0.2", ls=ls, lw=0.8, label=f"{name} {at:g}") for name, ls, at in thresholds]
        self._figure.text(LEFT / WIDTH, top, look.title, weight="bold", size=9, va="center", parse_math=False)
        self._figure.legend(
            handles=shown,
            loc="center right",
            bbox_to_anchor=(1 - RIGHT / WIDTH, top),
            ncols=len(shown),
            borderpad=0,
            borderaxespad=0,
            handlelength=1.6,
            columnspacing=1.4,
        )

    def add(self, one: View, row: Span, span: Span, channel: int) -> None:
        """A panel: one channel in the time of one row; all rows together show `span`."""
        assert one.detection.scores is not None
        found = clip(one.detection.segments, span[1])
        axes = self._axes(self._sound, row)
        if one.detection.channel:
            axes.set_title(f"channel {one.detection.channel}", size=7, loc="left", pad=2, weight="normal")
        if one.spectrum:
            _draw_spectrum(axes, one.spectrum, row, span, self._look.features)
        else:
            _draw_sound(axes, one.sound, row, span)
            axes.broken_barh(_spans(found), (-2, 4), color=DETECTED, alpha=0.12, lw=0)
        self._at -= GAP
        tracks = [("detected", DETECTED, found)]
        if self._look.references:
            tracks += _compared(found, clip(self._look.references[channel], span[1]), span[1])
        for name, colour, segments in tracks:
            bar = self._axes(BAR, row)
            bar.broken_barh(_spans(segments), (0.12, 0.76), color=colour, lw=0)
            bar.set(ylim=(0, 1), yticks=[0.5], yticklabels=[name])
            bar.spines[:].set_visible(False)
            bar.tick_params(length=0, labelsize=7)
        self._at -= GAP
        scores = self._axes(self._scores, row)
        _draw_scores(scores, one.detection.scores, (row[0], min(row[1], span[1])), self._look)
        _time_axis(scores, row, span[1])
        self._at -= self._below

    def _axes(self, height: float, row: Span) -> Axes:
        """Axes of `height` inches below those before."""
        self._at -= height
        place = (LEFT / WIDTH, self._at / self._height, 1 - (LEFT + RIGHT) / WIDTH, height / self._height)
        axes = self._figure.add_axes(place)
        axes.set_xlim(row)
        axes.set_xticks([])
        return axes


def _draw_sound(axes: Axes, sound: Overview, row: Span, span: Span) -> None:
    _draw_reach(axes, *sound.between(*row), SOUND, 0.5)
    reach = float(sound.between(*span)[1].max(initial=0)) or 1.0
    axes.set(ylim=(-1.05 * reach, 1.05 * reach), yticks=[-reach, 0, reach])
    axes.set_yticklabels([f"{-reach:.2g}", "0", f"{reach:.2g}"])
    axes.spines["bottom"].set_visible(False)


def _draw_spectrum(axes: Axes, spectrum: Overview, row: Span, span: Span, features: LogMel) -> None:
    """The log-mel frames that the model gets, in decibels from the noise to the peak, at most 80."""
    import librosa.display

    edges, bins = _columns(*spectrum.between(*row))
    decibels = 10 / math.log(10)  # of a natural logarithm of energy
    low_level, high_level = decibels * np.percentile(spectrum.between(*span)[1], (10, 99.8))
    low, high = hz_to_mel(np.array([features.low, features.high]))
    mels = np.linspace(low, high, features.n_mels + 2)
    librosa.display.specshow(
        decibels * bins.T,
        x_coords=edges,
        y_coords=mel_to_hz((mels[:-1] + mels[1:]) / 2),
        y_axis="mel",
        ax=axes,
        cmap="magma",
        vmin=max(low_level, high_level - 80),
        vmax=max(high_level, low_level + 10),
        rasterized=True,
    )
    axes.set(ylabel="Hz", xlabel="", xticks=[], yticks=[500, 2000])
    axes.minorticks_off()


def _draw_scores(axes: Axes, scores: Float32, row: Span, look: PlotSettings) -> None:
    hop = look.features.grid.frame_seconds
    first = math.floor(row[0] / hop + 1e-6)
    shown = scores[first : math.ceil(row[1] / hop - 1e-6)]
    edges = (first + np.arange(len(shown) + 1)) * hop
    _draw_reach(axes, edges, np.stack([-shown, shown], 1), DETECTED, 0.9)
    axes.axhline(look.settings.onset, color="0.2", ls="--", lw=0.7)
    axes.axhline(look.settings.offset, color="0.2", ls=":", lw=0.9)
    axes.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1], yticklabels=["0", ".5", "1"], ylabel="score")


def _draw_reach(axes: Axes, edges: Any, bins: Float32, colour: str, width: float) -> None:
    """A line or, for more values than a screen can show, the area between minima and maxima."""
    edges, bins = _columns(edges, bins)
    middle, low, high = (edges[:-1] + edges[1:]) / 2, -bins[:, 0], bins[:, 1]
    if np.array_equal(low, high):
        axes.plot(middle, high, color=colour, lw=width)
    else:
        axes.fill_between(middle, low, high, color=colour, lw=width / 2)


def _columns(edges: Any, bins: Float32) -> tuple[Any, Float32]:
    """At most `COLUMNS` bins: maxima of neighbours, as in an `Overview`."""
    firsts = np.arange(0, len(bins), -(-len(bins) // COLUMNS) or 1)
    if len(firsts) in (0, len(bins)):
        return edges, bins
    return np.append(edges[firsts], edges[-1]), np.maximum.reduceat(bins, firsts)


def _compared(found: list[Segment], reference: list[Segment], duration: float) -> list[tuple[str, str, list[Segment]]]:
    """The tracks below the detected segments: the reference, and the differences."""
    missed = invert(merge([*found, *invert(reference, duration)]), duration)
    false = invert(merge([*reference, *invert(found, duration)]), duration)
    return [("reference", REFERENCE, reference), ("missed", MISSED, missed), ("false alarm", FALSE_ALARM, false)]


def _spans(segments: Sequence[Segment]) -> list[Span]:
    """Start and duration of each, for matplotlib."""
    return [(s.start, s.duration) for s in segments]


def _rows(start: float, end: float, row: float | None) -> list[Span]:
    """The time that each row shows."""
    length = end - start
    if row is None:
        row = length if length <= ONE_ROW else next((s for s in STEPS if s >= 60 and s * ROWS >= length), length)
    count = max(1, math.ceil(length / row - 1e-9))
    return [(start + n * row, start + (n + 1) * row) for n in range(count)]


def _time_axis(axes: Axes, row: Span, last: float) -> None:
    """Ticks at round times, like 1:23:20; in seconds below a minute."""
    length = row[1] - row[0]
    step = next((s for s in STEPS if s * 12 >= length), STEPS[-1])
    if length <= 5:
        step = 10 ** math.floor(math.log10(length))
        step /= 1 if length / step > 5 else 2 if length / step > 2 else 5
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: tick(t, last)))


def tick(seconds: float, last: float) -> str:
    """`75` as `1:15`, with the fields that a time up to `last` needs; fractions stay."""
    return f"{seconds:.6g} s" if last < 60 else clock(seconds, 6, longest=last).rstrip("0").rstrip(".")
