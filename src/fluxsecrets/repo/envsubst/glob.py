"""Patterns of `${name#pattern}`: those of Go's path.Match, in which `*` and `?` also match a slash.

Follows path/match.go of fluxcd/pkg's envsubst, byte by byte.
"""

from __future__ import annotations

from fluxsecrets.errors import FormatError

_MALFORMED = "syntax error in pattern"


def matches(pattern: bytes, name: bytes) -> bool:
    """Whether a pattern matches the whole of a text.

    Raises:
        FormatError: it is malformed, where matching gets that far.
    """
    while pattern:
        star, chunk, pattern = _chunk(pattern)
        if star and not chunk:
            return True
        rest = _match(chunk, name)
        if rest is not None and (not rest or pattern):
            name = rest
            continue
        if not star:
            return False
        for start in range(1, len(name) + 1):
            rest = _match(chunk, name[start:])
            if rest is not None and (pattern or not rest):
                name = rest
                break
        else:
            return False
    return not name


def _chunk(pattern: bytes) -> tuple[bool, bytes, bytes]:
    """Whether it starts with a star, what follows up to the next one, and the rest."""
    bare = pattern.lstrip(b"*")
    in_range = False
    index = 0
    while index < len(bare):
        character = bare[index : index + 1]
        if character == b"\\" and index + 1 < len(bare):
            index += 1
        elif character == b"[":
            in_range = True
        elif character == b"]":
            in_range = False
        elif character == b"*" and not in_range:
            break
        index += 1
    return len(bare) < len(pattern), bare[:index], bare[index:]


def _match(chunk: bytes, text: bytes) -> bytes | None:
    """What is left of the text after a chunk, or None."""
    while chunk:
        if not text:
            return None
        first = chunk[:1]
        if first == b"[":
            width = _width(text)
            inside, chunk = _in_class(chunk[1:], text[:width])
            text = text[width:]
            if not inside:
                return None
            continue
        if first == b"?":
            chunk, text = chunk[1:], text[_width(text) :]
            continue
        if first == b"\\":
            chunk = chunk[1:]
            if not chunk:
                raise FormatError(_MALFORMED)
        if chunk[0] != text[0]:
            return None
        chunk, text = chunk[1:], text[1:]
    return text


def _in_class(chunk: bytes, character: bytes) -> tuple[bool, bytes]:
    """Whether a character is in the class whose `[` was read, and what follows the class."""
    negated = chunk.startswith(b"^")
    if negated:
        chunk = chunk[1:]
    code = _code(character)
    found = False
    count = 0
    while not (chunk.startswith(b"]") and count):
        low, chunk = _member(chunk)
        high = low
        if chunk.startswith(b"-"):
            high, chunk = _member(chunk[1:])
        found = found or low <= code <= high
        count += 1
    return found is not negated, chunk[1:]


def _member(chunk: bytes) -> tuple[int, bytes]:
    if not chunk or chunk[:1] in (b"-", b"]"):
        raise FormatError(_MALFORMED)
    if chunk.startswith(b"\\"):
        chunk = chunk[1:]
        if not chunk:
            raise FormatError(_MALFORMED)
    width = _width(chunk)
    code = _code(chunk[:width])
    if (code == 0xFFFD and width == 1) or width == len(chunk):
        raise FormatError(_MALFORMED)
    return code, chunk[width:]


def _width(data: bytes) -> int:
    """Bytes of the first character; 1 for a byte that is none."""
    for width in range(1, 5):
        try:
            data[:width].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return width
    return 1


def _code(character: bytes) -> int:
    try:
        return ord(character.decode("utf-8"))
    except UnicodeDecodeError:
        return 0xFFFD
