"""`vad info`: what a weights file is."""

from __future__ import annotations

import json

import click


@click.command()
@click.argument("model", required=False)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def info(model: str | None, as_json: bool) -> None:
    """Show what a weights file is: its training, its thresholds, its frame grid.

    MODEL is a weights file, a folder made by `vad train`, or the name of a model in the package;
    without it, the model that is used by default.
    """
    from vad import Detector
    from vad.pretrained import sha256

    detector = Detector(model)
    about = detector.description
    facts = {
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
    for name, value in facts.items():
        if isinstance(value, dict):
            click.echo(f"{name}:")
            for key, inner in value.items():
                click.echo(f"  {key:<12} {json.dumps(inner) if isinstance(inner, dict) else inner}")
        else:
            click.echo(f"{name + ':':<14} {value}")
