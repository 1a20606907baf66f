"""Values in manifests whose key says that they are secrets, outside of Secrets.

One walk over an object finds them; the files beside this one say what to call them in their place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from fluxsecrets.marks.ciphertext import is_ciphertext
from fluxsecrets.scan.assignments import Assignment, Surroundings, assignments, is_secret
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import is_expression, may_be_password, may_be_token

from .page import Object
from .reader import BLOCK, List, Map, Scalar, Value, is_typed, text_of, walk

# Text for people: examples in it are for people, too.
_PROSE = frozenset(
    {"description", "summary", "message", "title", "help", "notes", "comment", "regex", "pattern"}
)
_NOT_TEXT = frozenset({"encryptedData", "caBundle", "metadata"})


class Found:
    """A telling value: the scalar that holds it, and the part of it where it is in a text inside."""

    __slots__ = ("inner", "name", "value")

    def __init__(self, value: Value, name: str, inner: Assignment | None = None) -> None:
        self.value = value
        self.name = name
        self.inner = inner


def telling_values(owner: Object, spots: Sequence[int]) -> Iterator[Found]:
    """The values of an object that look like secrets by their keys, or by the names in their text.

    Args:
        owner: the object.
        spots: where in the file's text something is assigned to a telling name, in order.
    """
    if owner.kind in ("CustomResourceDefinition", "SealedSecret"):
        return
    for value in walk(owner.node, owner.prefix):
        scalar = value.scalar
        if value.path[:1] == ("sops",) or is_typed(scalar) or is_ciphertext(scalar.text):
            continue
        name = _name(value)
        if name and says_secret(name, scalar):
            yield Found(value, name)
        elif _holds_spot(value, spots) and _may_hold_more(value):
            data = scalar.text.encode("utf-8", "surrogatepass")
            for inner in assignments(data, options=True):
                if is_secret(inner, Surroundings.CONFIGURATION):
                    yield Found(value, inner.name, inner)


def _holds_spot(value: Value, spots: Sequence[int]) -> bool:
    at = bisect_left(spots, value.scalar.start)
    return at < len(spots) and spots[at] < value.scalar.end


def says_secret(name: str, scalar: Scalar) -> bool:
    """Whether a value under a name is a secret."""
    says = telling(name)
    if says is Telling.NOTHING or ("\n" in scalar.text.strip() and not scalar.text.startswith("-----BEGIN")):
        return False
    text = scalar.text
    if says is Telling.SURELY:
        return may_be_password(text) and not (not scalar.style and is_expression(text) and "(" in text)
    return may_be_token(text)


def _name(value: Value) -> str:
    """What a value is called: its key, or in a pair of `name` and `value` the other's text."""
    if value.key is None or value.scalar is value.key:
        return ""
    key = value.key.text
    if key == "secretKey" and "remoteRef" in _keys(value.holder):
        return ""  # of External Secrets: the name of a key, not its value
    if key in ("value", "Value", "defaultValue", "default") and type(value.holder) is Map:
        for other in ("name", "key", "Name", "Key"):
            name = text_of(value.holder.get(other))
            if name:
                return name
    return key


def _keys(holder: Map | List | None) -> set[str]:
    return {name.text for name, _ in holder.pairs if type(name) is Scalar} if type(holder) is Map else set()


def _may_hold_more(value: Value) -> bool:
    """Whether a text is worth a look inside: many lines, or a command's arguments."""
    scalar = value.scalar
    if value.name in _PROSE or _NOT_TEXT.intersection(step for step in value.path if isinstance(step, str)):
        return False
    text = scalar.text
    return len(text) > 8 and (
        scalar.style in BLOCK or "\n" in text or "=" in text or " --" in text or text.startswith(("{", "--"))
    )
