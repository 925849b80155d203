"""Options of the commands that bring sound and labels together for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from vad.data.import_settings import ImportSettings
from vad.data.splitting import UNITS, Splitting

from .command import option
from .options import labels_format, uem_option
from .types import Number


@dataclass(frozen=True)
class LabelledOptions:
    """The labels of the sound."""

    title = "Input"
    labels_format: str | None = labels_format("--labels-format", "the labels")
    uem: Path | None = uem_option()


@dataclass(frozen=True)
class SourceOptions:
    """What the model card says of the recordings."""

    title = "Source"
    licence: str = option(
        "--licence",
        default=ImportSettings.licence,
        show_default=True,
        metavar="NAME",
        help="Licence of the recordings, for the model card.",
    )
    name: str = option(
        "--name", default="", metavar="NAME", help="Name of the source.  [default: that of the folder or the manifests]"
    )


@dataclass(frozen=True)
class DevOptions:
    """How much of the recordings is kept for development."""

    title = "Splits"
    dev_share: float = option(
        "--dev-share",
        type=Number(0, 1, min_open=True, max_open=True),
        default=Splitting.dev_share,
        show_default=True,
        help="Share of speakers, files or time that is never trained on.",
    )
    seed: int = option(
        "--seed",
        type=int,
        default=Splitting.seed,
        show_default=True,
        help="Seed of the split; another seed chooses other dev recordings.",
    )

    def splitting(self) -> Splitting:
        """How the recordings are divided."""
        return Splitting(self.dev_share, seed=self.seed)


@dataclass(frozen=True)
class SplitOptions(DevOptions):
    """The same, and what is not divided."""

    by: str = option(
        "--split-by",
        type=click.Choice(UNITS),
        default=Splitting.by,
        show_default=True,
        help="Never divide a speaker, or a file; or divide each recording in time, its end for dev.",
    )
    speaker_pattern: str | None = option(
        "--speaker-pattern",
        metavar="REGEX",
        help="Finds the speaker in a file's path below AUDIO: its group, or all that it matches.  "
        "[default: the labels' speaker, else the folder, else each file its own]",
    )

    def splitting(self, divided: bool = True) -> Splitting:
        """How the recordings are divided; without dev recordings where they are not to be `divided`."""
        return Splitting(self.dev_share if divided else 0.0, self.by, self.seed, self.speaker_pattern)
