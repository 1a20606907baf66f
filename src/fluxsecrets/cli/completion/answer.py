"""`fluxsecrets __complete SHELL NUMBER WORD...`: what the scripts of shells call.

A mistake here would print into the user's prompt. So whatever goes wrong, nothing is printed.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence

from .engine import complete, load_table
from .suggestions import Suggestion, Suggestions

_LONGEST = 2.0
"""Seconds after which there is no answer: the user has typed on."""

_SPECIAL = re.compile(r"[^\w./:@%+=,-]", re.ASCII)
"""What bash may take for more than itself, outside of quotes."""

_SPECIAL_IN_QUOTES = {"'": frozenset("'"), '"': frozenset('"$`\\!')}
"""What ends a quotation that the user began, or is expanded in it."""


def answer(arguments: Sequence[str]) -> int:
    """Print what may complete the word at the cursor.

    Each line is a kind, a word and its help, with tabs between them.

    Args:
        arguments: the shell, the number of the word, from 0 for the program, and the words after that.

    Returns:
        The exit code, always 0.
    """
    try:
        shell, number, *words = arguments
        before, current, quote = _split(shell, words, int(number))
        found = complete(load_table(), before, current)
        text = "".join(f"{line}\n" for line in _lines(shell, found, current, quote))
        sys.stdout.write(text)
        sys.stdout.flush()
    except Exception:  # noqa: BLE001, S110 - a shell shows whatever is printed in the middle of the user's line
        pass
    return 0


def end_in_time() -> None:
    """End the process without an answer if it takes too long."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.setitimer(signal.ITIMER_REAL, _LONGEST)


def _split(shell: str, words: Sequence[str], number: int) -> tuple[list[str], str, str]:
    """Return the whole words before the cursor, the one at it, and the quote that the user began it with."""
    whole = list(words[: max(0, number - 1)])
    current = words[number - 1] if 0 < number <= len(words) else ""
    quote = current[:1] if current[:1] in _SPECIAL_IN_QUOTES else ""
    if shell == "bash":
        whole, current = _joined(whole, current)
    return [_unquoted(word) for word in whole], _unquoted(current), quote


def _joined(words: Sequence[str], current: str) -> tuple[list[str], str]:
    """Undo how bash splits `--env=staging` into three words."""
    made: list[str] = []
    for word in (*words, current):
        if made and (word == "=" or made[-1].endswith("=")) and made[-1].startswith("--"):
            made[-1] += word
        else:
            made.append(word)
    return made[:-1], made[-1]


def _unquoted(word: str) -> str:
    """Return what a word means that the user began to quote."""
    if word[:1] in {"'", '"'}:
        return word[1:].removesuffix(word[0])
    return re.sub(r"\\(.)", r"\1", word)


def _lines(shell: str, found: Suggestions, current: str, quote: str) -> Iterator[str]:
    if found.files:
        yield "files\t_"
    for each in found.found:
        value = _for_shell(shell, each, current, quote)
        if value is not None and value.isprintable():
            help_ = "".join(char if char.isprintable() else " " for char in each.help)
            yield f"{each.kind}\t{value}\t{help_}"


def _for_shell(shell: str, each: Suggestion, current: str, quote: str) -> str | None:
    """Return what the shell gets, or None for a value that it must not get.

    A repository chooses names, and zsh and fish quote what they insert. Bash does so for paths only: of other
    values, it would run a `$(...)` in them.
    """
    value = each.value
    if shell != "bash":
        return value
    if current.startswith("--") and "=" in current:
        value = value.partition("=")[2]  # bash replaces only what is behind the last `=`, a word of its own
    if each.kind in {"file", "folder"}:
        return value
    if quote:
        return None if _SPECIAL_IN_QUOTES[quote].intersection(value) else value
    return _SPECIAL.sub(lambda found: f"\\{found[0]}" if found[0].isascii() else found[0], value)
