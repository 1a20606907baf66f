"""What a check is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.marks import read_ciphertext
from fluxsecrets.repo.manifests import Plain, Steps, dig
from fluxsecrets.sops.values import Timestamp


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of an object.

    Attributes:
        behaviour: its name in the table of docs/flux.md.
        steps: where in the object.
        reason: in the words of the API server, without any value of a Secret.
        hint: what to do, or "".
        dropped: the object is applied, without what is at the place.
    """

    behaviour: str
    steps: Steps
    reason: str
    hint: str = ""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """An object to check.

    Attributes:
        data: as it is applied; a value that is not known is `UNKNOWN`. Not in the repr.
        written: as it was before decryption, for the types that ciphertexts name. Not in the repr.
        generated: keys that a generator adds, whose values are not in `data`.
        complete: there are no keys but those.
    """

    data: Plain = field(repr=False, compare=False)
    written: Plain = field(default_factory=dict, repr=False, compare=False)
    generated: tuple[str, ...] = ()
    complete: bool = True

    @property
    def kind(self) -> tuple[str, str]:
        """API version and kind."""
        return str(self.data.get("apiVersion") or ""), str(self.data.get("kind") or "")

    def kind_at(self, value: object, steps: Steps) -> str:
        """What a value is in Go once it is applied."""
        hidden = self._hidden_type(value, steps)
        return go_kind(value) if hidden is None else _HIDDEN.get(hidden, "string")

    def _hidden_type(self, value: object, steps: Steps) -> str | None:
        """The type that the ciphertext at a place names, such as `int`; None where the value is known."""
        if not is_unknown(value) or not all(isinstance(step, str) for step in steps):
            return None
        match = read_ciphertext(str(dig(self.written, *map(str, steps))).strip())
        return match[4] if match is not None else None


QUOTE: Final = "put quotes around it"
"""The hint for a number or boolean in the place of a text."""

_HIDDEN = {"int": "int64", "float": "float64", "bool": "bool"}
"""What takes the place of a ciphertext of a type once it is decrypted."""


def go_kind(value: object) -> str:
    """What a value of JSON is in Go."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64"
    if isinstance(value, float):
        # kustomize writes 1.0 as 1
        return "int64" if value.is_integer() and abs(value) < 2**53 else "float64"
    if isinstance(value, (str, bytes, Timestamp)):
        return "string"
    return "map" if isinstance(value, dict) else "slice"


def unfit(kind: str, shape: str) -> str | None:
    """Why a value of a kind does not become one of a Go type; None if it does."""
    if shape == "bytes":
        return None if kind == "string" else f"cannot restore slice from {kind}"
    is_int = shape.startswith(("int", "uint"))
    if kind == shape or (is_int and kind == "int64") or (shape, kind) == ("float64", "int64"):
        return None
    if kind == "int64" and shape == "string":
        return "cannot convert int64 to string"
    if kind == "float64" and is_int:
        return f"cannot convert float64 to {shape}"
    return f"unrecognized type: {shape}"


Check = Callable[[Subject], Iterator[Problem]]


def field_name(steps: Steps) -> str:
    """A place as the API server prints it: `data[tls.crt]`, `metadata.name`."""
    made = ""
    for at, step in enumerate(steps):
        if isinstance(step, int) or (at and steps[at - 1] in _MAPS):
            made += f"[{step}]"
        else:
            made += f".{step}" if made else step
    return made


_MAPS = frozenset({"data", "stringData", "binaryData", "labels", "annotations"})


def texts_of(data: object, *keys: str) -> Mapping[str, str]:
    """The texts of a map that are known."""
    found = dig(data, *keys)
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str) and not is_unknown(value)}
