"""Options of the commands that bring sound and labels together for training, and what they are turned into."""

from __future__ import annotations

from typing import Any

import click

from vad.data.import_settings import ImportSettings
from vad.data.splitting import WAYS, Splitting

from . import options as shared
from .options import F


def licence(command: F) -> F:
    """`--licence` of recordings."""
    return click.option(
        "--licence",
        default=ImportSettings.licence,
        show_default=True,
        metavar="NAME",
        help="Licence of the recordings, for the model card.",
    )(command)


def seed(command: F) -> F:
    """`--seed` of the splits."""
    return click.option(
        "--seed",
        type=int,
        default=Splitting.seed,
        show_default=True,
        help="Of the split: another number, other dev recordings.",
    )(command)


def dev_share(command: F) -> F:
    """`--dev-share` of the splits."""
    return click.option(
        "--dev-share",
        type=shared.Number(0, 1, min_open=True, max_open=True),
        default=Splitting.dev_share,
        show_default=True,
        help="Share of speakers, files or time never trained on.",
    )(command)


def gathering(command: F) -> F:
    """How sound and labels are brought together and divided; `splitting` makes a `Splitting` of it."""
    for option in (
        seed,
        click.option(
            "--speaker-pattern",
            metavar="REGEX",
            help="Finds the speaker in a file's path below AUDIO: its group, or all it matches.  "
            "[default: the labels' speaker, else the folder, else each file its own]",
        ),
        click.option(
            "--split-by",
            type=click.Choice(WAYS),
            default=Splitting.by,
            show_default=True,
            help="What is not divided: a speaker, a file, or nothing (time: the end of each recording is dev).",
        ),
        dev_share,
        shared.labels_format,
        shared.uem,
    ):
        command = option(command)
    return command


def splitting(options: dict[str, Any]) -> Splitting:
    """What the options of `gathering` say of splits, taken out of `options`."""
    names = ("dev_share", "split_by", "seed", "speaker_pattern")
    return Splitting(*(options.pop(name) for name in names))
