"""`vad info`: what a weights file is."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from vad.errors import ModelError
from vad.formats import printable

from ..command import command, option

if TYPE_CHECKING:
    from vad import Detector


@dataclass(frozen=True)
class InfoOptions:
    """How it is shown."""

    json: bool = option("--json", is_flag=True, help="As JSON, with every source of the training data.")


@command()
@click.argument("model", required=False)
def info(model: str | None, options: InfoOptions) -> None:
    """Show what a weights file is: its training, its thresholds, its frame grid.

    MODEL is a weights file, a folder made by `vad train`, or the name of a model in the package;
    without it, the model that is used by default.
    """
    from vad import Detector

    detector = Detector(model)
    about = detector.description
    facts: dict[str, Any] = {
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
    if options.json:
        click.echo(json.dumps(facts, indent=2))
        return
    facts["training"] = _training(detector)
    facts["recipe"] = {key: value for key, value in about.recipe.items() if key not in ("name", "about")}
    lines = [line for name, value in facts.items() for line in _lines(name, value)]
    for line in [*lines, *str(about.recipe.get("about", "")).strip().splitlines()]:
        click.echo(printable(line))


def _training(detector: Detector) -> dict[str, Any]:
    """The hours of each kind of sound that it was trained with, and its results."""
    about = detector.description.training
    hours: Counter[str] = Counter()
    try:
        for source in about.get("data", []):
            hours[source["kind"]] += source["hours"]
        summed = {f"{kind}, hours": round(total, 1) for kind, total in hours.items()}
        return summed | {f"on {name}": metrics for name, metrics in about.get("results", {}).items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"{detector.path}: what it says of its training is damaged; --json shows it") from error


def _lines(name: str, value: Any) -> list[str]:
    """A fact as lines of text."""
    if not isinstance(value, dict):
        return [f"{name + ':':<12} {value}"]
    width = max(map(len, value), default=0)
    shown = {
        key: ", ".join(f"{k} {v}" for k, v in inner.items()) if isinstance(inner, dict) else inner
        for key, inner in value.items()
    }
    return [f"{name}:", *(f"  {key:<{width}}  {text}" for key, text in shown.items())]
