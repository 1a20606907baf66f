"""Whether an object has the form of its kind's Go type.

Follows `FromUnstructured` of k8s.io/apimachinery (runtime/converter.go). Where a value does not fit, the
API server refuses the object. Where all fit, kustomize-controller writes the object anew from its type, so
that fields which the type lacks are gone before the API server could refuse them (`normalize.Unstructured`
of fluxcd/pkg/ssa).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fluxsecrets.repo.manifests import Steps

from .problem import NOUNS, QUOTE, Problem, Subject, field_name, go_kind, unfit

Shape = str | tuple["Shape"] | list["Shape"] | Mapping[str, "Shape"]
"""A scalar's Go type, `bytes` or `any`; in a tuple, a map of these; in a list, a list of these; or a struct's
fields."""

_TEXTS: Shape = ("string",)
METADATA: Final[Shape] = {
    "name": "string",
    "generateName": "string",
    "namespace": "string",
    "selfLink": "string",
    "uid": "string",
    "resourceVersion": "string",
    "generation": "int64",
    "creationTimestamp": "any",
    "deletionTimestamp": "any",
    "deletionGracePeriodSeconds": "int64",
    "labels": "any",
    "annotations": "any",
    "ownerReferences": [
        {
            "apiVersion": "string",
            "kind": "string",
            "name": "string",
            "uid": "string",
            "controller": "bool",
            "blockOwnerDeletion": "bool",
        }
    ],
    "finalizers": ["string"],
    "managedFields": "any",
}
_ROOT: Mapping[str, Shape] = {"apiVersion": "string", "kind": "string", "metadata": METADATA}
SHAPES: Final[Mapping[tuple[str, str], Shape]] = {
    ("v1", "Secret"): {
        **_ROOT,
        "immutable": "bool",
        "data": ("bytes",),
        "stringData": _TEXTS,
        "type": "string",
    },
    ("v1", "ConfigMap"): {**_ROOT, "immutable": "bool", "data": _TEXTS, "binaryData": ("bytes",)},
}


def check_shape(subject: Subject) -> Iterator[Problem]:
    """Values of another type than the field's, and fields that the kind does not have."""
    shape = SHAPES.get(subject.kind)
    if shape is None:
        return
    misfits = list(_misfits(subject.data, shape, ()))
    yield from misfits
    if not misfits:
        yield from _strangers(subject.data, shape, ())


def _misfits(value: object, shape: Shape, steps: Steps) -> Iterator[Problem]:
    if value is None or shape == "any":
        return
    if isinstance(shape, str):
        if shape == "bytes" and isinstance(value, list):  # numbers become bytes, one by one
            yield from _in_list(value, "uint8", steps)
            return
        kind = go_kind(value)
        reason = unfit(kind, shape)
        if reason is not None:
            yield _misfit(steps, reason, kind, shape)
    elif isinstance(shape, list):
        yield from _in_list(value, shape[0], steps)
    elif not isinstance(value, dict):
        what = "map" if isinstance(shape, tuple) else "struct"
        colon = ":" if what == "struct" else ""
        yield _misfit(steps, f"cannot restore {what} from{colon} {go_kind(value)}", "", what)
    else:
        for key, inner in value.items():
            of_key = shape[0] if isinstance(shape, tuple) else shape.get(key)
            if of_key is not None:
                yield from _misfits(inner, of_key, (*steps, key))


def _in_list(value: object, shape: Shape, steps: Steps) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _misfit(steps, f"cannot restore slice from {go_kind(value)}", "", "slice")
        return
    for index, inner in enumerate(value):
        yield from _misfits(inner, shape, (*steps, index))


def _misfit(steps: Steps, reason: str, kind: str, shape: str) -> Problem:
    scalar = kind in ("int64", "float64", "bool")
    hint = QUOTE if scalar and shape == "string" else ""
    if shape == "bytes":
        hint = "encode it with base64, or put it under stringData as a text"
    behaviour = "value-not-string" if shape in ("string", "bytes") else "value-of-wrong-type"
    found = NOUNS.get(kind, "") if behaviour == "value-not-string" else ""
    return Problem(behaviour, steps, f"{field_name(steps)}: {reason}", hint, found)


def _strangers(value: object, shape: Shape, steps: Steps) -> Iterator[Problem]:
    """Fields that a struct does not have."""
    if not isinstance(value, dict) or not isinstance(shape, Mapping):
        return
    for key, inner in value.items():
        if key in shape:
            yield from _strangers(inner, shape[key], (*steps, key))
        elif (steps, key) != ((), "sops"):  # a block that nobody decrypts is another matter
            near = next((name for name in shape if name.lower() == key.lower()), None)
            yield Problem(
                "unknown-field",
                (*steps, key),
                f'unknown field "{field_name((*steps, key))}": Flux drops it',
                f"write {near}" if near is not None else "take it out, or check its spelling",
                dropped=True,
            )
