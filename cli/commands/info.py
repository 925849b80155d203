"""`vad info`: what a weights file is."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from vad.errors import ModelError
from vad.formats import printable
from vad.settings import PRESETS, Segmentation

from ..command import command, option

if TYPE_CHECKING:
    from vad import Detector

METRICS = {"auc": "AUC", "dcf": "cost %", "deter": "DetER %", "miss": "miss %", "false_alarm": "false alarm %"}
PERCENT = 100  # of all metrics but the first


@dataclass(frozen=True)
class InfoOptions:
    """How it is shown."""

    verbose: bool = option("-v", "--verbose", is_flag=True, help="Also the raw settings of features and training.")
    json: bool = option("--json", is_flag=True, help="As JSON, with every source of the training data.")


@command()
@click.argument("model", required=False)
def info(model: str | None, options: InfoOptions) -> None:
    """Show what a weights file is: its origin, its settings, its results.

    MODEL is a weights file, a folder made by `vad train`, or the name of a model in the package;
    without it, the model that is used by default.
    """
    from vad import Detector

    detector = Detector(model)
    about = detector.description
    if options.json:
        facts = {
            "name": about.name,
            "version": about.version,
            "path": str(detector.path),
            "size": detector.path.stat().st_size,
            "sha256": detector.model.digest,
            "features": about.features.to_dict(),
            "thresholds": about.thresholds,
            "training": about.training,
            "recipe": about.recipe,
        }
        click.echo(json.dumps(facts, indent=2))
        return
    for line in list(_described(detector, options.verbose)):  # all of them, or an error
        click.echo(printable(line))


def _described(detector: Detector, verbose: bool) -> Iterator[str]:
    """The lines for people."""
    from vad.evaluation.tables import align

    about = detector.description
    recipe = {key: value for key, value in about.recipe.items() if key not in ("name", "about")}
    yield from _facts(detector)
    yield ""
    yield from align([["preset", *(f.name for f in fields(Segmentation))], *_presets(detector)])
    try:
        results = list(_results(about.training.get("results", {})))
        verdict = [str(line) for line in about.training.get("verdict", [])]
    except (AttributeError, TypeError, ValueError) as error:
        raise _damaged(detector) from error
    if results:
        yield ""
        yield from align([["results on", *METRICS.values()], *results])
    if verdict:
        yield from ["", *verdict]
    text = str(about.recipe.get("about", "")).strip()
    if text:
        yield from ["", *text.splitlines()]
    if verbose:
        yield from ["", f"sha256: {detector.model.digest}", "", *_settings("features", about.features.to_dict())]
        for name, value in recipe.items():
            yield from ["", *_settings(name, value if isinstance(value, dict) else {name: value})]


def _facts(detector: Detector) -> Iterator[str]:
    """What it is, one line each."""
    about, grid = detector.description, detector.grid
    yield f"{about.name}, version {about.version}"
    yield ""
    yield f"file:          {detector.path}, {_size(detector)}"
    if detector.live:
        live = detector.live
        yield f"up to 0.5 s:   {live.description.name}, version {live.description.version}, {_size(live)}"
    yield (
        f"input:         {grid.sample_rate / 1000:g} kHz, {about.features.n_mels} mel bands, "
        f"a score per {1000 * grid.frame_seconds:g} ms"
    )
    try:
        base = about.training.get("base")
        if base:
            yield f"adapted from:  {base['name']}, version {base['version']}, trained on {_hours(base['data'])}"
        yield f"trained on:    {_hours(about.training.get('data', []))}"
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(detector) from error


def _size(detector: Detector) -> str:
    size = detector.path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _hours(data: Sequence[Mapping[str, Any]]) -> str:
    """`12.2 h of speech, 2.2 h of noise`."""
    hours: Counter[str] = Counter()
    for source in data:
        hours[source["kind"]] += source["hours"]
    return ", ".join(f"{total:.1f} h of {kind}" for kind, total in hours.items() if total >= 0.05) or "unknown sound"


def _presets(detector: Detector) -> Iterator[list[str]]:
    """A row for each preset: its settings."""
    for preset in PRESETS:
        values = vars(detector.settings(preset)).values()
        yield [preset, *("-" if value == math.inf else f"{value:g}" for value in values)]


def _results(results: Mapping[str, Mapping[str, float]]) -> Iterator[list[str]]:
    """A row for each dev set: its metrics."""
    for name, metrics in results.items():
        shown = {key: f"{value:.3f}" if key == "auc" else f"{PERCENT * value:.2f}" for key, value in metrics.items()}
        yield [name, *(shown.get(key, "") for key in METRICS)]


def _settings(title: str, values: Mapping[str, Any]) -> Iterator[str]:
    """A title, and a line for each setting."""
    yield f"{title}:"
    width = max(map(len, values), default=0)
    for name, value in values.items():
        yield f"  {name:<{width}}  {value}"


def _damaged(detector: Detector) -> ModelError:
    return ModelError(f"{detector.path}: what it says of its training is damaged; --json shows it")
