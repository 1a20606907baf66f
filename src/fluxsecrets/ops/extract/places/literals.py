"""The scalars of an object that are values of their own."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import UsageError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.extract.model import LiteralValue
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, Path, Sequence, show_path


def literals_below(node: Node | None, path: Path) -> Iterator[LiteralValue]:
    """Yield the scalars below a node that hold a value.

    Nulls, empty strings, ciphertexts and variables of Flux are not values to hide.

    Args:
        node: where to start, or None.
        path: of the node, below its object.
    """
    if isinstance(node, Leaf):
        if is_value(node.value):
            yield LiteralValue(path, node.value, node.line)
    elif isinstance(node, Mapping):
        for item in node.entries:
            if isinstance(item, Entry):
                yield from literals_below(item.value, (*path, item.key))
    elif isinstance(node, Sequence):
        items = [item for item in node.items if isinstance(item, Leaf | Mapping | Sequence)]
        for number, each in enumerate(items):
            yield from literals_below(each, (*path, number))


def is_value(value: object) -> bool:
    """Whether a scalar is a value that can be hidden in a Secret."""
    if value is None or value == "":
        return False
    return not (isinstance(value, str) and (is_ciphertext(value) or is_variable(value)))


def is_variable(text: str) -> bool:
    """Whether a text has a variable that Flux replaces: its value is elsewhere."""
    return "${" in text


def refuse_alias(node: Node | None, path: Path) -> None:
    """Refuse a value that a YAML alias or a merge key brings.

    Raises:
        UsageError: the node is one, or has one.
    """
    alias = isinstance(node, Leaf) and node.alias
    merged = isinstance(node, Mapping) and any(
        isinstance(item, Entry) and item.merge for item in node.entries
    )
    if alias or merged:
        raise UsageError(
            f"{show_path(path)} is written with a YAML alias, whose anchor other values share",
            hint="write the value out in place of the alias first",
        )


def movable_text(node: Node | None, path: Path, *, named: str) -> str:
    """Return a text that can move to a Secret, where Kubernetes takes nothing but text.

    Args:
        node: the value.
        path: of it, below its object.
        named: what the user names values by there, such as `variable`.

    Raises:
        UsageError: it is written with an alias, is not text, is empty, or a variable of Flux.
    """
    refuse_alias(node, path)
    value = node.value if isinstance(node, Leaf) else None
    if not isinstance(value, str):
        raise UsageError(
            f"{show_path(path)} is not text, so Kubernetes refuses it", hint="put the value in quotes"
        )
    if not is_value(value):
        what = "a variable of Flux" if is_variable(value) else "no value"
        raise UsageError(f"{show_path(path)} holds {what}", hint=f"name a {named} with a value")
    return value
