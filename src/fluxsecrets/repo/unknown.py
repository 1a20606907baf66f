"""Values that cannot be known here, such as those that no identity at hand decrypts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


SIGN: Final = "\ue0a1unknown\ue0a1"
"""In the place of a value that is not known. A text that holds it is not known either: kustomize may have put
it together with others. The letters around it are for private use, and in no manifest."""


class Unknown(str):
    """A text in the place of a value that is not known; its own characters mean nothing.

    Attributes:
        kind: the `type:` of its ciphertext: `str`, `int`, `float`, `bool`, `bytes` or `time`.
    """

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, kind: str = "str") -> Unknown:
        """One of a type."""
        made = super().__new__(cls, SIGN)
        made.kind = kind
        return made

    def __reduce__(self) -> tuple[object, ...]:
        """Made again in another process."""
        return (Unknown, (self.kind,))


UNKNOWN: Final = Unknown()
"""A text that is not known. It is a text, so that what reads an object's data needs no case for it."""

_UNKNOWNS = {
    kind: Unknown(kind) if kind != "str" else UNKNOWN
    for kind in ("str", "int", "float", "bool", "bytes", "time")
}


def unknown(kind: str) -> Unknown:
    """The unknown value of a type; of anything else a text."""
    return _UNKNOWNS.get(kind, UNKNOWN)


def is_unknown(value: object) -> bool:
    """Whether a value is not known."""
    return isinstance(value, str) and SIGN in value


def unknown_kind(value: object) -> str:
    """The type of a value that is not known; `str` where nothing says it."""
    return value.kind if isinstance(value, Unknown) else "str"
