"""`vad convert`: labels from one format to another."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.errors import VadError
from vad.formats import Document, Format, holds_labels, load

from ..command import command, option
from ..console import Console
from ..options import force_option, label_format, labels_format, output_format

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.labels.convert import SpeakersFrom


@dataclass(frozen=True)
class LabelOptions:
    """How labels are read and written."""

    read_as: str | None = labels_format("--from", "INPUT")
    write_as: str | None = output_format("-f", "--to", "--format", help="Format of OUTPUT.  [default: from its name]")
    speakers: SpeakersFrom | None = option(
        "--speakers", type=click.Choice(["text", "tier"]), help="Take texts, or names of tiers, for speakers."
    )
    tiers: tuple[str, ...] = option(
        "--tier", multiple=True, default=(), metavar="NAME", help="Only this tier (or speaker); may be repeated."
    )
    force: bool = force_option()
    quiet: bool = option("-q", "--quiet", is_flag=True, help="No warning of what OUTPUT cannot hold.")


@command()
@click.argument("paths", nargs=-1, required=True, metavar="INPUT... OUTPUT")
def convert(paths: tuple[str, ...], options: LabelOptions) -> None:
    """Turn labels of one format into another.

    INPUT is a label file, a folder (searched recursively), a quoted pattern, or - for standard
    input; its format is known by its name or its content. OUTPUT is a file, - for standard output,
    a folder (a name without extension) that gets a file per recording, or a template with {stem},
    {name}, {dir}, {ext} or {channel}; its extension says the format, or else --to.

    Texts, speakers, channels and tiers stay where OUTPUT has a place for them; a warning names what
    it cannot hold. A speaker without a text is also written as the text, where there is no other
    place.

    \b
      vad convert talk.rttm talk.TextGrid       # a tier for each speaker
      vad convert talk.TextGrid words.srt --tier words
      vad convert marks.txt talk.rttm --speakers text
      vad convert all.rttm labels/ --to elan    # a file for each recording
    """
    from vad.batch.inputs import find
    from vad.batch.naming import is_folder, is_template
    from vad.batch.run import run_batch

    *inputs, output = paths
    if not inputs:
        raise click.UsageError(f"Give an OUTPUT, too, after {output}: a file, a folder, or - for standard output.")
    if not options.write_as and (output == "-" or not Path(output).suffix):
        raise click.UsageError(f"{output}: has no extension that says the format; give --to")
    kind = label_format(options.write_as, output)
    one_file = output != "-" and not is_template(output) and not is_folder(output)
    found, errors = find(inputs, functools.partial(holds_labels, format=options.read_as), "label")
    read: list[tuple[Input, list[Document]]] = []

    def keep(one: Input, documents: list[Document]) -> float:
        read.append((one, documents))
        return 0.0

    with Console(options.quiet) as console:
        console.errors(errors)
        run_batch(found, functools.partial(_read, options, Path(output) if one_file else None), keep, console)
        if read or not found:
            _write(output, kind, read, options.force, console)


def _read(options: LabelOptions, target: Path | None, one: Input) -> list[Document]:
    """The documents of `one`, which must not be the file that will be written."""
    from vad.batch.naming import check_not_input
    from vad.labels.convert import prepare

    if target:
        check_not_input(target, one)
    labels = load(sys.stdin.buffer if one.path == "-" else Path(one.path), options.read_as)
    return prepare(labels, one, options.speakers, options.tiers)


def _write(output: str, kind: Format, read: list[tuple[Input, list[Document]]], force: bool, console: Console) -> None:
    """Write all documents, with warnings about what `kind` cannot hold."""
    from vad.batch.output import open_output
    from vad.labels.convert import losses, output_input

    several = sum(len(documents) for _, documents in read) > 1
    with open_output(output, kind, several, force=force) as target:
        for one, documents in read:
            for loss in losses(documents, kind):
                console.warn(f"{one.path}: {loss}")
            names = len({document.recording for document in documents}) > 1
            for document in documents:
                try:
                    target.write(output_input(document, one, names), [document])
                except VadError as error:
                    console.error(error)
