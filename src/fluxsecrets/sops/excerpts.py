"""The line of a configuration that an error is about, shown below its message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fluxsecrets.errors import ConfigError, FluxsecretsError, LimitError

_LONGEST = 100
"""Characters of a line that are shown."""

_LOOKED_AT = 5_000
"""Characters to each side of a mistake in which secrets are looked for."""

# Compiled with the first mistake: every configuration is read under `quoting`.
_LIKE_A_KEY = r"(?i)age[\W_]*secret[\W_]*key|age[\W_]*plugin.?[^\s:]*-1|private[\W_]*key"
"""What looks like a private key, damaged or on several lines, too: more than `marks` takes for one."""

_COMMENT = r"(?:^|\s)#"

_CREDENTIALS = r"(?<=://)\S+(?=@)"
"""A user name and password in an address."""

_NAMED = (
    r"(?i)(?:password|passwd|passphrase|pwd|token|secret|secret.?access.?key|api.?key)"
    r"[\"']?\s{0,9}[:=]\s{0,9}(?P<value>(?=.*\w)\S.*)"
)
"""The value of a key whose name says that it is secret."""

_OPAQUE = r"(?a)(?<![\w+/=-])(?!AAAA)(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*\d)[\w+/=-]{20,}"
"""Capital letters and digits without blanks, as in tokens and base64; SSH's public keys start with `AAAA`."""

_FINGERPRINT = r"[0-9A-F]{40}"


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
    if error.line is None or error.line > len(lines) or re.search(_LIKE_A_KEY, text):
        return
    column = error.column or 1
    cut = max(0, column - _LOOKED_AT)
    line = _masked(lines[error.line - 1][cut : column + _LOOKED_AT], column - cut)
    shown = _around(line.rstrip(), column - cut).strip()
    if shown:
        yield f"{error.line} | {shown}"


def _masked(line: str, column: int) -> str:
    """Return a line without what may be a secret and can't be the mistake; columns stay as they are."""
    comment = re.compile(_COMMENT).search(line, column)
    line = line if comment is None else line[: comment.start()]
    line = re.sub(_CREDENTIALS, lambda found: _dots(found[0]), line)
    line = re.sub(_OPAQUE, _dots_unless_fingerprint, line)
    return re.sub(_NAMED, lambda found: found[0].removesuffix(found["value"]) + _dots(found["value"]), line)


def _dots_unless_fingerprint(found: re.Match[str]) -> str:
    return found[0] if re.fullmatch(_FINGERPRINT, found[0]) else _dots(found[0])


def _dots(text: str) -> str:
    return "…" * len(text)


def _around(line: str, column: int) -> str:
    """The part of a long line that a column is in."""
    start = max(0, min(column - 1 - _LONGEST // 2, len(line) - _LONGEST))
    part = line[start : start + _LONGEST]
    return f"{'…' if start else ''}{part}{'…' if start + _LONGEST < len(line) else ''}"
