"""Nested metadata <-> the flat key names of dotenv and INI files.

`{"age": [{"enc": "x"}]}` is `age__list_0__map_enc=x`. Taken from sops 3.13.2: stores/flatten.go and
stores/metadata.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from fluxsecrets.errors import FormatError, MetadataError
from fluxsecrets.sops.document import Data
from fluxsecrets.sops.values import Value, scalar_text

_MAP, _LIST = "__map_", "__list_"
_SEPARATOR = re.compile(f"({_MAP}|{_LIST})")
_MAX_DEPTH = 32
_MAX_POSITION = 10_000

_Tree = dict[str | int, object]


def flatten(data: Mapping[str, object]) -> dict[str, str]:
    r"""Nested plain data as flat names and texts, in the order of `data`.

    Newlines become `\n`, since both formats hold one value per line; empty maps and lists vanish.

    Raises:
        FormatError: two values get one name, or a text has a backslash before an `n` already, which
            would be read back as a newline.
    """
    flat: dict[str, str] = {}
    for name, value in _leaves(data, ""):
        if name in flat:
            raise FormatError(f"two metadata fields would both be written as {name}")
        flat[name] = escape_newlines(scalar_text(value), f"the metadata field {name}")
    return flat


def unflatten(pairs: Iterable[tuple[str, str]]) -> dict[str, Data]:
    r"""Flat names and texts as nested data; all scalars stay strings, `\n` becomes a newline.

    Raises:
        MetadataError: a name occurs twice, is both a map and a value, or a list has gaps.
    """
    root: _Tree = {}
    for name, text in pairs:
        _place(root, name, text.replace("\\n", "\n"))
    return cast("dict[str, Data]", _to_data(root, "sops"))


def escape_newlines(text: str, what: str) -> str:
    r"""Newlines as `\n`.

    Raises:
        FormatError: the text holds a backslash and an `n` already.
    """
    if "\\n" in text:
        raise FormatError(
            f"{what} holds a backslash followed by n, which this format reads as a newline",
            hint="keep this value in a YAML or JSON file",
        )
    return text.replace("\n", "\\n")


def _leaves(value: object, name: str) -> Iterator[tuple[str, Value]]:
    if isinstance(value, Mapping):
        prefix = f"{name}{_MAP}" if name else ""
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}{key}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{name}{_LIST}{position}")
    else:
        yield name, cast("Value", value)


def _place(root: _Tree, name: str, text: str) -> None:
    parts = _SEPARATOR.split(name)
    steps: list[str | int] = [parts[0]]
    for separator, part in zip(parts[1::2], parts[2::2], strict=True):
        steps.append(part if separator == _MAP else _position(part))
    if len(steps) > _MAX_DEPTH:
        raise MetadataError("a sops metadata field is nested too deeply")
    node = root
    for step in steps[:-1]:
        child = node.setdefault(step, {})
        if not isinstance(child, dict):
            raise MetadataError(f"the sops metadata field {name!a} is below one that has a value")
        node = child
    if steps[-1] in node:
        raise MetadataError(f"the sops metadata field {name!a} is there twice")
    node[steps[-1]] = text


def _position(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > _MAX_POSITION:
        raise MetadataError("a sops metadata field has a list position that is not a number")
    return int(text)


def _to_data(node: object, name: str) -> object:
    if not isinstance(node, dict):
        return node
    positions = [step for step in node if isinstance(step, int)]
    if not positions:
        return {key: _to_data(value, key) for key, value in node.items()}
    if len(positions) != len(node) or max(positions) != len(node) - 1:
        raise MetadataError(f"the list {name!a} of the sops metadata is incomplete")
    return [_to_data(node[position], name) for position in sorted(positions)]
