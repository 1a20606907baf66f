"""A map or list in YAML of several lines: written anew, without comments, anchors and styles."""

from __future__ import annotations

import json
import re
from base64 import b64encode

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.placeholders.logins import FIELDS, login
from fluxsecrets.placeholders.mark import is_mark
from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.names import field
from fluxsecrets.placeholders.typed import typed
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, Sequence
from fluxsecrets.sops.values import Value, scalar_text

_FIRST = re.compile(r"(?:---[^\n]*\n|[ \t]*#[^\n]*\n|[ \t]*\n)*[ \t]*(?:- +)*[\"']?[\w./-]+[\"']? *:(?:\s|$)")
_SUFFIXES = (".yaml", ".yml")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_DEEPEST = 60


def _make(text: str, maker: Maker) -> str | None:
    if _FIRST.match(text) is None or not ("\n" in text or maker.name.endswith(_SUFFIXES)):
        return None
    from fluxsecrets.sops.formats import Limits, make_format

    try:
        document = make_format("yaml").parse(f"{text}\n".encode(), Limits())
    except (FluxsecretsError, RecursionError):
        return None
    if document.metadata is not None:
        return None
    writer = _Writer(maker)
    return "\n---\n".join("\n".join(writer.lines(part, "", 0)) for part in document.parts)


class _Writer:
    """Writes a document in block style."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    def lines(self, node: Node, name: str, depth: int) -> list[str]:
        """Return the lines of a map or a list, not indented; a scalar has one."""
        if isinstance(node, Mapping):
            entries = [each for each in node.entries if isinstance(each, Entry)]
            if entries and depth < _DEEPEST:
                return [line for each in entries for line in self._entry(each, depth)]
            return ["{}"]
        if isinstance(node, Sequence):
            items = [each for each in node.items if isinstance(each, Leaf | Mapping | Sequence)]
            if items and depth < _DEEPEST:
                return [line for each in items for line in _item(self.lines(each, name, depth + 1))]
            return ["[]"]
        return [self._scalar(node.value, name)]

    def _entry(self, entry: Entry, depth: int) -> list[str]:
        key = _quoted(field(entry.key, self._maker))
        lines = self.lines(entry.value, entry.key, depth + 1)
        if isinstance(entry.value, Leaf) or lines[0] in ("{}", "[]"):
            return [f"{key}: {lines[0]}"]
        return [f"{key}:", *(f"  {line}" for line in lines)]

    def _scalar(self, value: Value, name: str) -> str:
        found = login(value, self._maker) if name in FIELDS and isinstance(value, str) else None
        masked = typed(value, self._maker, name) if found is None else found
        if isinstance(masked, str):
            return _quoted(masked)
        if isinstance(masked, bytes):
            return f"!!binary {b64encode(masked).decode()}"
        return "null" if masked is None else scalar_text(masked)


def _item(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _quoted(text: str) -> str:
    """A text as a scalar that stays one: plain if nothing takes it for something else."""
    if is_mark(text) or (_PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT):
        return text
    return json.dumps(text)


SHAPE = Shape("yaml", _make)
