"""`vad train`: recordings and labels, or a recipe and a corpus, to a weights file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..command import command, option, refuse
from ..console import Console
from ..corpus_options import LabelledOptions, SplitOptions
from ..types import PATH, Number

if TYPE_CHECKING:
    from vad.data.splitting import Splitting
    from vad.training.adapt import Adaptation
    from vad.training.loop import Progress
    from vad.training.recipe import Recipe

SHOWN = 5  # remarks about single recordings
OF_DEV = ("dev_share", "seed", "by")
OF_ADAPTING = ("elsewhere", "keep_anyway")
OF_AUDIO = ("labels", "labels_format", "uem", "noise", "shift_labels", "trust_labels", "speaker_pattern", *OF_DEV)


@dataclass(frozen=True)
class DataOptions(LabelledOptions):
    """What to train on."""

    audio: Path | None = option("--audio", type=PATH, help="Folder with recordings to train on.")
    labels: Path | None = option(
        "--labels", type=PATH, help="Folder or file with their labels.  [default: beside the recordings]"
    )
    noise: tuple[Path, ...] = option(
        "--noise", type=PATH, multiple=True, default=(), help="Folder with sound without speech, to be mixed in."
    )
    corpus: Path | None = option("--corpus", type=PATH, help="Corpus folder (speech.jsonl, ...), in place of --audio.")
    shift_labels: str | None = option(
        "--shift-labels",
        metavar="SECONDS|auto",
        help="Move the labels later, below 0 earlier; auto: to where the sound is loud.",
    )
    trust_labels: bool = option("--trust-labels", is_flag=True, help="Train on labels that seem to be late or early.")

    def __post_init__(self) -> None:
        if self.audio is None and self.corpus is None:
            raise click.UsageError("Give the recordings: --audio (with --labels), or --corpus.")
        if self.audio and self.corpus:
            raise click.UsageError("Give either --audio or --corpus; a corpus folder has recordings of its own.")
        if self.corpus:
            refuse(OF_AUDIO, "belongs to --audio; a corpus folder has labels, noise and splits of its own")
        if missing := [str(folder) for folder in self.noise if not folder.exists()]:
            raise click.UsageError(f"--noise {missing[0]}: does not exist; name a folder of sound without speech.")

    @property
    def shift(self) -> float | None:
        """Seconds by which the labels move; None: as the check says."""
        if self.shift_labels in (None, "auto"):
            return 0.0 if self.trust_labels else None
        try:
            return float(self.shift_labels or 0)
        except ValueError:
            raise click.UsageError(f"--shift-labels {self.shift_labels}: give seconds, like -0.5, or auto.") from None


@dataclass(frozen=True)
class TrainingOptions:
    """Where the training goes, and where it starts from."""

    title = "Training"
    output: Path = option("-o", "--output", required=True, type=PATH, help="Folder for checkpoint and model.")
    init_from: str | None = option(
        "--init-from", metavar="MODEL", help="Start from the weights of this model, or of a checkpoint.pt."
    )
    resume: bool = option("--resume", is_flag=True, help="Continue the training in OUTPUT, if there is one.")
    elsewhere: float = option(
        "--elsewhere",
        type=Number(0, 100),
        default=0.5,
        show_default=True,
        metavar="POINTS",
        help="How far decisions on general sound may move, as DCF in %.",
    )
    keep_anyway: bool = option(
        "--keep-anyway", is_flag=True, help="Write the adapted model even where it is not better."
    )

    def __post_init__(self) -> None:
        if self.output.exists() and not self.output.is_dir():
            raise click.UsageError(f"--output {self.output}: is a file; name a folder.")


@command(extra="train")
@click.argument("arguments", nargs=-1, metavar="[RECIPE.toml] [KEY=VALUE]...")
def train(arguments: tuple[str, ...], data: DataOptions, splits: SplitOptions, training: TrainingOptions) -> None:
    """Train a model, on your own recordings or on a corpus folder.

    Without RECIPE, --audio adapts the model of the package to the recordings: each is left out of
    one of three trainings, and there the models before and after are compared. The exit status is 1
    where the adapted one is not better. With RECIPE a model is trained as the recipe says, from
    random weights or from --init-from, on all but the dev recordings. KEY=VALUE changes a single
    setting, as in loop.steps=2000. Afterwards OUTPUT is ready for `vad detect --model OUTPUT`, and
    holds a model card. A killed training loses minutes: run the same command with --resume.

    Several GPUs or processes: torchrun --nproc-per-node 2 --no-python vad train ...
    """
    from vad.training.adapt import Adaptation
    from vad.training.finish import finish
    from vad.training.loop import checkpoint_path, train_stages

    first = int(os.environ.get("RANK", "0")) == 0
    with Console(quiet=not first, verbose=first) as console:
        recipe, init_from = _recipe(arguments, training, own=data.audio is not None)
        adapts = not (arguments and "=" not in arguments[0])
        if adapts:
            refuse(OF_DEV, "chooses dev recordings for a RECIPE; without one, each recording is left out once")
        else:
            refuse(OF_ADAPTING, "is for adapting a model, without a RECIPE")
        place = training.output / "folds" / "1" if adapts else training.output
        checkpoint_path(place, training.resume)  # before the corpus of an earlier training is overwritten
        corpus = data.corpus or training.output / "corpus"
        if data.audio and first and not (training.resume and corpus.exists()):  # a training keeps its splits
            _gather(console, corpus, data.audio, data, splits.splitting(divided=not adapts))
        console.detail(
            f"training {recipe.name} in {training.output}: reading the recordings and mixing the first crops"
        )
        if adapts and init_from:
            _adapt(console, Adaptation.read(recipe, corpus, training.output, init_from), corpus, training)
            return
        _show(console, train_stages(recipe, corpus, training.output, init_from, training.resume))
        if first:
            console.detail("choosing thresholds, writing the model and its card")
            click.echo(finish(recipe, corpus, training.output))


def _adapt(console: Console, adaptation: Adaptation, corpus: Path, training: TrainingOptions) -> None:
    """Train, and write the model if it is better."""
    from vad.training.finish_adapted import finish_adapted

    _show(console, adaptation.train(training.resume))
    console.detail("comparing the models before and after on what each training left out")
    path, verdict = finish_adapted(adaptation, corpus, training.elsewhere / 100, training.keep_anyway)
    click.echo("\n".join(verdict.lines()))
    if path:
        click.echo(path)
    else:
        console.note(f"No model is written; --resume --keep-anyway writes it to {training.output}.")
        raise SystemExit(1)


def _show(console: Console, progress: Iterable[Progress]) -> None:
    """A line for each evaluation."""
    last = None
    for last in progress:
        left = (last.steps - last.step) / last.steps_per_second
        console.detail(
            f"step {last.step}/{last.steps}  loss {last.loss:.4f}  dev AUC {last.dev_auc:.4f}  "
            f"dev DetER {last.dev_error:.1%}  {last.steps_per_second:.2f} steps/s  {left / 60:.0f} min left"
        )
    if last and last.step < last.steps:
        console.detail(f"stopped early, at step {last.step}: the dev AUC rose no more; the best weights are kept")


def _recipe(arguments: tuple[str, ...], training: TrainingOptions, own: bool) -> tuple[Recipe, str | None]:
    """The recipe, and the weights to start from; by default to adapt the model of the package to `own` recordings."""
    from vad.model import pretrained
    from vad.training.recipe import adapting, changed, read_recipe

    if arguments and "=" not in arguments[0]:
        return read_recipe(Path(arguments[0]), arguments[1:]), training.init_from
    if not own:
        raise click.UsageError("Name a RECIPE.toml; without one, only --audio can be trained on.")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise click.UsageError("Adapting a model takes one process; name a RECIPE.toml to train in several.")
    init_from = training.init_from or pretrained.DEFAULT
    return changed(adapting(training.output.resolve().name, init_from), arguments), init_from


def _gather(console: Console, corpus: Path, audio: Path, data: DataOptions, splitting: Splitting) -> None:
    """Make a corpus folder of the recordings and labels, and warn of what is wrong with them."""
    from vad.data.check import inspect
    from vad.data.gather import gather
    from vad.data.import_settings import ImportSettings
    from vad.data.importing import import_source

    gathered = gather(audio, data.labels, uem=data.uem, format=data.labels_format, splitting=splitting)
    notes = gathered.notes
    console.detail("checking the recordings")
    report = inspect(gathered, console.progress)
    remarks = [f"{one.file}: {remark}" for one in report.recordings for remark in one.remarks]
    more = [f"{len(remarks) - SHOWN} more remarks; see vad data check"] if len(remarks) > SHOWN else []
    notes += remarks[:SHOWN] + more
    shift = data.shift
    if shift is None and report.late:
        if data.shift_labels is None:
            raise _misplaced(report.late)
        shift = -report.late
        notes.append(f"all labels are moved by {shift:+.2f} s")
    (corpus / "noise.jsonl").unlink(missing_ok=True)
    (gathered.shifted(shift) if shift else gathered).write(corpus)
    for folder in data.noise:
        notes += import_source(folder, corpus, ImportSettings("noise", name=str(folder))).notes
    for note in notes:
        console.warn(note)


def _misplaced(late: float) -> click.ClickException:
    way = "late" if late > 0 else "early"
    return click.ClickException(
        f"the labels seem {abs(late):.2f} s {way}, and would teach the model wrong times: --shift-labels auto moves "
        "them, --trust-labels trains on them as they are"
    )
