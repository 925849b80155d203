"""`python -m benchmarks NAME`: one of the measurements; `--help` lists them."""

from __future__ import annotations

import importlib

import click

NAMES = {
    "accuracy": "This detector and others on labelled sets.",
    "adapt": "What adapting gains where it is meant to, and costs elsewhere.",
    "cuts": "Make a set of excerpts that follow each other, as in sound that was cut.",
    "debian": "Make a larger corpus, with the sounds of Debian packages.",
    "joins": "Make sets of speech with noise, or digital silence, before and after it.",
    "latency": "What it costs to answer sooner.",
    "mixtures": "Make sets of held-out speakers in held-out noise.",
    "radio": "Sound unlike the training data, before and after adapting to it.",
    "review": "How soon the page in the browser shows a recording, and how smoothly it scrolls.",
    "sources": "Make sets of the sources that a recipe leaves out.",
    "speed": "This detector and others as whole processes, in turn.",
    "training": "Whether mixing keeps up with the trainer.",
}


class _Commands(click.Group):
    """Loads a measurement when it is asked for: some need packages that others do not."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NAMES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in NAMES:
            return None
        command: click.Command = importlib.import_module(f"benchmarks.{name}").main
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(NAMES.items()))


@click.group(cls=_Commands)
def main() -> None:
    """The measurements that the README quotes, each in one run."""


if __name__ == "__main__":
    main()
