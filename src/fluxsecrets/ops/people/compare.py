"""Compare values without keeping them: each is known by keyed hashes, whose key is discarded after the run.

A value that somebody knows may be in use at another place, under another key, in base64, or inside a longer
value such as a connection URL. Two sides meet here: `marked` says by what a value can be found again, and
`search` finds the values of an `Index` in a text.

How hard a value is searched for depends on what it is:

- Booleans, empty values and values of fewer than four characters are compared at their own place only. They
  are the same everywhere, and none of them is a secret.
- Values of four or more characters count where a secret is exactly that value.
- Values of six or more characters count inside the longer value of a secret, too.
- Values of eight or more characters that aren't one plain word count in any text.

Inside a longer text, a value must begin and end where a word does.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from fluxsecrets.scan.values import looks_random
from fluxsecrets.sops.values import Value, canonical_bytes

_WORD = re.compile(r"[A-Za-z0-9]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{2,}={0,2}")
_EMBEDDED = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{12,}={0,2}(?![A-Za-z0-9+/=])")
_PIECE = re.compile(r"[^\s\"'`:/@=,;&?#<>(){}\[\]|]+")
_CLASSES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile("[^A-Za-z0-9]"))
_SHORTEST = 4
_INSIDE = 6
_DISTINCT = 8
_WORDS = frozenset({"true", "false", "null", "none"})
_MOST_PIECES = 500
"""Pieces of one long value that are searched for on their own."""


class Rank(IntEnum):
    """Where a value counts; each rank includes those below it."""

    HERE = 0
    SECRET = 1
    INSIDE = 2
    ANYWHERE = 3


class Form(NamedTuple):
    """One way in which a value may be written.

    Attributes:
        mark: of the whole.
        word: the mark of its first word, which starts a search; empty if it has none.
        offset: of this word, in characters.
        length: in characters.
    """

    mark: bytes
    word: bytes
    offset: int
    length: int
    rank: Rank


class Marked(NamedTuple):
    """A value, known by its marks.

    Attributes:
        own: its mark at its own place.
        forms: how it may be written elsewhere; none if it is compared at its own place only.
        pieces: marks of random parts, such as the password of a URL; a secret may be exactly that part.
    """

    own: bytes
    forms: tuple[Form, ...] = ()
    pieces: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """Makes marks, with a random key."""

    key: bytes = field(repr=False)

    def mark(self, kind: str, data: bytes) -> bytes:
        """Return the mark of some bytes; marks of different kinds differ."""
        return hmac.digest(self.key, kind.encode() + b"\0" + data, "sha256")

    def marked(self, value: Value) -> Marked:
        """Return the marks of a value. Numbers and texts that look the same are the same."""
        data = canonical_bytes(value).strip()
        own = self._text(data)
        if isinstance(value, bool):
            return Marked(own)
        forms = [self._form(each) for each in _readings(data)]
        # What is trivial is so in base64, too.
        known = tuple(form for form in forms if form is not None)
        return Marked(own, known, self._pieces(data)) if len(known) == len(forms) else Marked(own)

    def _text(self, data: bytes) -> bytes:
        return self.mark("text", data)

    def _form(self, data: bytes) -> Form | None:
        text = _text_of(data)
        if text is None:
            long = len(data) >= _DISTINCT
            return Form(self._text(data), b"", 0, len(data), Rank.SECRET) if long else None
        rank = _rank(text)
        if rank is Rank.HERE:
            return None
        first = _WORD.search(text)
        word = self.mark("word", first[0].encode()) if first is not None else b""
        return Form(self._text(data), word, first.start() if first else 0, len(text), rank)

    def _pieces(self, data: bytes) -> tuple[bytes, ...]:
        found: dict[str, None] = {}
        for reading in _readings(data):
            for text in _written(_text_of(reading) or ""):
                for match in _PIECE.finditer(text):
                    if len(found) >= _MOST_PIECES:
                        break
                    if match[0] != text and looks_random(match[0]):
                        found[match[0]] = None
        return tuple(self._text(each.encode()) for each in found)


class Index:
    """The values to search for."""

    def __init__(self, marker: Marker, values: Iterable[Marked]) -> None:
        self._marker = marker
        self._ranks: dict[bytes, Rank] = {}
        self._words: dict[bytes, set[tuple[int, int]]] = {}
        self._pieces: set[bytes] = set()
        for value in values:
            self._pieces.update(value.pieces)
            for form in value.forms:
                self._ranks[form.mark] = form.rank
                if form.word and form.rank >= Rank.INSIDE:
                    self._words.setdefault(form.word, set()).add((form.offset, form.length))
        self._known: dict[str, Iterable[tuple[int, int]]] = {}

    def __bool__(self) -> bool:
        return bool(self._ranks)

    def in_secret(self, value: Value) -> frozenset[bytes]:
        """Return the marks of the values that a secret value is, or contains."""
        data = canonical_bytes(value).strip()
        found = set()
        for reading in _readings(data):
            mark = self._marker.mark("text", reading)
            if mark in self._ranks or mark in self._pieces:
                found.add(mark)
            text = _text_of(reading)
            if text is not None:
                found |= self.in_text(text, Rank.INSIDE)
        return frozenset(found)

    def in_text(self, text: str, rank: Rank = Rank.ANYWHERE) -> set[bytes]:
        """Return the marks of the values of a rank that a text contains."""
        return {mark for each in _written(text) for mark in self._scan(each, rank)}

    def may_be_in(self, text: str) -> bool:
        """Return whether one of the values may begin in a text; cheap, to skip most files as a whole."""
        return any(self._places(word) for each in _written(text) for word in set(_WORD.findall(each)))

    def _places(self, word: str) -> Iterable[tuple[int, int]]:
        places = self._known.get(word)
        if places is None:
            places = self._known[word] = self._words.get(self._marker.mark("word", word.encode()), ())
        return places

    def _scan(self, text: str, rank: Rank) -> Iterator[bytes]:
        for match in _WORD.finditer(text):
            for offset, length in self._places(match[0]):
                start = match.start() - offset
                end = start + length
                if start < 0 or end > len(text) or _cuts_a_word(text, end):
                    continue
                mark = self._marker.mark("text", text[start:end].encode("utf-8", "replace"))
                if self._ranks.get(mark, Rank.HERE) >= rank:
                    yield mark


def _cuts_a_word(text: str, end: int) -> bool:
    return end < len(text) and _WORD.fullmatch(text[end - 1 : end + 1]) is not None


def _rank(text: str) -> Rank:
    if len(text) < _SHORTEST or text.lower() in _WORDS:
        return Rank.HERE
    if len(text) >= _DISTINCT and sum(each.search(text) is not None for each in _CLASSES) > 1:
        return Rank.ANYWHERE
    return Rank.INSIDE if len(text) >= _INSIDE else Rank.SECRET


def _text_of(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _readings(data: bytes) -> Iterator[bytes]:
    """Return a value, and what it is in base64, as in `data` of a Secret."""
    yield data
    decoded = _decoded(b"".join(data.split()).decode("latin-1"))
    if decoded is not None:
        yield decoded


def _written(text: str) -> Iterator[str]:
    """Return a text, what it is without the escapes of a URL, and what it contains in base64."""
    yield text
    if "%" in text and (plain := unquote(text)) != text:
        yield plain
    for match in _EMBEDDED.finditer(text):
        decoded = _decoded(match[0])
        inner = _text_of(decoded) if decoded is not None else None
        if inner is not None:
            yield inner


@lru_cache(maxsize=1)
def _printable() -> re.Pattern[str]:
    return re.compile(r"[^\x00-\x08\x0e-\x1f\x7f]*")


def _decoded(text: str) -> bytes | None:
    """Return what base64 holds, or None if it isn't base64; a short word only counts if it is text."""
    if len(text) % 4 or not _BASE64.fullmatch(text):
        return None
    try:
        data = b64decode(text, validate=True).strip()
    except (binascii.Error, ValueError):
        return None
    plain = _text_of(data)
    if plain is not None and _printable().fullmatch(plain):
        return data
    return data if len(text) >= 2 * _DISTINCT else None
