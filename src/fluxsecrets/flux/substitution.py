"""`postBuild` substitution of what a Kustomization applies.

Follows `SubstituteVariables` of fluxcd/pkg's kustomize/kustomize_varsub.go; the engine is
`repo/substitute.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fluxsecrets.repo.manifests import Plain, Steps
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.substitute import Substitution, is_disabled, places, variables_in
from fluxsecrets.repo.substitute import substitute as replaced

from .alterations import alterations, is_secret
from .model import ObjectVerdict
from .unknown import is_unknown, unknown_kind
from .variables import Variables, shown

_KEEP = (
    "write `$${` for a `${` that is not for Flux, or give the object the annotation "
    "`kustomize.toolkit.fluxcd.io/substitute: disabled`"
)


@dataclass(frozen=True, slots=True)
class Substituted:
    """An object after substitution. Its data is not in the repr."""

    data: Plain = field(repr=False, compare=False)
    changed: bool = False
    outcomes: tuple[Outcome, ...] = ()


def substitute(item: Object, data: Plain, variables: Variables, *, strict: bool) -> Substituted:
    """Replace the variables in an object.

    Args:
        item: as it is built.
        data: the same after decryption.
        variables: of its Kustomization.
        strict: a variable that is not set is an error, as since kustomize-controller 1.9.
    """
    if not variables.active or variables.outcomes or is_disabled(data):
        return Substituted(data)
    found = replaced(data, variables.values)
    outcomes = tuple(_outcomes(item, data, variables, found, strict=strict))
    return Substituted(found.data, found.data != data, outcomes)


def unopened(data: Plain, variables: Variables) -> int:
    """In how many texts of an object it is not known whether there are variables that Flux would replace.

    `data` of a Secret is base64, in which there are none.
    """
    if not variables.active or is_disabled(data):
        return 0
    encoded = "data" if data.get("kind") == "Secret" else None
    return sum(
        is_unknown(value) and unknown_kind(value) == "str" and steps[:1] != (encoded,)
        for steps, value in places(data)
    )


def check_names(objects: tuple[ObjectVerdict, ...]) -> Iterator[Outcome]:
    """What stops Flux if substitution gives an object the name of another.

    Args:
        objects: all of a Kustomization, in their order.
    """
    names = Counter(each.item.key for each in objects)
    for each in objects:
        if not each.substituted or each.data is None:
            continue
        item = with_data(each.item, each.data)
        if item.key != each.item.key:
            names[each.item.key] -= 1
            names[item.key] += 1
            if names[item.key] > 1:
                reason = f"in Replace: id matched {names[item.key]} resources"
                hint = "two objects have the same name after substitution: rename one of them"
                yield Outcome(
                    Effect.FAILS, "same-name-after-substitution", reason, item.file, item.line, hint
                )


def _outcomes(
    item: Object, data: Plain, variables: Variables, found: Substitution, *, strict: bool
) -> Iterator[Outcome]:
    if found.unknown:
        yield Outcome(Effect.UNKNOWN, "substitution-limit", found.unknown, item.file, item.line)
        return
    late = [
        name
        for name in variables.late
        if strict and any(name in variables_in(text) for _, text in places(data) if isinstance(text, str))
    ]
    missing = (*found.missing, *sorted(late))
    if missing and strict:
        yield _unset(item, data, variables, missing[0], strict=True)
    if found.failure:
        steps = _failing(data, variables)
        line = item.line_at(steps) if steps is not None else item.line
        behaviour = "substitution-syntax" if "failed: " in found.failure else "substitution-result"
        yield Outcome(
            Effect.FAILS,
            behaviour,
            f"post build failed for '{shown(item)}': {found.failure}",
            item.file,
            line,
            _KEEP if behaviour == "substitution-syntax" else "quote the value where the variable is set",
        )
        return
    if missing and strict:
        return
    for name in missing:
        yield _unset(item, data, variables, name, strict=False)
    yield from alterations(item, data, found.data, variables)


def _unset(item: Object, data: Plain, variables: Variables, name: str, *, strict: bool) -> Outcome:
    """A variable without a value. Its name is not shown if it may be a part of a Secret's value."""
    steps = _using(data, name)
    line = item.line_at(steps or ())
    hidden = steps is not None and is_secret(item, data, steps)
    place = f" in {'.'.join(map(str, steps or ()))}" if hidden else ""
    if variables.incomplete:
        reason = f"a variable{place or f' {name}'} is set only if {variables.incomplete} has it"
        return Outcome(Effect.UNKNOWN, "variable-unset", reason, item.file, line)
    if not strict:
        reason = f"a variable{place or f' {name}'} is not set, and replaced by nothing"
        return Outcome(Effect.ALTERED, "variable-unset", reason, item.file, line, _KEEP)
    hint = f"set it in `postBuild`, give it a default, or {_KEEP}"
    if name in variables.late:
        hint = "this Kustomization applies its value itself, after this build: give the variable a default"
    quoted = place or f': "{name}"'
    reason = f"envsubst error: variable substitution failed: variable not set (strict mode){quoted}"
    return Outcome(
        Effect.FAILS,
        "variable-unset",
        f"post build failed for '{shown(item)}': {reason}",
        item.file,
        line,
        hint,
    )


def _using(data: Plain, name: str) -> Steps | None:
    """The first place that uses a variable."""
    for steps, text in places(data):
        if isinstance(text, str) and name in variables_in(text):
            return steps
    return None


def _failing(data: Plain, variables: Variables) -> Steps | None:
    """The first place at which Flux would stop by itself."""
    for steps, text in places(data):
        if isinstance(text, str) and replaced({"value": text}, variables.values).failure:
            return steps
    return None
