"""The line of a configuration that an error is about, shown below its message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fluxsecrets.errors import ConfigError, FluxsecretsError, LimitError

_LONGEST = 100
"""Characters of a line that are shown."""

_PRIVATE_KEY = re.compile(r"age.?secret.?key|age.?plugin.?[^\s:]*-1|private.?key", re.IGNORECASE)
"""What looks like a private key, even if it is damaged: more than `marks` takes for one."""

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
"""A user name and password in an address."""


@contextmanager
def quoting(data: bytes) -> Iterator[None]:
    """Add the line to errors about a configuration, if they name one.

    Nothing of a file is shown that holds what looks like a private key: such a key may have several lines.
    """
    try:
        yield
    except (ConfigError, LimitError) as error:
        error.details = (*error.details, *_excerpt(error, data))
        raise


def _excerpt(error: FluxsecretsError, data: bytes) -> Iterator[str]:
    text = data.decode("utf-8-sig", "backslashreplace")
    lines = text.splitlines()
    if error.line is None or error.line > len(lines) or _PRIVATE_KEY.search(text):
        return
    line = _CREDENTIALS.sub(lambda found: "…" * len(found[0]), lines[error.line - 1])
    shown = _around(line.rstrip(), error.column or 1).strip()
    if shown:
        yield f"{error.line} | {shown}"


def _around(line: str, column: int) -> str:
    """The part of a long line that a column is in."""
    start = max(0, min(column - 1 - _LONGEST // 2, len(line) - _LONGEST))
    part = line[start : start + _LONGEST]
    return f"{'…' if start else ''}{part}{'…' if start + _LONGEST < len(line) else ''}"
