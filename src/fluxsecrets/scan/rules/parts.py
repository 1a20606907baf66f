"""Pieces that patterns are made of."""

from __future__ import annotations

from collections.abc import Iterable

END = r"(?:[^0-9A-Za-z_-]|$)"
"""What follows a token in base64url: any other character, or nothing."""

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# `=`, `:`, `=>` and the like, with the quote that may close the name and that which opens the value; an
# entry of a Kubernetes `env:` list, where the value is on its own line; the same in JSON.
_BETWEEN = (
    r"""["'`]?[\])]?"""
    r"""(?:[ \t]{0,8}(?:=>|:=|[=:,])[ \t]{0,8}"""
    r"""|\r?\n[ \t]{1,40}value:[ \t]{1,8}|,\s{0,40}"value":[ \t]{0,8})"""
    r"""["'`]?"""
)
_CREDENTIAL = r"(?:key|token|secret|pass(?:w(?:or)?d|phrase)|pat|auth)"

_NAME = r"(?i:(?:\b|_)"
_TAIL = rf"[\w.-]{{0,24}}{_CREDENTIAL}[\w.-]{{0,12}}"
# The same without limits, which hyperscan would count.
_LINE = r"[ \t]*(?:=>|:=|[=:])[ \t]*"
_ITEM = r"""[ \t]*,\s*(?:"value":[ \t]*)?|\r?\n[ \t]+value:[ \t]+"""
_LOOSELY = rf"""["'`]?[\])]?(?:{_LINE}|{_ITEM})["'`]?"""
_VALUE = r"""[^\s"'`{}<>]{12}"""
"""How each value starts: none is shorter."""


def assigned(names: str, value: str) -> str:
    """A pattern for a value that only its name tells; the value is group 1.

    Args:
        names: alternatives of the provider's name, in lower case; a word for a credential must follow
            in the same name, as in `DD_API_KEY`.
        value: the value's alphabet and length, with upper and lower case told apart.
    """
    return named(f"(?:{names}){_TAIL}", value)


def named(name: str, value: str) -> str:
    """The same, where `name` is the whole of the name."""
    return rf"{_NAME}{name}{_BETWEEN})({value})(?:[^0-9A-Za-z_+/=-]|$)"


def name_of(pattern: str) -> str | None:
    """Return the name in a pattern that `named` or `assigned` made, or None for other patterns."""
    if not pattern.startswith(_NAME):
        return None
    name, between, _ = pattern.removeprefix(_NAME).partition(_BETWEEN)
    return name if between else None


def names_sign(patterns: Iterable[str]) -> str:
    """Return a cheap pattern that matches wherever one of these does, which `named` or `assigned` made."""
    providers: list[str] = []
    names: list[str] = []
    for pattern in patterns:
        name = name_of(pattern) or ""
        if name.endswith(_TAIL):
            providers.append(name.removesuffix(_TAIL))
        else:
            names.append(name)
    if providers:
        names.append(rf"(?:{'|'.join(providers)})[\w.-]*{_CREDENTIAL}[\w.-]*")
    return rf"{_NAME}(?:{'|'.join(names)}){_LOOSELY}){_VALUE}"


def alone(value: str) -> str:
    """Return a pattern for a value that no longer run contains; the value is group 1."""
    return rf"(?:^|[^0-9A-Za-z_/+-])({value})(?:[^0-9A-Za-z_/+=-]|$)"
