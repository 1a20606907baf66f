"""Regular expressions as Go reads them: RE2, searched for anywhere in the text.

Selectors and `path_regex` must mean here what they mean to sops and Flux, and no pattern may take more
than linear time. The `re2` module is imported with the first pattern, not with this module.
"""

from __future__ import annotations

import re
from typing import Protocol

MAX_PROGRAM_BYTES = 8 * 2**20
"""Memory one compiled pattern may use; larger ones are refused. RE2's own default, said explicitly."""

SYNTAX_HINT = (
    "the syntax is that of Go's regexp (RE2): no look-around such as (?=x), no back-references such as \\1"
)


class RegexError(ValueError):
    """A pattern is not one that Go takes; the text says why. Callers say where it stood."""


class _Compiled(Protocol):
    def search(self, text: bytes) -> object | None: ...


class _Words:
    """Stands for a pattern such as `^(data|stringData)$`, which needs no engine; nearly all are such."""

    __slots__ = ("_words",)

    def __init__(self, words: str) -> None:
        self._words = frozenset(words.encode().split(b"|"))

    def search(self, text: bytes) -> object | None:
        return text in self._words or None


class Regex:
    """A compiled pattern; `compile_regex` makes it."""

    __slots__ = ("_compiled", "pattern")

    def __init__(self, pattern: str, compiled: _Compiled) -> None:
        self.pattern = pattern
        self._compiled = compiled

    def __repr__(self) -> str:
        """As it was written."""
        return f"Regex({self.pattern!r})"

    def __eq__(self, other: object) -> bool:
        """Whether it was written the same."""
        return self.pattern == other.pattern if isinstance(other, Regex) else NotImplemented

    def __hash__(self) -> int:
        """Of what was written."""
        return hash(self.pattern)

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text.

        Bytes that are no UTF-8 (surrogates in `text`) count as U+FFFD each, as they do in Go.
        """
        return self._compiled.search(_encode(text)) is not None

    def __reduce__(self) -> tuple[object, ...]:
        """Compiled again in another process: RE2's objects cannot travel."""
        return (compile_regex, (self.pattern,))


def compile_regex(pattern: str) -> Regex:
    r"""Compile a pattern with Go's syntax.

    Known difference: Go 1.25 and later also know long names of Unicode classes, such as `\p{Letter}`
    for `\pL`; they are refused here.

    Raises:
        RegexError: not valid, or too large.
    """
    words = re.fullmatch(_WORDS, pattern)
    if words is not None:
        return Regex(pattern, _Words(words[1] or words[2]))
    import re2

    _refuse_what_only_re2_takes(pattern)
    options = re2.Options()
    options.log_errors = False  # RE2 would write to standard error by itself
    options.max_mem = MAX_PROGRAM_BYTES
    try:
        compiled = re2.compile(pattern.encode(), options)
    except UnicodeEncodeError:
        raise RegexError("invalid UTF-8") from None
    except re2.error as error:
        raise RegexError(_reason(error)) from None
    return Regex(pattern, compiled)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


_WORDS = r"\^(?:([A-Za-z0-9_-]+)|\(([A-Za-z0-9_-]+(?:\|[A-Za-z0-9_-]+)*)\))\$"
_ESCAPE_OR_GROUP = (
    r"(?s)\\Q.*?(?:\\E|\Z)"  # quoted text: nothing in it is an operator
    r"|\\(?P<escape>.)"
    r"|\(\?P?<(?P<group>[^>]*)>"
)


def _refuse_what_only_re2_takes(pattern: str) -> None:
    # RE2 matches one byte with \C and allows letters of any script in group names; Go allows neither.
    # sops would go on with a selector that matches nothing.
    for match in re.finditer(_ESCAPE_OR_GROUP, pattern):
        if match["escape"] == "C":
            raise RegexError("invalid escape sequence: \\C")
        if match["group"] is not None and not match["group"].isascii():
            raise RegexError(f"invalid named capture group: {match[0]}")
