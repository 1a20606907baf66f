"""Command lines in messages: they are pasted, so a file's name is one word in them, and no option."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMMAND = re.compile(r"`[^`]* FILE(?=[ `])[^`]*`")
_FILE = re.compile(r" FILE(?=[ `])")


def file_word(path: str) -> str:
    """A file's name as a word of a command line: quoted for the shell, and never taken for an option."""
    return _quoted(f"./{path}" if path.startswith("-") else path)


def command_for(command: str, paths: Iterable[str] = (), environment: str | None = None) -> str:
    """A command line of fluxsecrets, to be pasted.

    Args:
        command: such as `encrypt`.
        paths: files or folders.
        environment: the name after `--env`, or None.
    """
    where = [] if environment is None else ["--env", _quoted(environment)]
    return " ".join(("fluxsecrets", command, *where, *map(file_word, paths)))


def with_file(hint: str, path: str | None) -> str:
    """A hint whose commands can be pasted as they are: `FILE` in them is the file.

    Args:
        hint: with commands in backticks. Another file than the one that the message is about has another
            placeholder, such as KEYFILE.
        path: the file that the message is about; None or standard input leaves FILE as it is.
    """
    if path is None or path == "standard input":
        return hint
    word = file_word(path)
    return _COMMAND.sub(lambda match: _FILE.sub(lambda _: f" {word}", match[0]), hint)


def _quoted(word: str) -> str:
    from shlex import quote  # a commit hook that finds nothing quotes nothing

    return quote(word)
