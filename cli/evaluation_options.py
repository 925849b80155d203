"""Options of the commands that measure detection against a reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from vad.settings import COST_WEIGHTS, CostWeights, EvaluationSettings

from . import types
from .command import option
from .options import labels_format, uem_option
from .types import PATH, Number

TABLES = ("table", "json", "csv", "markdown")


@dataclass(frozen=True)
class ReferenceOptions:
    """The reference."""

    title = "Input"
    reference: Path | None = option(
        "--reference", type=PATH, metavar="PATH", help="True labels.  [default: beside the sound]"
    )
    reference_format: str | None = labels_format("--reference-format", "the reference")
    uem: Path | None = uem_option()


@dataclass(frozen=True)
class CostOptions:
    """How errors are counted."""

    title = "How it is measured"
    collar: float = option(
        "--collar",
        type=types.seconds,
        default=EvaluationSettings.collar,
        show_default=True,
        metavar="SECONDS",
        help="Do not score this much before and after each boundary of the reference "
        "(as md-eval does; pyannote's collar is twice that).",
    )
    dcf: tuple[float, float] = option(
        "--dcf",
        nargs=2,
        type=float,
        default=tuple(COST_WEIGHTS),
        show_default=True,
        metavar="MISS ALARM",
        parameter="weights",
        help="Weights of the detection cost.",
    )


@dataclass(frozen=True)
class MeasurementOptions(CostOptions):
    """How errors are counted, and how certain the metrics are."""

    resamples: int = option(
        "--resamples",
        type=click.IntRange(0, 100_000),
        default=EvaluationSettings.resamples,
        show_default=True,
        help="Bootstrap samples for the 95 % intervals; 0 for none.",
    )
    seed: int = option(
        "--seed", type=int, default=EvaluationSettings.seed, show_default=True, help="Seed of the bootstrap."
    )

    def settings(self) -> EvaluationSettings:
        """These options as settings of the evaluation."""
        return EvaluationSettings(self.collar, CostWeights(*self.dcf), self.resamples, self.seed)


@dataclass(frozen=True)
class GroupOptions(MeasurementOptions):
    """The same, with metrics for groups of recordings."""

    by: str | None = option(
        "--by", metavar="folder|COLUMN", help="Metrics per folder, or per value of a COLUMN of --table."
    )
    table: Path | None = option("--table", type=PATH, metavar="CSV", help="Table with a row per recording, for --by.")
    step: float | None = option(
        "--step",
        type=Number(0, min_open=True),
        metavar="NUMBER",
        help="Group numbers of COLUMN, like an SNR, in ranges this wide.",
    )

    def __post_init__(self) -> None:
        if self.step is not None and self.table is None:
            raise click.UsageError("--step: divides the numbers of a column; name it with --table and --by.")

    def groups(self, names: Iterable[str]) -> dict[str, str]:
        """The group of each recording; empty without groups."""
        from vad.evaluation.grouping import by_column, by_folder

        if self.table is not None and self.by is None:
            raise click.UsageError("--table: name one of its columns with --by.")
        if self.table is not None and self.by is not None:
            return by_column(names, self.table, self.by, self.step)
        if self.by not in (None, "folder"):
            raise click.UsageError(
                f"--by {self.by}: name the table with this column, --table CSV; or give --by folder."
            )
        return by_folder(names) if self.by else {}
