"""Questions that sops asks on standard output, where it reads the answer from standard input."""

from __future__ import annotations

import sys

from fluxsecrets.cli.dropin.codes import GENERIC, usage_error


def agreed(question: str) -> bool:
    """Ask until the answer is `y` or `n`, and return whether it is `y`.

    Raises:
        UsageError: standard input ended without an answer.
    """
    while True:
        sys.stdout.write(question)
        sys.stdout.flush()
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            raise usage_error("nobody answered", GENERIC, "add --yes")
        if line.strip() in ("y", "n"):
            return line.strip() == "y"
