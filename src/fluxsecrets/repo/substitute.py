"""`postBuild` substitution: `${name}` in what is applied, where the values are known.

Follows fluxcd/pkg's envsubst for names and defaults. An expression that is more than that, and a name whose
value is not known, stay as they are; so do values that only a Secret has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .manifests import changed_texts
from .objects import Object, with_data

DISABLED = "kustomize.toolkit.fluxcd.io/substitute"
"""Annotation or label that, with the value `disabled`, keeps an object as it is."""

_START = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<operator>:?[-=]|\})")
_NESTED = 8


def variables_in(text: str) -> list[str]:
    """The names that substitution would replace in a text; those with a default of their own are left out."""
    return [match["name"] for match in _START.finditer(text) if match["name"] and match["operator"] == "}"]


def substitute_text(text: str, values: Mapping[str, str], depth: int = 0) -> str:
    """A text with the known variables replaced, in defaults too."""
    if "${" not in text or depth > _NESTED:
        return text
    pieces: list[str] = []
    position = 0
    while (match := _START.search(text, position)) is not None:
        pieces.append(text[position : match.start()])
        if match["name"] is None:
            pieces.append("${")  # `$${` is how one writes it for the next who substitutes
            position = match.end()
            continue
        end = match.end() if match["operator"] == "}" else _closing(text, match.end())
        if end is None:
            pieces.append(match[0])
            position = match.end()
            continue
        default = text[match.end() : end - 1] if match["operator"] != "}" else None
        value = _value(match["name"], match["operator"], default, values, depth)
        pieces.append(text[match.start() : end] if value is None else value)
        position = end
    return "".join((*pieces, text[position:]))


def substitute(item: Object, values: Mapping[str, str]) -> Object:
    """An object after substitution."""
    if "disabled" in (item.annotations.get(DISABLED), item.labels.get(DISABLED)):
        return item
    data = changed_texts(item.data, lambda text: substitute_text(text, values))
    return item if data is item.data else with_data(item, data)


def _value(
    name: str, operator: str, default: str | None, values: Mapping[str, str], depth: int
) -> str | None:
    value = values.get(name)
    if value or (value is not None and not operator.startswith(":")):
        return value
    return None if default is None else substitute_text(default, values, depth + 1)


def _closing(text: str, start: int) -> int | None:
    """The end of the expression whose default starts here."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if not depth:
            return index + 1
    return None
