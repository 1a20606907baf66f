"""Whether an object has the form of its kind's Go type.

Follows `FromUnstructured` of k8s.io/apimachinery (runtime/converter.go). Where a value does not fit, the
API server refuses the object. Where all fit, kustomize-controller writes the object anew from its type, so
that fields which the type lacks are gone before the API server could refuse them (`normalize.Unstructured`
of fluxcd/pkg/ssa).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.repo.manifests import Steps

from .kinds import AS_WRITTEN, COMPLETE, Shape, fields_of, shape_of
from .problem import NOUNS, QUOTE, Problem, Subject, field_name, go_kind, unfit

# kustomize and Flux read these in ways of their own: see `metadata`
_ELSEWHERE = frozenset({("metadata", "labels"), ("metadata", "annotations"), ("metadata", "managedFields")})
_SOPS: Steps = ("sops",)  # a block that nobody decrypts is another matter
_QUANTITY = r"(?=.)[-+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?"


def check_shape(subject: Subject) -> Iterator[Problem]:
    """Values of another type than the field's, and fields that the kind does not have."""
    shape = shape_of(subject.kind)
    if shape is None:
        yield from _check_kind(subject)
        return
    misfits = list(_misfits(subject.data, shape, ()))
    yield from misfits
    if not misfits:
        dropped = subject.kind not in AS_WRITTEN
        yield from (
            _stranger(steps, shape, dropped=dropped) for steps, shape in _strangers(subject.data, shape, ())
        )


def converts(data: dict[str, object]) -> bool:
    """Whether an object can be read as its type; those of unknown kinds are taken for good."""
    subject = Subject(data)
    shape = shape_of(subject.kind)
    return shape is None or next(_misfits(data, shape, ()), None) is None


def _check_kind(subject: Subject) -> Iterator[Problem]:
    version, kind = subject.kind
    if version in COMPLETE and kind:
        reason = f'no matches for kind "{kind}" in version "{version}"'
        yield Problem("kind-not-known", ("kind",), reason, "check kind and apiVersion")


def _misfits(value: object, shape: Shape, steps: Steps) -> Iterator[Problem]:
    if value is None or shape == "any" or steps in _ELSEWHERE:
        return
    if isinstance(shape, list):
        yield from _in_map(value, shape[1], steps) if shape[0] == "map" else _in_list(value, shape[1], steps)
    elif shape.startswith("."):
        yield from _in_struct(value, shape, steps)
    elif shape == "bytes" and isinstance(value, list):  # numbers become bytes, one by one
        yield from _in_list(value, "uint8", steps)
    else:
        kind = go_kind(value)
        reason = _unread(value, kind, shape)
        if reason is not None:
            yield _misfit(steps, reason, kind, shape)


def _unread(value: object, kind: str, shape: str) -> str | None:
    """Why a scalar's value is not one of the type."""
    if shape == "quantity":
        is_text = kind == "string" and not is_unknown(value)
        if kind in ("map", "slice", "bool") or (is_text and not re.fullmatch(_QUANTITY, str(value).strip())):
            return (
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            )
        return None
    if shape == "intOrString":
        taken = kind == "string" or (kind == "int64" and -(2**31) <= float(str(value)) < 2**31)
        return None if taken else "cannot unmarshal into Go value of type int32"
    if kind == "float64" and shape.startswith("int") and float(str(value)).is_integer():
        return None  # too large for an int64, and still read
    return unfit(kind, shape)


def _in_map(value: object, shape: Shape, steps: Steps) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _misfit(steps, f"cannot restore map from {go_kind(value)}", "", "map")
        return
    for key, inner in value.items():
        yield from _misfits(inner, shape, (*steps, key))


def _in_list(value: object, shape: Shape, steps: Steps) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _misfit(steps, f"cannot restore slice from {go_kind(value)}", "", "slice")
        return
    for index, inner in enumerate(value):
        yield from _misfits(inner, shape, (*steps, index))


def _in_struct(value: object, shape: str, steps: Steps) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _misfit(steps, f"cannot restore struct from: {go_kind(value)}", "", "struct")
        return
    fields = fields_of(shape)
    for key, inner in value.items():
        if key in fields:
            yield from _misfits(inner, fields[key], (*steps, key))


def _misfit(steps: Steps, reason: str, kind: str, shape: str) -> Problem:
    scalar = kind in ("int64", "float64", "bool")
    hint = QUOTE if scalar and shape == "string" else ""
    if kind == "string" and shape not in ("bytes", "quantity"):
        hint = "take out the quotes"
    if shape == "bytes":
        hint = "encode it with base64, or put it under stringData as a text"
    behaviour = "value-not-string" if shape in ("string", "bytes") else "value-of-wrong-type"
    found = NOUNS.get(kind, "") if behaviour == "value-not-string" else ""
    return Problem(behaviour, steps, f"{field_name(steps)}: {reason}", hint, found)


def _strangers(value: object, shape: Shape, steps: Steps) -> Iterator[tuple[Steps, str]]:
    """Fields that a struct does not have, with the struct."""
    if isinstance(shape, list):
        inner = shape[1]
        items: Iterator[tuple[str | int, object]] = iter(())
        if isinstance(value, dict):
            items = iter(value.items())
        elif isinstance(value, list):
            items = iter(enumerate(value))
        for key, each in items:
            yield from _strangers(each, inner, (*steps, key))
    elif shape.startswith(".") and isinstance(value, dict) and steps not in _ELSEWHERE:
        fields = fields_of(shape)
        for key, each in value.items():
            if key in fields:
                yield from _strangers(each, fields[key], (*steps, key))
            elif (*steps, key) != _SOPS:
                yield (*steps, key), shape


def _stranger(steps: Steps, struct: str, *, dropped: bool) -> Problem:
    key = str(steps[-1])
    near = next((name for name in fields_of(struct) if name.lower() == key.lower()), None)
    hint = f"write {near}" if near is not None else "take it out, or check its spelling and indentation"
    name = field_name(steps)
    reason = f'unknown field "{name}": Flux drops it' if dropped else f".{name}: field not declared in schema"
    return Problem("unknown-field" if dropped else "field-not-known", steps, reason, hint, dropped=dropped)
