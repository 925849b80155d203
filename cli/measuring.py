"""Options of the commands that measure, and what they are turned into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vad.formats import FORMATS
from vad.settings import COST_WEIGHTS, CostWeights, EvaluationSettings

from . import options as shared
from .options import F

collar = click.option(
    "--collar",
    type=shared.SECONDS,
    default=EvaluationSettings.collar,
    show_default=True,
    metavar="SECONDS",
    help="Leave this much unscored before and after each boundary of the reference (as md-eval; half of pyannote's).",
)
dcf = click.option(
    "--dcf",
    nargs=2,
    type=float,
    default=tuple(COST_WEIGHTS),
    show_default=True,
    metavar="MISS ALARM",
    help="Weights of the detection cost.",
)


def settings(command: F) -> F:
    """What counts of a reference, and how it is measured; `measuring` makes a `EvaluationSettings` of it."""
    for option in (
        click.option(
            "--seed", type=int, default=EvaluationSettings.seed, show_default=True, help="Seed of the bootstrap."
        ),
        click.option(
            "--resamples",
            type=click.IntRange(0, 100_000),
            default=EvaluationSettings.resamples,
            show_default=True,
            help="Bootstrap samples for the 95 % intervals; 0 for none.",
        ),
        dcf,
        collar,
        click.option(
            "--reference-format",
            type=click.Choice(list(FORMATS)),
            help="Format of the reference.  [default: from name and content]",
        ),
        shared.uem,
    ):
        command = option(command)
    return command


def grouping(command: F) -> F:
    """Which recordings belong together; `groups` takes it."""
    for option in (
        click.option(
            "--step",
            type=shared.Number(0, min_open=True),
            metavar="NUMBER",
            help="Group numbers of COLUMN, like an SNR, in ranges this wide.",
        ),
        click.option(
            "--table", type=click.Path(path_type=Path), metavar="CSV", help="Table with a row per recording, for --by."
        ),
        click.option("--by", metavar="folder|COLUMN", help="Figures per folder, or per value of a COLUMN of --table."),
    ):
        command = option(command)
    return command


def measuring(options: dict[str, Any]) -> EvaluationSettings:
    """What the options of `settings` say of figures."""
    return EvaluationSettings(options["collar"], CostWeights(*options["dcf"]), options["resamples"], options["seed"])


def groups(options: dict[str, Any], names: list[str]) -> dict[str, str]:
    """The group of each recording as the options of `grouping` ask; empty where they ask for none."""
    from vad.evaluation.grouping import by_column, by_folder

    by, table = options["by"], options["table"]
    if table is not None and by is None:
        raise click.UsageError("--table: say with --by which of its columns.")
    if table is not None:
        return by_column(names, table, by, options["step"])
    if by not in (None, "folder"):
        raise click.UsageError(f"--by {by}: name the table with this column, --table CSV; or say --by folder.")
    return by_folder(names) if by else {}
