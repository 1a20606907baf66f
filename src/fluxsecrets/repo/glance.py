"""The Secrets of a manifest file, found without building its tree; discovery needs no more of it.

One pass over libyaml's events. Anchors, tags, merge keys, JSON and Lists, and whatever is odd or wrong, are
left to `manifests.read_manifests`, so that one place judges them and says why.
"""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Style
from fluxsecrets.sops.formats import Limits, decode_text
from fluxsecrets.sops.formats.yaml.nodes import STYLES, open_parser
from fluxsecrets.sops.formats.yaml.scalars import HINT, ScalarError, resolve_plain
from fluxsecrets.sops.libyaml import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)

from .manifests import Plain, is_reference, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PLAIN = Style.PLAIN  # an Enum's member takes long to look up


class Glimpse(NamedTuple):
    """A Kubernetes object; the fields are those of `manifests.Manifest`."""

    line: int
    name: str | None
    is_secret: bool
    has_data: bool
    has_sops: bool
    in_list: bool = False


class _UnclearError(Exception):
    """The file has to be read in full."""


def glance(data: bytes, limits: Limits) -> tuple[Glimpse, ...] | None:
    """The Kubernetes objects of a YAML file.

    Returns:
        What `read_manifests` finds in the file; None where it has to be asked.
    """
    try:
        source, _ = decode_text(data, limits, "YAML")
        if source.lstrip(" \t\r\n").startswith(("{", "[")):
            return None
        parser = open_parser(source)
        try:
            return tuple(_Reader(limits.depth).read(parser))
        finally:
            parser.dispose()
    except (FluxsecretsError, ScalarError, YAMLError, _UnclearError):
        return None


class _Reader:
    """Reads one file."""

    __slots__ = ("_depth", "_inner", "_key", "_line", "_outer", "_root")

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._root: Any = None
        self._inner: Any = None  # the map or list that is being read
        self._key: str | None = None  # of the value that comes next in it
        self._outer: list[Any] = []
        self._line = 0  # of the root's first key

    def read(self, parser: Any) -> Iterator[Glimpse]:
        get_event, scalar = parser.get_event, self._scalar
        while (event := get_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                scalar(event)
            elif kind is MappingStartEvent:
                self._open(event, {})
            elif kind is SequenceStartEvent:
                self._open(event, [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._inner = self._outer.pop()
            elif kind is AliasEvent:
                raise _UnclearError
            elif kind is DocumentEndEvent:
                if type(self._root) is dict:
                    yield from _object(self._root, self._line)
                self._root = None

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            raise _UnclearError
        value, inner = event.value, self._inner
        if STYLES[event.style] is _PLAIN:
            if not value or value[0] in HINT:
                value = resolve_plain(value)
            elif value == "<<":
                raise _UnclearError
        if type(inner) is not dict or self._key is not None:
            self._put(value)
        elif type(value) is not str or value in inner:
            raise _UnclearError
        else:
            if not inner and inner is self._root:
                self._line = event.start_mark.line + 1
            self._key = value

    def _open(self, event: Any, made: Any) -> None:
        if event.anchor is not None or event.tag is not None or len(self._outer) >= self._depth:
            raise _UnclearError
        self._put(made)
        self._outer.append(self._inner)
        self._inner = made

    def _put(self, value: Any) -> None:
        inner = self._inner
        if inner is None:
            self._root = value
        elif type(inner) is list:
            inner.append(value)
        elif self._key is None:  # a key that is a map or a list
            raise _UnclearError
        else:
            inner[self._key], self._key = value, None


def _object(root: Plain, line: int) -> Iterator[Glimpse]:
    kind, version = text(root, "kind"), text(root, "apiVersion")
    if kind is None or version is None:
        return
    if kind.endswith("List") and type(root.get("items")) is list:
        raise _UnclearError
    metadata = root.get("metadata")
    is_secret = kind == "Secret" and version == "v1" and type(metadata) is dict
    sops = root.get("sops")
    name = metadata.get("name") if type(metadata) is dict else None
    yield Glimpse(
        line,
        name if type(name) is str else None,
        is_secret,
        is_secret
        and not all(map(is_reference, (*_values(root.get("data")), *_values(root.get("stringData"))))),
        type(sops) is dict and is_ciphertext(sops.get("mac")),
    )


def _values(data: object) -> Iterator[object]:
    """The values below something that are not empty."""
    if type(data) is dict:
        for value in data.values():
            yield from _values(value)
    elif type(data) is list:
        for item in data:
            yield from _values(item)
    elif data is not None and data != "":
        yield data
