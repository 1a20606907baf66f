"""Command lines in messages. Users paste them, so a file name must be one word and never an option."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

# Compiled where there is something to say: every command imports this module.
_COMMAND = r"`[^`]* FILE(?=[ `])[^`]*`"
_FILE = r" FILE(?=[ `])"

MOST_PATHS = 10
"""Paths in a command line that is shown."""


def file_word(path: str) -> str:
    """Return a file name as a word of a command line: quoted for the shell, and never parsed as an option."""
    return _quoted(f"./{path}" if path.startswith("-") else path)


def command_for(command: str, paths: Iterable[str] = (), environment: str | None = None) -> str:
    """Return a command line of fluxsecrets that works when pasted.

    Args:
        command: such as `encrypt`.
        paths: files or folders.
        environment: the name after `--env`, or None.
    """
    where = [] if environment is None else ["--env", _quoted(environment)]
    return " ".join(("fluxsecrets", command, *where, *map(file_word, paths)))


def command_again(command: str, paths: Collection[str], environment: str | None = None) -> str:
    """Return in backticks a command line for what the user named; more paths than can be read are left out.

    In a repository the commands that take many work without them, too: on all of it.
    """
    if len(paths) > MOST_PATHS:
        return f"`{command_for(command)}` with the same paths"
    return f"`{command_for(command, paths, environment)}`"


def with_file(hint: str, path: str | None) -> str:
    """Return a hint with the file's name in place of `FILE`, so that its commands work when pasted.

    Args:
        hint: with commands in backticks. Files other than the one in the message have other placeholders,
            such as KEYFILE.
        path: the file in the message; None or standard input leaves FILE unchanged.
    """
    if path is None or path == "standard input":
        return hint
    word = file_word(path)
    return re.sub(_COMMAND, lambda match: re.sub(_FILE, lambda _: f" {word}", match[0]), hint)


def with_words(hint: str, words: Mapping[str, str]) -> str:
    """Return a hint with words in place of the placeholders in its commands, such as KEY."""
    if not words:
        return hint
    names = re.compile(rf"\b(?:{'|'.join(words)})\b")
    return re.sub(r"`[^`]*`", lambda part: names.sub(lambda match: words[match[0]], part[0]), hint)


def word(text: str) -> str:
    """Return a text as one word of a command line."""
    return _quoted(text)


def _quoted(word: str) -> str:
    if "`" in word or " FILE" in word or not word.isprintable():
        # `with_file` may still come by, and must not take a part of a name for its placeholder
        return f"$'{''.join(map(_escaped, word))}'".replace(" FILE", r"\x20FILE")
    from shlex import quote  # start-up time: a commit hook that finds nothing quotes nothing

    return quote(word)


def _escaped(character: str) -> str:
    """Return a character inside of `$'…'`, where bash and zsh read escapes.

    What is not printable has to be escaped here: messages escape it for the terminal, and inside of `'…'` a
    shell would take those escapes for themselves. A backtick would end the command in its message.
    """
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable() and character != "`":
        return character
    is_byte = "\udc80" <= character <= "\udcff"  # of a name that is not UTF-8
    data = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in data)
