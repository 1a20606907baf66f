"""What is said of a cluster: names of keys, and messages of controllers, made fit to be shown.

Controllers quote what they stumble over: an API server prints `Invalid value: "…"`, a parser its input. The
repository's own values are hidden wherever they are. Of what is in quotes, only names that the repository has
are kept. Some print a value without quotes, or a piece of the object that may begin inside of a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from fluxsecrets.flux.masking import MASK

from .situation import Situation

_LONGEST: Final = 300
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)(?:\"|$)|(?<!\w)'([^']*)(?:'|$)|`([^`]*)(?:`|$)")
"""What is in quotes: with quotes of its own, as Go escapes them, behind an apostrophe, and cut off."""

_REST = re.compile(
    r"(\{Value:"  # structured-merge-diff: `expected string, got &value.valueUnstructured{Value:1234}`
    r"|error found in #[0-9]+ byte of"  # json-iterator: ` ...|"password":"hun|..., bigger context ...|`
    r"|cannot unmarshal (?:number|string|bool)"  # encoding/json
    r"|invalid dotenv input line:"  # sops
    r"|key-value delimiter not found:"  # go-ini, in sops
    r"|invalid literal source"  # kustomize
    r"|invalid utf8 bytes ?:"  # kustomize
    r").*"
)
"""What is followed by a value without quotes, or by a piece of the object that may begin inside of one."""

_OTHER = re.compile(
    r"((?:Invalid|Unsupported|Duplicate) value:) (?:[^\s\"'`:{[(]{4,}(?=:|$)|(?![\"'`]|\S{1,3}(?::|$)).*)"
)
"""Numbers, lists and maps, which the API server prints without quotes; a number below 1000 tells nothing."""

_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{40,}")
"""Tokens and base64 outside of quotes; a name of Kubernetes is rarely as long."""


def listed(keys: Iterable[str]) -> str:
    """Return names of keys in a sentence."""
    return ", ".join(f"{key!a}" for key in keys)


def shown(situation: Situation, message: str) -> str:
    """Return a controller's message on one line, without what may be a value."""
    known = situation.names
    line = " ".join(situation.masker.text(message).split())
    line = _OTHER.sub(rf"\1 {MASK}", _REST.sub(rf"\1 {MASK}", line))
    line = _QUOTED.sub(lambda match: _kept(match, known), line)
    line = _LONG_WORD.sub(lambda match: match[0] if match[0] in known else MASK, line)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _kept(match: re.Match[str], known: frozenset[str]) -> str:
    quote, inner = match[0][0], next(group for group in match.groups() if group is not None)
    parts = inner.split("/")
    return match[0] if inner in known or all(part in known for part in parts) else f"{quote}{MASK}{quote}"
