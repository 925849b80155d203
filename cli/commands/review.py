"""`vad review`: see, hear and correct what is detected, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vad.formats import FORMATS

from .. import options as shared


@click.command()
@click.argument("audio", nargs=-1, required=True)
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE|DIR", help="Labels.  [default: beside AUDIO]")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder for all that is written.")
@click.option(
    "-f",
    "--format",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="Format of the label files that follow every change.",
)
@shared.model
@click.option("--cache", type=click.Path(path_type=Path), metavar="DIR", help="Folder for pictures and scores.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen at.  [default: any]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; others let machines in.")
@click.option("--no-open", is_flag=True, help="Print the address, and open no browser.")
@shared.needs("review")
def review(audio: tuple[str, ...], **options: Any) -> None:
    """Open a page to see, hear and correct what is detected in AUDIO, files or folders.

    Corrections are saved at once, in the folder AUDIO-review beside AUDIO or in --output; files
    that are there already stay as they are. The address that is printed holds a secret token:
    whoever has it can hear the recordings. Ctrl-C ends the page.

    Needs pip install 'vad-bilstm[review]'.
    """
    from vad.review.cache import Cache, default_folder
    from vad.review.serve import LOCAL, serve
    from vad.review.session import Session

    first = Path(audio[0]).resolve()
    home = options["output"] or first.with_name(f"{first.name if first.is_dir() else first.stem}-review")
    given = {name: options[name] for name in ("labels", "model", "format")}
    session = Session(list(audio), home, **given, cache=Cache(options["cache"] or default_folder()))
    for note in session.library.notes:
        click.echo(f"Warning: {note}", err=True)
    if options["host"] not in LOCAL:
        click.echo(f"Warning: --host {options['host']} lets other machines ask; the token is the only lock", err=True)

    def ready(address: str) -> None:
        click.echo(address)
        if not options["no_open"]:
            click.launch(address)

    try:
        serve(session, options["host"], options["port"], ready)
    finally:
        session.close()
