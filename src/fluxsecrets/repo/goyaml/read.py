"""A text as an object.

Follows decode.go of go-yaml v2 and `YAMLToJSON` of sigs.k8s.io/yaml: the first document; tags; aliases; keys
that are numbers or booleans become texts; the last of equal keys counts. libyaml, which go-yaml was ported
from, gives the events.
"""

from __future__ import annotations

from base64 import b64decode
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.records import dataclass, field

from .emit import format_float
from .resolve import Resolved, Tag, resolve

MAX_VALUES: Final = 1_000_000
"""Values of an object, with those that aliases repeat."""
MAX_DEPTH: Final = 150

_BINARY = "tag:yaml.org,2002:binary"
_MERGE = "tag:yaml.org,2002:merge"
_TAGS = {str(tag): tag for tag in Tag}


@dataclass(eq=False, slots=True)
class _Node:
    """A node; `children` of a map are keys and values in turn. `text` of an alias is its anchor."""

    kind: str
    text: str = ""
    tag: str = ""
    implicit: bool = False
    children: list[_Node] = field(default_factory=list)


def read(text: str) -> Any:
    """The value of the first document, as it is after a detour through JSON: all numbers are floats there.

    Raises:
        FormatError: it is not valid. The message is that of go-yaml, without values.
        LimitError: too many values, or too deep.
    """
    root = _compose(text)
    return _Builder().value(root, 0) if root is not None else None


def _compose(text: str) -> _Node | None:
    from fluxsecrets.sops.libyaml import CParser, MarkedYAMLError, YAMLError

    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FormatError("yaml: invalid UTF-8 octet")
    parser = CParser(text)
    try:
        return _document(parser)
    except MarkedYAMLError as error:
        message = _message(error)
    except YAMLError:  # its text would quote the value
        message = "control characters are not allowed"
    finally:
        parser.dispose()
    raise FormatError(f"yaml: {message}")


def _message(error: Any) -> str:
    """go-yaml's text: it counts lines from 0 where the parser fails, and from 1 where the scanner does."""
    from yaml.scanner import ScannerError

    line = error.problem_mark.line if error.problem_mark is not None else 0
    if line:
        line += isinstance(error, ScannerError)
    elif error.context_mark is not None:
        line = error.context_mark.line
    where = f"line {line}: " if line else ""
    return f"{where}{error.problem or 'unknown problem parsing YAML content'}"


def _document(parser: Any) -> _Node | None:
    from fluxsecrets.sops import libyaml as events

    anchors: dict[str, _Node] = {}
    open_: list[_Node] = []
    root: _Node | None = None
    while (event := parser.get_event()) is not None and not isinstance(event, events.DocumentEndEvent):
        if isinstance(event, events.CollectionEndEvent):
            open_.pop()
            continue
        if isinstance(event, events.AliasEvent):
            target = anchors.get(event.anchor or "")
            if target is None:
                raise FormatError("yaml: unknown anchor referenced")
            node = _Node("alias", children=[target])
        elif isinstance(event, events.ScalarEvent):
            node = _Node("scalar", event.value, event.tag or "", event.implicit[0])
        elif isinstance(event, events.CollectionStartEvent):
            node = _Node("map" if isinstance(event, events.MappingStartEvent) else "list")
        else:
            continue
        if isinstance(event, events.ScalarEvent | events.CollectionStartEvent) and event.anchor:
            anchors[event.anchor] = node
        if open_:
            open_[-1].children.append(node)
        else:
            root = node
        if isinstance(event, events.CollectionStartEvent):
            open_.append(node)
            if len(open_) > MAX_DEPTH:
                raise LimitError(f"an object is nested more than {MAX_DEPTH} levels deep")
    return root


class _Builder:
    """Values of nodes, and how many there are so far."""

    def __init__(self) -> None:
        self.made = 0
        self.inside: set[int] = set()

    def value(self, node: _Node, depth: int) -> Any:
        self.made += 1
        if self.made > MAX_VALUES:
            raise LimitError(f"an object has more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise LimitError(f"an object is nested more than {MAX_DEPTH} levels deep")
        if node.kind == "alias":
            return self.aliased(node, depth)
        if node.kind == "scalar":
            return _number(_scalar(node))
        if node.kind == "list":
            return [self.value(child, depth + 1) for child in node.children]
        made: dict[str, Any] = {}
        self.fill(made, node, depth)
        return made

    def aliased(self, node: _Node, depth: int) -> Any:
        target = node.children[0]
        if id(target) in self.inside:
            raise FormatError("yaml: anchor value contains itself")
        self.inside.add(id(target))
        found = self.value(target, depth + 1)
        self.inside.discard(id(target))
        return found

    def fill(self, made: dict[str, Any], node: _Node, depth: int) -> None:
        for key, value in zip(node.children[::2], node.children[1::2], strict=True):
            if key.kind == "scalar" and key.text == "<<" and (key.implicit or key.tag == _MERGE):
                self.merge(made, value, depth)
            else:
                shown = _key(key)
                made[shown] = self.value(value, depth + 1)

    def merge(self, made: dict[str, Any], node: _Node, depth: int) -> None:
        # Steps backwards, as the earlier ones take precedence.
        for each in reversed(node.children) if node.kind == "list" else (node,):
            target = each.children[0] if each.kind == "alias" else each
            if target.kind != "map":
                raise FormatError("yaml: map merge requires map or sequence of maps as the value")
            made.update(self.value(each, depth + 1))


def _scalar(node: _Node) -> Any:
    if not node.tag and not node.implicit:
        return node.text
    if node.tag == _BINARY:
        try:
            return b64decode(node.text.replace("\n", ""), validate=True).decode("utf-8", "replace")
        except ValueError:
            raise FormatError("yaml: !!binary value contains invalid base64 data") from None
    if node.tag and node.tag not in _TAGS:
        return node.text
    wanted = _TAGS.get(node.tag)
    if wanted is Tag.STR:
        return node.text
    found = resolve(node.text, dates=wanted in (None, Tag.TIMESTAMP))
    return found.value if wanted is None else _as(found, wanted)


def _as(found: Resolved, wanted: Tag) -> Any:
    if found.tag is wanted:
        return found.value
    if wanted is Tag.FLOAT and isinstance(found.value, int) and found.tag is Tag.INT and found.value < 2**63:
        return float(found.value)
    raise FormatError(f"yaml: cannot decode {_short(found.tag)} as a {_short(wanted)}")


def _short(tag: Tag) -> str:
    return "!!" + tag.rpartition(":")[2]


def _key(node: _Node) -> str:
    target = node.children[0] if node.kind == "alias" else node
    if target.kind != "scalar":
        raise FormatError("yaml: invalid map key")
    key = _scalar(target)
    if key is None:
        raise FormatError("unsupported map key of type: %!s(<nil>)")
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return _float_key(key)
    return str(key)


def _float_key(key: float) -> str:
    from struct import pack, unpack

    if not isfinite(key):
        return ".nan" if key != key else (".inf" if key > 0 else "-.inf")  # noqa: PLR0124
    (short,) = unpack("f", pack("f", key))
    digits = next(
        text for size in range(1, 18) if unpack("f", pack("f", float(text := f"{key:.{size}g}")))[0] == short
    )
    return format_float(float(digits))


def _number(value: Any) -> Any:
    """As JSON's numbers are for Go: floats, which are written without a point where they have none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(value)
    if not isfinite(number):
        shown = "NaN" if number != number else f"{'+' if number > 0 else '-'}Inf"  # noqa: PLR0124
        raise FormatError(f"json: unsupported value: {shown}")
    # JSON has the shortest digits that give the float, and zeros.
    return int(Decimal(repr(number))) if number.is_integer() and abs(number) < 1e21 else number
