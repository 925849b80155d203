"""Colours and style of all plots, and saving and showing them (the `[plot]` extra)."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from vad.atomic import explain, replacing
from vad.errors import SettingError, VadError

# Colours that the colour-blind can tell apart (Okabe and Ito, 2008).
DETECTED, REFERENCE, MISSED, FALSE_ALARM, SOUND = "#0072B2", "#009E73", "#D55E00", "#E69F00", "#5f6368"
STYLE: dict[str, Any] = {
    "axes.linewidth": 0.6,
    "axes.prop_cycle": f"cycler('color', {[DETECTED, MISSED, REFERENCE, '#CC79A7', FALSE_ALARM, '#56B4E9', SOUND]})",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.dpi": 110,
    "font.size": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "pdf.fonttype": 42,
    "svg.hashsalt": "vad",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
EXTENSIONS = (".png", ".svg", ".pdf")


@contextlib.contextmanager
def style() -> Iterator[None]:
    """A context in which plots are drawn and saved with the style of the package."""
    with rc_context(STYLE):  # type: ignore[arg-type]
        yield


def check_picture(target: str) -> str:
    """The image format of a file name; raises `SettingError` for an unknown extension."""
    extension = ".png" if target == "-" else Path(target).suffix.lower()
    if extension not in EXTENSIONS:
        raise SettingError(f"{target}: pictures are written as {', '.join(EXTENSIONS)}; choose one of these extensions")
    return extension[1:]


def save(figure: Figure, target: str | Path) -> None:
    """Write a picture; equal pictures give equal bytes. "-" is standard output."""
    kind = check_picture(str(target))
    dates: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with replacing(Path(target)) as file, explain(str(target)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # names in other scripts are drawn as boxes
        figure.savefig(file, format=kind, metadata=dates.get(kind))


def window() -> Figure:
    """An empty figure that `show` puts on the screen; raises `VadError` without a screen."""
    from matplotlib import pyplot

    try:
        figure = pyplot.figure()
        if figure.canvas.required_interactive_framework is None:
            raise ImportError(f"matplotlib's backend {pyplot.get_backend()} has none")
    except ImportError as error:
        raise VadError(f"no window can be opened here ({error}); name a picture with -o, like -o a.png") from error
    return figure


def show() -> None:
    """Show the `window` on the screen until it is closed."""
    from matplotlib import pyplot

    pyplot.show()
