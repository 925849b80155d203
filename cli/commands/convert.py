"""`vad convert`: labels from one format to another."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vad.errors import VadError
from vad.formats import FORMATS, Document, Format, holds_labels, load

from ..console import Console
from ..options import label_format

if TYPE_CHECKING:
    from vad.batch.inputs import Input
    from vad.labels.convert import SpeakersFrom


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="INPUT... OUTPUT")
@click.option(
    "--from", "given", type=click.Choice(list(FORMATS)), help="Format of INPUT.  [default: from name and content]"
)
@click.option(
    "-f",
    "--to",
    "--format",
    "wanted",
    type=click.Choice(list(FORMATS)),
    help="Format of OUTPUT.  [default: from its name]",
)
@click.option("--speakers", type=click.Choice(["text", "tier"]), help="Take texts, or names of tiers, for speakers.")
@click.option("--tier", "tiers", multiple=True, metavar="NAME", help="Only this tier (or speaker); may be repeated.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say what OUTPUT cannot hold.")
def convert(
    paths: tuple[str, ...],
    *,
    given: str | None,
    wanted: str | None,
    speakers: SpeakersFrom | None,
    tiers: tuple[str, ...],
    quiet: bool,
) -> None:
    """Turn labels of one format into another.

    INPUT is a label file, a folder (searched recursively), a quoted pattern, or - for standard
    input; its format is known by its name or its content. OUTPUT is a file, - for standard output,
    a folder (a name without extension) that gets a file per recording, or a template with {stem},
    {name}, {dir}, {ext} or {channel}; its extension says the format, or else --to.

    Texts, speakers, channels and tiers stay where OUTPUT has a place for them; what it has none for
    is said. A speaker without a text is written as the text, too, where there is no other place.

    \b
      vad convert talk.rttm talk.TextGrid       # a tier for each speaker
      vad convert talk.TextGrid words.srt --tier words
      vad convert marks.txt talk.rttm --speakers text
      vad convert all.rttm labels/ --to elan    # a file for each recording
    """
    from vad.batch.inputs import find
    from vad.batch.naming import check_not_input, is_folder, is_template
    from vad.batch.output import open_output
    from vad.labels.convert import losses, place

    *inputs, output = paths
    if not inputs:
        raise click.UsageError(f"Give an OUTPUT, too, after {output}: a file, a folder, or - for standard output.")
    kind = _kind(wanted, output)
    alone = output != "-" and not is_template(output) and not is_folder(output)
    found, errors = find(inputs, functools.partial(holds_labels, format=given), "label")
    with Console(quiet) as console:
        for error in errors:
            console.error(error)
        ready: list[tuple[Input, list[Document]]] = []
        for one in found:
            try:
                if alone:
                    check_not_input(Path(output), one)
                ready.append((one, _read(one, given, speakers, tiers)))
            except VadError as error:
                console.error(error)
        several = sum(len(documents) for _, documents in ready) > 1
        with open_output(output, kind, several) as target:
            for one, documents in ready:
                for loss in losses(documents, kind):
                    console.warn(f"{one.path}: {loss}")
                names = len({document.recording for document in documents}) > 1
                for document in documents:
                    try:
                        target.write(place(document, one, names), [document])
                    except VadError as error:
                        console.error(error)
    if console.failed:
        raise SystemExit(1)


def _kind(wanted: str | None, output: str) -> Format:
    """The format to write; `UsageError` where nothing says it."""
    if not wanted and (output == "-" or not Path(output).suffix):
        raise click.UsageError(f"{output}: has no extension that says the format; give --to")
    return label_format(wanted, output)


def _read(one: Input, given: str | None, speakers: SpeakersFrom | None, tiers: tuple[str, ...]) -> list[Document]:
    from vad.labels.convert import prepare

    labels = load(sys.stdin.buffer if one.path == "-" else Path(one.path), given)
    return prepare(labels, one, speakers, tiers)
