"""Contents of stores as text in JSON, read as the operator reads them: with gjson, on the text itself.

Providers differ in what they try first for a property with dots; each names its order (`Lookup`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from fluxsecrets.errors import FormatError, StoreError

Lookup = Callable[[str, str], str | None]
"""Takes a text in JSON and a property; returns the raw JSON of the value, or None."""

_SPACE = re.compile(r"[ \t\r\n]*")
_DIGITS = re.compile(r"-?[0-9]+")
_MODIFIERS = "*?|#@!{["


@dataclass(frozen=True, slots=True)
class JsonText:
    """A content whose properties are the members of a JSON object.

    Attributes:
        text: the whole content; not in the repr.
        lookup: how the provider finds a property.
    """

    text: str = field(repr=False)
    lookup: Lookup

    def whole(self) -> bytes:
        """Return the content for a reference without a property."""
        return self.text.encode("utf-8", "surrogateescape")

    def part(self, name: str) -> bytes | None:
        """Return the value of a property, or None.

        Raises:
            FormatError: only the operator can find it.
        """
        raw = self.lookup(self.text, name)
        return None if raw is None else shown(raw)

    def members(self) -> Mapping[str, bytes] | None:
        """Return all properties, or None if the content is not a map. As in Go, the last of a name wins."""
        found = raw_members(self.text)
        return None if found is None else {name: _member(raw) for name, raw in found}

    def joined(self, values: Mapping[str, str]) -> str:
        """Return the text with values set. Other members keep their spelling."""
        kept = {name: raw for name, raw in raw_members(self.text) or () if name not in values}
        new = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
        found = raw_members(self.text) or []
        order = dict.fromkeys((*(name for name, _ in found), *values))
        pairs = (f"{json.dumps(name, ensure_ascii=False)}:{(kept | new)[name]}" for name in order)
        return "{" + ",".join(pairs) + "}"


def check_readable(
    content: JsonText, values: Mapping[str, str], names: Mapping[str, str], place: str
) -> None:
    """Check that the operator would read what is to be written.

    Args:
        content: as it would be written.
        values: texts by their names in it.
        names: by name, the property in the ExternalSecret.
        place: for messages.

    Raises:
        StoreError: it would read something else.
    """
    for name, value in values.items():
        if content.part(names.get(name, name)) != value.encode("utf-8"):
            raise StoreError(
                f"the operator would not find {name!a} there: other properties are in its way",
                path=place,
                hint="choose another --key-template",
            )


# --- gjson ----------------------------------------------------------------------------------------------


def exact(text: str, name: str) -> str | None:
    """Return the first member of that name."""
    return next((raw for known, raw in raw_members(text) or () if known == name), None)


def gjson(text: str, path: str) -> str | None:
    r"""Return what gjson's `Get` returns for a path: names with dots between them, `\` before a literal one.

    Raises:
        FormatError: the path has wildcards, queries or modifiers.
    """
    raw: str | None = text
    for name in _steps(path):
        if raw is None:
            return None
        if name.isascii() and name.isdigit() and raw[:1] == "[":
            items = _raw_items(raw)
            raw = items[int(name)] if items is not None and int(name) < len(items) else None
        else:
            raw = exact(raw, name)
    return raw


def dots_then_path(text: str, name: str) -> str | None:
    """Look for a property as in `escapeDotsIfRequired` of the provider for AWS."""
    found = gjson(text, escaped(name)) if "." in name else None
    return gjson(text, name) if found is None else found


def path_then_dots(text: str, name: str) -> str | None:
    """Look for a property as in `getProperty` of the provider for Azure."""
    found = gjson(text, name)
    return gjson(text, escaped(name)) if found is None and "." in name else found


def inner_dots_then_path(text: str, name: str) -> str | None:
    """Look for a property as in `getDataByProperty` of the provider for GCP: a first dot separates."""
    found = gjson(text, escaped(name)) if name.find(".") > 0 else None
    return gjson(text, name) if found is None else found


def exact_then_path(text: str, name: str) -> str | None:
    """Look for a property as in `getSecretValue` of the provider for Vault."""
    found = exact(text, name)
    return gjson(text, name) if found is None else found


def escaped(name: str) -> str:
    """Return a name whose dots are part of it."""
    return name.replace(".", "\\.")


def _steps(path: str) -> Iterator[str]:
    step, literal = "", False
    for letter in path:
        if literal or letter not in "\\.":
            if not literal and letter in _MODIFIERS:
                raise FormatError(
                    f"only the operator can read the property {path!a}",
                    hint="get the Secret from the cluster",
                )
            step, literal = step + letter, False
        elif letter == "\\":
            literal = True
        else:
            yield step
            step = ""
    yield step


# --- the text of JSON -----------------------------------------------------------------------------------


def shown(raw: str) -> bytes:
    """Return a value as gjson's `String` does: numbers without an exponent, objects and lists as they are."""
    if raw[:1] == '"':
        return _text(raw)
    if raw == "null":
        return b""
    if raw[:1] in "-0123456789" and not _DIGITS.fullmatch(raw):
        number = format(Decimal(repr(float(raw))), "f")
        return (number.rstrip("0").rstrip(".") if "." in number else number).encode()
    return raw.encode("utf-8", "surrogateescape")


def _member(raw: str) -> bytes:
    """Return a member's value for `extract`: texts are decoded, all else stays as it is spelled."""
    if raw[:1] == '"':
        return _text(raw)
    return b"" if raw == "null" else raw.encode("utf-8", "surrogateescape")


def _text(raw: str) -> bytes:
    # Go replaces half of a surrogate pair by U+FFFD.
    text = json.loads(raw).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return str(text).encode("utf-8")


def raw_members(text: str) -> list[tuple[str, str]] | None:
    """Return names and raw values of a JSON object in order, or None if the text is not one."""
    found = _parts(text, "{}")
    return None if found is None else [(json.loads(name), raw) for name, raw in found]


def _raw_items(text: str) -> list[str] | None:
    found = _parts(text, "[]")
    return None if found is None else [raw for _, raw in found]


def _parts(text: str, ends: str) -> list[tuple[str, str]] | None:
    """Split an object or a list into the raw texts of its parts; None if the text is not valid."""
    try:
        return list(_split(text, ends))
    except (ValueError, IndexError, RecursionError):
        return None


def _split(text: str, ends: str) -> Iterator[tuple[str, str]]:
    at = _after(text, 0, ends[0])
    more = text[at] != ends[1]
    while more:
        name = ""
        if ends == "{}":
            name, at = _value(text, at)
            if name[0] != '"':
                raise ValueError(name[0])
            at = _after(text, at, ":")
        raw, at = _value(text, at)
        yield name, raw
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        more = text[at] == ","
        at = _after(text, at, ",") if more else at
    if _after(text, at, ends[1]) != len(text):
        raise ValueError


def _after(text: str, at: int, mark: str) -> int:
    """Return the position after a mark and the space around it."""
    start = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    if text[start] != mark:
        raise ValueError(mark)
    return _SPACE.match(text, start + 1).end()  # type: ignore[union-attr]


def _value(text: str, at: int) -> tuple[str, int]:
    _, end = _DECODER.raw_decode(text, at)
    return text[at:end], end


def _no_constant(name: str) -> Sequence[object]:
    raise ValueError(name)  # NaN and Infinity are not JSON


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
