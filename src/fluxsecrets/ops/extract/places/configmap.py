"""A ConfigMap: the value moves to a Secret under its own key, and so do the references of what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.model import Edit, Elsewhere, Extraction, LiteralValue, Moved, Reader, Wanted
from fluxsecrets.repo.helmvalues import DEFAULT_KEY
from fluxsecrets.repo.manifests import child, items_of, line_of, text_of
from fluxsecrets.sops.document import Data, Entry, Leaf, Mapping, Path, find, show_path, to_data

from .literals import is_value, movable_text

_DATA: Final = "data"
_WHOLE: Final = {
    "volume": "it as a volume",
    "substituteFrom": "all of its keys as variables",
    "values": "it, as the values of its chart say",
}


@dataclass(frozen=True, slots=True)
class _ConfigMap:
    """See `Place`."""

    shown: ClassVar[str] = "ConfigMap"
    root: ClassVar[Path] = (_DATA,)
    at_reader: ClassVar[bool] = False

    def holds(self, node: Mapping) -> bool:
        """Whether it is a ConfigMap."""
        return text_of(node.get("kind")) == "ConfigMap" and text_of(node.get("apiVersion")) == "v1"

    def literals(self, node: Mapping) -> Sequence[LiteralValue]:
        """The values in `data`."""
        data = node.get(_DATA)
        entries = data.entries if isinstance(data, Mapping) else ()
        return tuple(
            LiteralValue((_DATA, entry.key), entry.value.value, entry.value.line)
            for entry in entries
            if isinstance(entry, Entry) and isinstance(entry.value, Leaf) and is_value(entry.value.value)
        )

    def secret_name(self, node: Mapping) -> str:
        """`NAME-secret`."""
        return f"{text_of(child(node, 'metadata', 'name')) or 'config'}-secret"

    def extract(self, wanted: Wanted) -> Extraction:
        """See `Place.extract`."""
        readers = wanted.readers
        moved = tuple(_moved(wanted, path, readers) for path in wanted.paths)
        keys = {each.key for each in moved}
        changed = (_changed(reader, keys, wanted) for reader in readers)
        elsewhere = tuple(each for each in changed if each is not None)
        unread = sorted(key for key in keys if not any(_reads(reader, key) for reader in readers))
        if unread:
            raise UsageError(
                f"no object was found that reads {', '.join(unread)}, so no reference can follow the value",
                hint="if something reads it, move the value by hand; else remove it",
            )
        return Extraction(moved, tuple(Edit(path, remove=True) for path in wanted.paths), (), elsewhere)


PLACE: Final = _ConfigMap()


def _moved(wanted: Wanted, path: Path, readers: Iterable[Reader]) -> Moved:
    """Return the key of the Secret for a value.

    Raises:
        UsageError: the value can't be moved.
    """
    node = find(wanted.node, path)
    if len(path) != 2 or path[0] != _DATA or not isinstance(node, Leaf):
        raise UsageError(f"{show_path(path)} is not a value of the ConfigMap", hint="name a key of its data")
    text = movable_text(node, path, named="key")
    key = str(path[1])
    if key in wanted.taken:
        raise UsageError(
            f"the Secret {wanted.secret} has a key {key} already",
            hint="name another Secret with --secret NAME",
        )
    names = dict.fromkeys(each.shown for each in readers if _reads(each, key))
    return Moved(path, key, text, f"read by {', '.join(names)}", line_of(node) or 0)


def _key(reader: Reader) -> str | None:
    """Return the key that an object reads, or None for all of them."""
    return DEFAULT_KEY if reader.use.via == "valuesFrom" and reader.use.key is None else reader.use.key


def _reads(reader: Reader, key: str) -> bool:
    return _key(reader) in (None, key)


def _changed(reader: Reader, keys: set[str], wanted: Wanted) -> Elsewhere | None:
    """Return how an object refers to the Secret; None if it reads other keys only.

    Raises:
        UsageError: its reference can't follow.
    """
    if not any(_reads(reader, key) for key in keys):
        return None
    way = None if reader.use.likely else _WAYS.get(reader.use.via)
    if way is None:
        what = _WHOLE.get(reader.use.via, "it in a way that is not known here")
        raise UsageError(
            f"{reader.shown} reads {what}, and that can't follow a single key to a Secret",
            hint="move all of its secret keys to a Secret by hand, and refer to both there",
        )
    if reader.problem is not None:
        raise UsageError(
            f"{reader.shown} reads it, and {reader.problem}", hint="change the reference by hand"
        )
    return Elsewhere(reader.file, reader.part, (), reader.shown, tuple(way(reader, wanted)))


def _in_env(reader: Reader, wanted: Wanted) -> Iterator[Edit]:
    """`configMapKeyRef` becomes `secretKeyRef`."""
    steps = reader.use.steps[:-1]
    yield Edit((*steps[:-1], "secretKeyRef"), {**_at(reader, steps), "name": wanted.secret})
    yield Edit(steps, remove=True)


def _in_env_from(reader: Reader, wanted: Wanted) -> Iterator[Edit]:
    """`secretRef` follows `configMapRef`; the last of equal variables counts.

    Raises:
        UsageError: something follows already, or the container would get other keys of the Secret, too.
    """
    steps = reader.use.steps[:-1]
    listed, at = steps[:-2], steps[-2]
    if len(items_of(find(reader.node, listed))) - 1 != at:
        raise UsageError(
            f"{reader.shown} reads other variables after those of the ConfigMap: they would count less",
            hint="put the ConfigMap last in envFrom, if none of its variables is in the others",
        )
    if wanted.taken:
        raise UsageError(
            f"{reader.shown} reads all keys, and the Secret {wanted.secret} has others",
            hint="name another Secret with --secret NAME",
        )
    reference: Data = {**_at(reader, steps), "name": wanted.secret}
    others = {key: value for key, value in _at(reader, steps[:-1]).items() if key != "configMapRef"}
    yield Edit((*listed, int(at) + 1), {**others, "secretRef": reference})


def _in_values(reader: Reader, wanted: Wanted) -> Iterator[Edit]:
    """`kind: ConfigMap` becomes `kind: Secret`."""
    steps = reader.use.steps[:-1]
    yield Edit((*steps, "kind"), "Secret")
    yield Edit((*steps, "name"), wanted.secret)


def _at(reader: Reader, steps: Path) -> dict[str, Data]:
    """Return a map of the object that reads."""
    node = find(reader.node, steps)
    found = to_data(node) if node is not None else None
    return found if isinstance(found, dict) else {}


_WAYS: Final = {"env": _in_env, "envFrom": _in_env_from, "valuesFrom": _in_values}
"""By the kind of reference: how it follows a key to a Secret."""
