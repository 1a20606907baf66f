"""The forms that a Secret's value may have inside of other texts: as it is, in base64, in JSON, in a URL."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

COMMON: Final = frozenset({"true", "false", "null", "none"})
"""Values that are in too many texts to tell anything."""

_SHORTEST_INSIDE = 6
"""Characters of a value that is hidden inside of other texts."""

_HEAD = 4
"""Characters by which forms are looked up: with thousands of values, few begin like a piece of a text."""

_LOOKED_UP = 65_536
"""Characters of the longest text whose pieces are looked up: those of some MiB take much memory."""

_WORD = re.compile(r"[A-Za-z]?[a-z]+(?:-[a-z]+)*")
_LONG_WORD = 20
_SHORTEST_IN_BASE64 = 9
"""Bytes of a value that is hidden inside of the base64 of other texts."""


class Forms:
    """The forms of values that are looked for inside of texts, the longest first.

    Not a regular expression: that of a value of some MiB takes GiB of memory.
    """

    def __init__(self, forms: Iterable[str]) -> None:
        """Take the forms, in any order."""
        self._forms = sorted(forms, key=lambda form: (-len(form), form))
        self._by_head: dict[str, list[str]] = {}
        for form in self._forms:
            self._by_head.setdefault(form[:_HEAD] if len(form) >= _HEAD else "", []).append(form)

    def _fitting(self, text: str) -> Iterable[str]:
        """Those that may be in a text."""
        if len(text) > _LOOKED_UP:
            start = bisect_left(self._forms, -len(text), key=lambda form: -len(form))
            return self._forms[start:] if start else self._forms
        pieces = {text[at : at + _HEAD] for at in range(len(text) - _HEAD + 1)}
        return (form for head in ("", *pieces) for form in self._by_head.get(head, ()))

    def search(self, text: str) -> bool:
        """Whether one of them is in a text."""
        return any(form in text for form in self._fitting(text))

    def sub(self, mask: str, text: str) -> str:
        """A text with all of them replaced; forms that overlap become one mask."""
        spans: list[tuple[int, int]] = []
        for form in self._fitting(text):
            start = text.find(form)
            while start >= 0:
                spans.append((start, start + len(form)))
                start = text.find(form, start + len(form))
        parts: list[str] = []
        done = 0
        for start, end in sorted(spans):
            if start >= done:
                parts += (text[done:start], mask)
            done = max(done, end)
        return "".join((*parts, text[done:]))


def value_forms(values: Iterable[str], lines: Iterable[str], *, words: bool) -> Forms | None:
    """The values in the forms in which they may be inside of other texts.

    Args:
        values: those of Secrets; short ones are left out.
        lines: of files that were read as another format, of any length.
        words: take plain words, too.
    """
    forms = {line for line in lines if line.strip()} | {
        form
        for value in values
        if len(value.strip()) >= _SHORTEST_INSIDE and value.lower() not in COMMON
        if words or len(value) >= _LONG_WORD or not _WORD.fullmatch(value)
        for form in _forms(value)
        if form
    }
    return Forms(forms) if forms else None


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.strip()
    yield value.replace("\n", "")  # as a variable has it
    yield from _in_base64(value.encode("utf-8", "surrogatepass"))
    yield from _in_base64(value.strip().encode("utf-8", "surrogatepass"))
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(value, safe="", errors="surrogatepass")


def _in_base64(data: bytes) -> Iterator[str]:
    """The base64 of bytes, alone and as a part of something longer, such as `user:password`."""
    yield b64encode(data).decode()
    for before in range(3 if len(data) >= _SHORTEST_IN_BASE64 else 0):
        start = -(-before * 8 // 6)  # what the bytes before have a part in
        end = (before + len(data)) * 8 // 6
        yield b64encode(bytes(before) + data + bytes(3))[start:end].decode()
