"""`vad info`: what a weights file is."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import click

from vad.formats import printable


@click.command()
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every source of the training data.")
def info(model: str | None, as_json: bool) -> None:
    """Show what a weights file is: its training, its thresholds, its frame grid.

    MODEL is a weights file, a folder made by `vad train`, or the name of a model in the package;
    without it, the model that is used by default.
    """
    from vad import Detector
    from vad.pretrained import sha256

    detector = Detector(model)
    about = detector.description
    facts: dict[str, Any] = {
        "name": about.name,
        "version": about.version,
        "path": str(detector.path),
        "size": detector.path.stat().st_size,
        "sha256": sha256(detector.path),
        "features": about.features.to_dict(),
        "thresholds": about.thresholds,
        "training": about.training,
        "recipe": about.recipe,
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    hours: Counter[str] = Counter()
    for source in about.training.get("data", []):
        hours[source["kind"]] += source["hours"]
    facts["training"] = {f"{kind}, hours": round(total, 1) for kind, total in hours.items()}
    facts["training"] |= {f"on {name}": figures for name, figures in about.training.get("results", {}).items()}
    facts["recipe"] = {key: value for key, value in about.recipe.items() if key not in ("name", "about")}
    for name, value in facts.items():
        if not isinstance(value, dict):
            click.echo(f"{name + ':':<12} {value}")
            continue
        click.echo(f"{name}:")
        width = max((len(key) for key in value), default=0)
        for key, inner in value.items():
            shown = ", ".join(f"{k} {v}" for k, v in inner.items()) if isinstance(inner, dict) else inner
            click.echo(f"  {key:<{width}}  {shown}")
    for line in str(about.recipe.get("about", "")).strip().splitlines():
        click.echo(printable(line))
