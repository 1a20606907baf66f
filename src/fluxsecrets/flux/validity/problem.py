"""What a check is given, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fluxsecrets.flux.unknown import is_unknown, unknown_kind
from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.manifests import Manifest, Plain, Steps, dig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of an object.

    Attributes:
        behaviour: its name in the table of docs/flux.md.
        steps: where in the object.
        reason: in the words of the API server, without any value of a Secret.
        hint: what to do, or "".
        found: what is there in the place of a text, such as `a number`, or "".
        dropped: the object is applied, but not what is at the place.
        line: where the place does not say it.
        written: the place as the manifest has it, if the reason has another: the API server has moved
            `stringData` to `data` before it looks.
    """

    behaviour: str
    steps: Steps
    reason: str
    hint: str = ""
    found: str = ""
    dropped: bool = False
    line: int | None = None
    written: tuple[str, str] | None = None

    @property
    def as_written(self) -> str:
        """The reason with the place as the manifest has it."""
        if self.written is None:
            return self.reason
        return field_name(self.written) + self.reason.removeprefix(field_name(("data", self.written[1])))


@dataclass(frozen=True, slots=True)
class Subject:
    """An object to check.

    Attributes:
        data: as it is applied; a value that is not known is `UNKNOWN`. Not in the repr.
        written: as it was built: before decryption and substitution. Not in the repr.
        generated: keys that a generator adds, whose values are not in `data`.
        complete: there are no keys but those.
        manifest: it, if it is applied as it is written.
    """

    data: Plain = field(repr=False, compare=False)
    written: Plain = field(default_factory=dict, repr=False, compare=False)
    generated: tuple[str, ...] = ()
    complete: bool = True
    manifest: Manifest | None = field(default=None, repr=False, compare=False)

    @property
    def kind(self) -> tuple[str, str]:
        """API version and kind."""
        return str(self.data.get("apiVersion") or ""), str(self.data.get("kind") or "")


QUOTE: Final = "put quotes around it"
"""The hint for a number or boolean in the place of a text."""

_HIDDEN = {"int": "int64", "float": "float64", "bool": "bool"}
"""What takes the place of a ciphertext of a type once it is decrypted."""


def go_kind(value: object) -> str:
    """What a value is in Go, once it is decrypted and read as JSON."""
    if is_unknown(value):
        return _HIDDEN.get(unknown_kind(value), "string")
    if isinstance(value, float):
        # kustomize writes 1.0 as 1
        return "int64" if value.is_integer() and abs(value) < 2**53 else "float64"
    if type(value) is int and not -(2**63) <= value < 2**63:
        return "float64"
    return _KINDS.get(type(value), "string")


_KINDS: Final[dict[type, str]] = {
    type(None): "nil",
    bool: "bool",
    int: "int64",
    dict: "map",
    list: "slice",
}


JSON_KINDS: Final = {
    "nil": "null",
    "int64": "integer",
    "float64": "number",
    "bool": "boolean",
    "map": "object",
    "slice": "array",
    "string": "string",
}
"""What the API server calls a kind when it compares an object with a CustomResourceDefinition."""

NOUNS: Final = {
    "int64": "a number",
    "float64": "a number",
    "bool": "a boolean",
    "map": "a map",
    "slice": "a list",
}
"""What people call a kind."""


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
