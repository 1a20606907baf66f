"""TOML as the nodes that YAML is read as, so that one reader takes both, and mistakes have their line.

`tomllib` keeps no places. Lines are found again in the text, by the headers of tables and the names of keys.
They serve messages alone: where a text is ambiguous, the line is that of its table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fluxsecrets.errors import ConfigError, LimitError
from fluxsecrets.sops.placed_yaml import MAX_BYTES, ListNode, MapNode, Node, ScalarNode

_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.\s\"'-]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*=")
_WHERE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class _Line(NamedTuple):
    """A line that starts something: the name of its table, or of a key in it."""

    number: int
    table: str
    key: str = ""


def toml_nodes(data: bytes, path: str, names: Iterable[str]) -> MapNode:
    """Return a TOML document as a map.

    Args:
        data: its content.
        path: for errors.
        names: the spellings of known keys; keys that differ in case alone are read as these.

    Raises:
        ConfigError: not TOML; with line and column.
        LimitError: too large.
    """
    if len(data) > MAX_BYTES:
        raise LimitError(f"larger than {MAX_BYTES // 2**20} MiB", hint="shorten it", path=path)
    try:
        text = data.decode("utf-8-sig")
        content = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ConfigError("not UTF-8, so it is not TOML", hint="save it as UTF-8", path=path) from None
    except tomllib.TOMLDecodeError as error:
        raise _invalid(str(error), text, path) from None
    except RecursionError:
        raise LimitError("nested too deeply", hint="shorten it", path=path) from None
    spelled = {name.lower(): name for name in names}
    return _Builder(_lines(text), spelled).map(content, "", 1, len(text) + 1)


def _invalid(message: str, text: str, path: str) -> ConfigError:
    place = _WHERE.search(message)
    line = int(place[1]) if place is not None and place[1] else text.count("\n") + 1
    column = int(place[2]) if place is not None and place[2] else None
    reason = _WHERE.sub("", message)
    reason = re.sub(r"['\"].*['\"]", "…", reason)  # a part of the text may be a secret
    return ConfigError(
        f"not valid TOML: {reason[:1].lower()}{reason[1:]}",
        hint="see https://toml.io",
        path=path,
        line=line,
        column=column,
    )


def _lines(text: str) -> tuple[_Line, ...]:
    """The lines of headers and keys, without those inside of texts over several lines."""
    found, table, fence = [], "", ""
    for number, line in enumerate(text.split("\n"), start=1):
        if fence:
            fence = fence if line.count(fence) % 2 == 0 else ""
            continue
        header = _HEADER.match(line)
        if header is not None:
            table = ".".join(part.strip(" \"'") for part in header[1].split(".")).lower()
            found.append(_Line(number, table))
            continue
        key = _KEY.match(line)
        if key is not None:
            found.append(_Line(number, table, key[1].strip("\"'").lower()))
        fence = next((each for each in ("'''", '"""') if line.count(each) % 2), "")
    return tuple(found)


class _Builder:
    """Builds nodes, each with a line from its part of the text."""

    def __init__(self, lines: Sequence[_Line], spelled: Mapping[str, str]) -> None:
        self.lines = lines
        self.spelled = spelled

    def map(self, content: Mapping[str, object], table: str, first: int, end: int) -> MapNode:
        entries: list[tuple[ScalarNode, Node]] = []
        for name, value in content.items():
            inner = f"{table}.{name.lower()}" if table else name.lower()
            line = self.find(table, name.lower(), inner, first, end)
            key = ScalarNode(self.spelled.get(name.lower(), name), "str", line, 1)
            entries.append((key, self.node(value, inner, line, end)))
        return MapNode(tuple(entries), first, 1)

    def find(self, table: str, key: str, inner: str, first: int, end: int) -> int:
        """The line of a key, or of the first header of its table."""
        for line in self.lines:
            if first <= line.number < end and (
                (line.table == table and line.key == key)
                or (not line.key and (line.table == inner or line.table.startswith(f"{inner}.")))
            ):
                return line.number
        return first

    def node(self, value: object, table: str, line: int, end: int) -> Node:
        if isinstance(value, dict):
            return self.map(value, table, line, end)
        if isinstance(value, list):
            starts = [
                each.number
                for each in self.lines
                if line <= each.number < end and not each.key and each.table == table
            ]
            if len(starts) != len(value):  # no tables of their own
                return ListNode(tuple(self.node(item, table, line, end) for item in value), line, 1)
            ends = [*starts[1:], end]
            items = (
                self.node(item, table, start, last)
                for item, start, last in zip(value, starts, ends, strict=True)
            )
            return ListNode(tuple(items), line, 1)
        return _scalar(value, line)


def _scalar(value: object, line: int) -> ScalarNode:
    if isinstance(value, bool):
        return ScalarNode(str(value).lower(), "bool", line, 1)
    if isinstance(value, int):
        return ScalarNode(str(value), "int", line, 1)
    if isinstance(value, float):
        return ScalarNode(str(value), "float", line, 1)
    return ScalarNode(str(value), "str" if isinstance(value, str) else "timestamp", line, 1)
