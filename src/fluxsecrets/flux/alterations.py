"""What substitution makes of an object beside what its author meant.

Substitution works on the text of the whole object. A value that is put there may change what the text around
it is: a text becomes a number or a map, or ends at a `#`. Only what really changes is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.repo.envsubst import calls, has_default, parse
from fluxsecrets.repo.manifests import Plain, Steps, dig_steps
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.substitute import places, substitute_text, variables_in
from fluxsecrets.sops.document import Leaf, Style, find

from .unknown import is_unknown
from .variables import Variables

_PAIR = re.compile(r"\$\$(?!\{)")
_ONE_VARIABLE = re.compile(r"\$\{[^{}]*\}")
_PAIR_SIGN = "\ue0a3"
_QUOTES = "\"'"
_KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    dict: "a map",
    list: "a list",
}


def alterations(item: Object, before: Plain, after: Plain, variables: Variables) -> Iterator[Outcome]:
    """What is applied, but is not what was written with the variables in their places.

    Args:
        item: as it is built.
        before: its data before substitution.
        after: its data after it.
        variables: of its Kustomization.
    """
    if before is after:
        return
    for steps, value in places(before):
        if isinstance(value, str) and "$" in value and not is_unknown(value):
            for behaviour, reason, hint in _of_text(item, before, after, variables, steps, value):
                shown = ".".join(map(str, steps))
                yield Outcome(
                    Effect.ALTERED, behaviour, f"{shown}: {reason}", item.file, item.line_at(steps), hint
                )
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = value_at(after, steps, variables)
            if isinstance(found, int | float) and found != value:
                reason = f"{'.'.join(map(str, steps))}: substitution rounds the number, as all above 2^53"
                yield Outcome(
                    Effect.ALTERED,
                    "number-rounded",
                    reason,
                    item.file,
                    item.line_at(steps),
                    "quote the number",
                )


def is_secret(item: Object, data: Plain, steps: Steps) -> bool:
    """Whether a text may not be shown: it is a Secret's, or it is encrypted in the file."""
    return item.is_secret or dig_steps(item.data, steps) != dig_steps(data, steps)


def value_at(after: Plain, steps: Steps, variables: Variables) -> Any:
    """What is at a place once the keys on the way have their variables replaced."""
    made = [substitute_text(step, variables.values) if isinstance(step, str) else step for step in steps]
    return dig_steps(after, tuple(step if step is not None else "" for step in made))


def _of_text(
    item: Object, before: Plain, after: Plain, variables: Variables, steps: Steps, text: str
) -> Iterator[tuple[str, str, str]]:
    expected = substitute_text(text, variables.values)
    if expected is None:
        yield "value-rewritten", "`${` here is closed by a `}` in another value", "write `$${`"
        return
    if _PAIR.search(text) is not None:
        kept = substitute_text(_PAIR.sub(_PAIR_SIGN, text), variables.values)
        if kept is not None and kept.replace(_PAIR_SIGN, "$$") != expected:
            yield (
                "dollar-pair",
                "`$$` becomes `$`",
                "write `$$$$`, or give the object the annotation "
                "`kustomize.toolkit.fluxcd.io/substitute: disabled`",
            )
    yield from _of_variables(text, variables)
    unset = any(name not in variables.values for name in variables_in(text))  # told by itself
    if dig_steps(before, steps) is text and not unset:  # not a key
        yield from _of_value(item, expected, value_at(after, steps, variables), steps, text)


def _of_variables(text: str, variables: Variables) -> Iterator[tuple[str, str, str]]:
    try:
        used = list(calls(parse(text)))
    except (FormatError, LimitError):
        return
    if any(call.variable in variables.folded for call in used):
        yield (
            "variable-newlines",
            "Flux removes the line breaks of a variable's value",
            "put the value into a Secret or ConfigMap of its own",
        )
    if text.startswith("#!") and any(
        has_default(call) and call.variable not in variables.values for call in used
    ):
        yield (
            "script-variable",
            "a variable of the script is replaced by its default",
            "write `$${` in scripts, or give the object the annotation "
            "`kustomize.toolkit.fluxcd.io/substitute: disabled`",
        )


def _of_value(
    item: Object, expected: str, found: Any, steps: Steps, text: str
) -> Iterator[tuple[str, str, str]]:
    if found == expected or is_unknown(found) or is_unknown(expected):
        return
    hint = "put the value in quotes within the quotes where the variable is set, as in `'\"1\"'`"
    if isinstance(found, str):
        if expected.strip()[:1] in _QUOTES and expected.strip():
            return  # quotes in a value are how one keeps it a text
        yield "value-rewritten", "with the variable's value, the text is read as another one", hint
        return
    if _ONE_VARIABLE.fullmatch(text) is not None and not _is_quoted(item, steps):
        return  # as it is written, any value may be meant
    kind = _KINDS.get(type(found), "another value")
    yield "value-retyped", f"with the variable's value, the text becomes {kind}", hint


def _is_quoted(item: Object, steps: Steps) -> bool:
    """Whether the file has the value in quotes; what patches or generators made is not known to be."""
    if item.manifest is None:
        return False
    leaf = find(item.manifest.node, steps)
    return isinstance(leaf, Leaf) and leaf.style is not Style.PLAIN
