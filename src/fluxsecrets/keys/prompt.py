"""Asking for a passphrase at the terminal; a `host.PassphrasePrompt`."""

from __future__ import annotations

import getpass
import sys
import warnings
from pathlib import Path

from fluxsecrets.errors import LockedError


def ask_at_terminal(question: str) -> str:
    """Ask at the terminal itself, whatever standard input and output are; nothing is echoed.

    Raises:
        LockedError: there is no terminal, or the user gave up.
    """
    if not _has_terminal():
        raise LockedError(
            f"there is no terminal to ask for: {question}",
            hint="run it at a terminal, or name an identity that needs no passphrase",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(f"{question}: ")
        except (EOFError, OSError, getpass.GetPassWarning):
            pass
    raise LockedError(f"no answer was given to: {question}", hint="run the command again")


def _has_terminal() -> bool:
    if sys.platform == "win32":
        return sys.stdin is not None and sys.stdin.isatty()
    try:
        with Path("/dev/tty").open("rb"):
            return True
    except OSError:
        return False
