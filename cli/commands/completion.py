"""`vad completion`: a script that lets a shell complete commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = {
    "bash": 'eval "$(vad completion bash)"  in ~/.bashrc',
    "zsh": 'eval "$(vad completion zsh)"   in ~/.zshrc',
    "fish": "vad completion fish | source   in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\n" + "\n".join(SHELLS.values()))
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Write the script that lets SHELL complete the commands and options of vad."""
    completion_class = get_completion_class(shell)
    assert completion_class
    click.echo(completion_class(context.find_root().command, {}, "vad", "_VAD_COMPLETE").source())
