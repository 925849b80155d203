"""`vad train`: recordings and labels, or a recipe and a corpus, to a weights file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import gathering
from .. import options as shared
from ..console import Console

if TYPE_CHECKING:
    from vad.training.recipe import Recipe

PLACE = click.Path(path_type=Path)


@click.command()
@click.argument("arguments", nargs=-1, metavar="[RECIPE.toml] [KEY=VALUE]...")
@click.option("--audio", type=PLACE, help="Folder with recordings to train on.")
@click.option("--labels", type=PLACE, help="Folder or file with their labels.  [default: beside the recordings]")
@click.option("--noise", type=PLACE, multiple=True, help="Folder with sound that holds no speech, to be mixed in.")
@gathering.gathering
@click.option("--corpus", type=PLACE, help="Folder with speech.jsonl and its kin, in place of --audio.")
@click.option("-o", "--output", required=True, type=PLACE, help="Folder for checkpoint and model.")
@click.option("--init-from", metavar="MODEL", help="Begin with the weights of this model, or of a checkpoint.pt.")
@click.option("--resume", is_flag=True, help="Go on with the training in OUTPUT, if there is one.")
@shared.needs("train")
def train(arguments: tuple[str, ...], output: Path, init_from: str | None, resume: bool, **given: Any) -> None:
    """Train a model, on your own recordings or on a corpus folder.

    Without RECIPE, --audio adapts the model of the package to the recordings. With RECIPE a model
    is trained as it says, from nothing or from --init-from. KEY=VALUE changes a single setting, as
    in loop.steps=2000. Afterwards OUTPUT is ready for `vad detect --model OUTPUT`, and holds a
    model card. Training that was killed loses minutes: give the same command with --resume.

    Several GPUs or processes: torchrun --nproc-per-node 2 --no-python vad train ...
    """
    from vad.training.finish import finish
    from vad.training.loop import checkpoint_path
    from vad.training.loop import train as run

    if (given["audio"] is None) == (given["corpus"] is None):
        raise click.UsageError("Give the recordings: --audio (with --labels), or --corpus.")
    if given["corpus"] and (given["labels"] or given["noise"] or given["uem"]):
        raise click.UsageError("--labels, --noise and --uem belong to --audio; a corpus folder has its own.")
    first = int(os.environ.get("RANK", "0")) == 0
    with Console(quiet=not first, verbose=first) as console:
        recipe, init_from = _recipe(arguments, output, init_from, own=given["audio"] is not None)
        checkpoint_path(output, resume)  # before the corpus of an earlier training is written over
        corpus = given["corpus"] or output / "corpus"
        if given["audio"] and first and not (resume and corpus.exists()):  # a training keeps its splits
            _gather(console, corpus, given)
        console.detail(f"training {recipe.name} in {output}: reading the recordings")
        for p in run(recipe, corpus, output, init_from, resume):
            left = (p.steps - p.step) / p.steps_per_second
            console.detail(
                f"step {p.step}/{p.steps}  loss {p.loss:.4f}  dev AUC {p.dev_auc:.4f}  dev DetER {p.dev_error:.1%}  "
                f"{p.steps_per_second:.2f} steps/s  {left / 60:.0f} min left"
            )
        if first:
            click.echo(finish(recipe, corpus, output))


def _recipe(arguments: tuple[str, ...], output: Path, init_from: str | None, own: bool) -> tuple[Recipe, str | None]:
    """The recipe that was asked for, and the weights to begin with."""
    from vad.model import pretrained
    from vad.training.recipe import adapting, changed, read_recipe

    if arguments and "=" not in arguments[0]:
        return read_recipe(Path(arguments[0]), arguments[1:]), init_from
    if not own:
        raise click.UsageError("Name a RECIPE.toml; without one, only --audio can be trained on.")
    init_from = init_from or pretrained.DEFAULT
    return changed(adapting(output.resolve().name, init_from), arguments), init_from


def _gather(console: Console, corpus: Path, given: dict[str, Any]) -> None:
    """Make a corpus folder of the recordings and labels that were given."""
    from vad.data.gather import gather
    from vad.data.import_settings import ImportSettings
    from vad.data.importing import import_source

    gathered = gather(
        given["audio"],
        given["labels"],
        uem=given["uem"],
        format=given["labels_format"],
        splitting=gathering.splitting(given),
    )
    (corpus / "noise.jsonl").unlink(missing_ok=True)
    notes = gathered.said
    gathered.write(corpus)
    for folder in given["noise"]:
        notes += import_source(folder, corpus, ImportSettings("noise", name=str(folder))).notes
    for note in notes:
        console.warn(note)
