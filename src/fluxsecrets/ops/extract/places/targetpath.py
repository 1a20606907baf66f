r"""Spell a value and its place so that helm-controller reads them back from `valuesFrom` with `targetPath`.

The controller hands `PATH=VALUE` to Helm's parser of `--set` (fluxcd/pkg: chartutil/values.go,
`ReplacePathValue`; helm: pkg/strvals/parser.go). There, `.` and `[` end a key, `,` ends a value, `\` takes
the next character as it is, a leading `{` starts a list, and texts such as `true` and `12` have a type unless
they are in quotes.
"""

from __future__ import annotations

import re
from typing import Final

from fluxsecrets.sops.document import Path
from fluxsecrets.sops.values import Value

_ALLOWED = re.compile(r"([a-zA-Z0-9_\-.\\/]|\[[0-9]{1,5}\])+")
"""What the API server takes; see `ValuesReference` in fluxcd/pkg: apis/meta/reference_types.go."""

_LONGEST: Final = 250
_MOST_LEVELS: Final = 30  # strvals.MaxNestedNameLevel
_TYPED = re.compile(r"true|false|null|[+-]?[0-9]+", re.IGNORECASE)
_SPECIAL = re.compile(r"[\\,]")


def target_path(path: Path) -> str | None:
    """Return a path below `spec.values` as a `targetPath`, or None if none can express it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        if not step or "[" in step or "]" in step:
            return None  # Helm ignores an empty key silently, and takes brackets for a position in a list
        escaped = step.replace("\\", "\\\\").replace(".", "\\.")
        text += f".{escaped}" if text else escaped
    levels = sum(isinstance(step, str) for step in path)
    fits = len(text) <= _LONGEST and levels <= _MOST_LEVELS and _ALLOWED.fullmatch(text)
    return text if fits and isinstance(path[0], str) else None


def target_value(value: Value) -> str | None:
    """Return what the Secret has to hold so that a value comes back with its type, or None if nothing does.

    Numbers are not among them: Helm would print 1000000 for a number that it prints as 1e+06 where it is
    inline.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return None
    if _TYPED.fullmatch(value):
        return f'"{value}"'
    escaped = _SPECIAL.sub(r"\\\g<0>", value)
    # Quotes around a value are stripped, however many, and a brace starts a list.
    return f"\\{escaped}" if value[:1] in ("'", '"', "{") else escaped
