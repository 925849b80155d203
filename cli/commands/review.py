"""`vad review`: see, hear and correct what is detected, in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from vad.formats import FORMATS

from ..command import command, option
from ..options import MODEL_HELP, ChannelOptions
from ..types import PATH


@dataclass(frozen=True)
class InputOptions(ChannelOptions):
    """The labels of the recordings, and the channels to look at."""

    labels: Path | None = option("--labels", type=PATH, metavar="FILE|DIR", help="Labels.  [default: beside AUDIO]")


@dataclass(frozen=True)
class ReviewOptions:
    """What is written, and where the page is."""

    output: Path | None = option("-o", "--output", type=PATH, metavar="DIR", help="Folder for all that is written.")
    format: str = option(
        "-f",
        "--format",
        type=click.Choice(list(FORMATS)),
        default="text",
        show_default=True,
        help="Format of the label files that follow every change.",
    )
    model: str | None = option("--model", metavar="MODEL", help=MODEL_HELP)
    cache: Path | None = option("--cache", type=PATH, metavar="DIR", help="Folder for pictures and scores.")
    port: int = option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen at.  [default: any]")
    host: str = option(
        "--host", default="127.0.0.1", show_default=True, help="Address to listen at; others let machines in."
    )
    no_open: bool = option("--no-open", is_flag=True, help="Print the address, and open no browser.")


@command(extra="review")
@click.argument("audio", nargs=-1, required=True)
def review(audio: tuple[str, ...], source: InputOptions, options: ReviewOptions) -> None:
    """Open a page to see, hear and correct what is detected in AUDIO, files or folders.

    Corrections are saved at once, in the folder AUDIO-review beside AUDIO or in --output; files
    that are there already stay as they are. The address that is printed holds a secret token:
    anybody who has it can hear the recordings. Ctrl-C ends the page. With --channel each, every
    channel of a recording is one of its own, for calls with a speaker per channel.

    Needs the [review] extra.
    """
    from vad.review.cache import Cache, default_folder
    from vad.review.project import Project
    from vad.review.server import LOCAL, serve

    first = Path(audio[0]).resolve()
    home = options.output or first.with_name(f"{first.name if first.is_dir() else first.stem}-review")
    cache = Cache(options.cache or default_folder())
    project = Project(
        list(audio),
        home,
        labels=source.labels,
        model=options.model,
        format=options.format,
        channel=source.channel,
        cache=cache,
    )
    for note in project.library.notes:
        click.echo(f"Warning: {note}", err=True)
    if options.host not in LOCAL:
        click.echo(f"Warning: --host {options.host} lets other machines ask; the token is the only lock", err=True)

    def ready(address: str) -> None:
        click.echo(address)
        if not options.no_open:
            click.launch(address)

    try:
        serve(project, options.host, options.port, ready)
    finally:
        project.close()
