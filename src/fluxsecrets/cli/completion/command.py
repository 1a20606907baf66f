"""`fluxsecrets completion`."""

from __future__ import annotations

import click

from .scripts import SCRIPTS


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(*, shell: str) -> int:
    r"""Print a script with which a shell completes commands, options and values.

    Values are paths of fitting files, keys inside of a file, environments, rules and names of recipients.
    Nothing is decrypted for that, and no question is asked.

    \b
      bash   in ~/.bashrc: eval "$(fluxsecrets completion bash)"
      zsh    in ~/.zshrc, after compinit: eval "$(fluxsecrets completion zsh)"
      fish   into ~/.config/fish/completions/fluxsecrets.fish
    """
    click.echo(SCRIPTS[shell], nl=False)
    return 0
