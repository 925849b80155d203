"""`vad train`: a recipe and a corpus to a weights file."""

from __future__ import annotations

from pathlib import Path

import click

from vad.errors import RecipeError


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("changes", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--corpus", required=True, type=click.Path(path_type=Path), help="Folder with speech.jsonl and its kin.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder for checkpoint and model.")
@click.option("--init-from", type=click.Path(path_type=Path), help="Begin with the weights of this checkpoint.pt.")
def train(recipe: Path, changes: tuple[str, ...], corpus: Path, output: Path, init_from: Path | None) -> None:
    """Train a model as RECIPE says, with single settings changed: loop.steps=2000.

    Interrupted training goes on from OUTPUT/checkpoint.pt when the same command is given again.
    Afterwards OUTPUT/model.onnx is ready for `vad detect --model OUTPUT`.
    """
    try:
        from vad.training.finish import finish
        from vad.training.loop import train as run
        from vad.training.recipe import read_recipe
    except ImportError as error:
        raise RecipeError(f"training needs {error.name}; install the [train] extra") from error

    read = read_recipe(recipe, changes)
    for p in run(read, corpus, output, init_from):
        left = (p.steps - p.step) / p.steps_per_second
        click.echo(
            f"step {p.step}/{p.steps}  loss {p.loss:.4f}  dev AUC {p.dev_auc:.4f}  "
            f"{p.steps_per_second:.2f} steps/s  {left / 60:.0f} min left",
            err=True,
        )
    click.echo(finish(read, corpus, output))
