"""What is wrong with a command line, and what was probably meant. Imported only when one is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import click

from fluxsecrets.errors import UsageError
from fluxsecrets.marks import without_private_keys

from .words import explain_word, find_word

_PROGRAM = "fluxsecrets"


def no_such_command(name: str, context: click.Context, commands: Iterable[str]) -> UsageError:
    """Return the error for a subcommand that does not exist.

    Args:
        name: what the user wrote.
        context: the group's.
        commands: the group's commands.
    """
    path = context.command_path
    word = find_word(_below(path), name)
    near = get_close_matches(name, commands, n=1)
    if word is not None:
        hint = explain_word(name, word)
    elif near:
        hint = f"did you mean `{path} {near[0]}`?"
    else:
        hint = f"see `{path} --help`"
    return UsageError(f"there is no command {_shown(name, path)!a}", hint=hint)


def usage_error(error: click.ClickException) -> UsageError:
    """Return click's error, worded as all of ours are."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context is not None else _PROGRAM
    if isinstance(error, click.NoSuchOption):
        return _no_such_option(error, path)
    # click lists choices on lines of their own
    message = without_private_keys(error.format_message().rstrip(".").replace("\n\t", " "))
    return UsageError(message[:1].lower() + message[1:], hint=f"see `{path} --help`")


def _no_such_option(error: click.NoSuchOption, path: str) -> UsageError:
    hint = f"see `{path} --help`"
    word = find_word(_below(path), error.option_name)
    if word is not None:
        hint = explain_word(error.option_name, word)
    elif error.possibilities:
        hint = f"did you mean {error.possibilities[0]}? {hint}"
    return UsageError(f"no such option {error.option_name!a}", hint=hint)


def _below(path: str) -> str:
    """A command's path without the program."""
    return path.partition(_PROGRAM)[2].strip()  # it may begin with `python -m`


def _shown(name: str, path: str) -> str:
    below = _below(path)
    return f"{below} {name}" if below else name
