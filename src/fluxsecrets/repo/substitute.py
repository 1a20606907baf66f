"""`postBuild` substitution: `${name}` in what is applied, as far as the values are known.

Follows fluxcd/pkg's envsubst for names and defaults. An expression that is more than that, and a name whose
value is not known, stay as they are; so do values that only a Secret has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .objects import Object, with_data
from .plain import changed_texts

DISABLED = "kustomize.toolkit.fluxcd.io/substitute"
"""Annotation or label that, with the value `disabled`, keeps an object as it is."""

_EXPRESSION = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-=])(?P<default>[^{}]*))?\}"
)


def has_variables(text: str) -> bool:
    """Whether a text holds an expression that substitution would replace."""
    return any(match["name"] for match in _EXPRESSION.finditer(text))


def variables_in(text: str) -> list[str]:
    """The names that substitution would replace in a text; those with a default of their own are left out."""
    return [match["name"] for match in _EXPRESSION.finditer(text) if match["name"] and not match["operator"]]


def substitute_text(text: str, values: Mapping[str, str]) -> str:
    """A text with the known variables replaced; defaults count only where there are any variables at all."""
    if "${" not in text:
        return text

    def replacement(match: re.Match[str]) -> str:
        name, operator = match["name"], match["operator"]
        if name is None:
            return "${"
        value = values.get(name)
        if value or (value is not None and operator not in (":-", ":=")):
            return value
        return match["default"] if operator else match[0]

    return _EXPRESSION.sub(replacement, text)


def substitute(item: Object, values: Mapping[str, str]) -> Object:
    """An object after substitution."""
    if "disabled" in (item.annotations.get(DISABLED), item.labels.get(DISABLED)):
        return item
    data = changed_texts(item.data, lambda text: substitute_text(text, values))
    return item if data is item.data else with_data(item, data)
