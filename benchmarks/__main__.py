"""`python -m benchmarks NAME`: one of the measurements; `--help` lists them."""

from __future__ import annotations

import importlib

import click

COMMANDS = {"accuracy": "Beside other detectors, on labelled sets.", "speed": "Beside other detectors, one run."}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"benchmarks.{name}").main
        return command


@click.group(cls=_Commands)
def main() -> None:
    """Measurements beside other detectors, side by side in one run."""


if __name__ == "__main__":
    main()
