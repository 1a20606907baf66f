"""A ConfigMap: the value moves to a Secret under its own key, and so do the references of what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.model import Edit, Elsewhere, Extraction, LiteralValue, Moved, Reader, Wanted
from fluxsecrets.repo.helmvalues import DEFAULT_KEY
from fluxsecrets.repo.manifests import child, dig, line_of, text_of
from fluxsecrets.sops.document import Data, Entry, Leaf, Mapping, Path, find, show_path, to_data

from .literals import is_value, is_variable

_DATA: Final = "data"
_WHOLE: Final = {
    "envFrom": "all of its keys as environment variables",
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
        changed = (_changed(reader, keys, wanted.secret) for reader in readers)
        elsewhere = tuple(each for each in changed if each is not None)
        unread = sorted(keys - {_key(reader) for reader in readers})
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
    if node.alias:
        raise UsageError(
            f"{show_path(path)} is written with a YAML alias, whose anchor other values share",
            hint="write the value out in place of the alias first",
        )
    if not isinstance(node.value, str):
        raise UsageError(
            f"{show_path(path)} is not text, so Kubernetes refuses it", hint="put the value in quotes"
        )
    if not is_value(node.value):
        what = "a variable of Flux" if is_variable(node.value) else "no value"
        raise UsageError(f"{show_path(path)} holds {what}", hint="name a key with a value")
    key = str(path[1])
    if key in wanted.taken:
        raise UsageError(
            f"the Secret {wanted.secret} has a key {key} already",
            hint="name another Secret with --secret NAME",
        )
    names = dict.fromkeys(each.shown for each in readers if _key(each) == key)
    return Moved(path, key, node.value, f"read by {', '.join(names)}", line_of(node) or 0)


def _key(reader: Reader) -> str | None:
    """Return the key that an object reads, or None for all of them."""
    return DEFAULT_KEY if reader.use.via == "valuesFrom" and reader.use.key is None else reader.use.key


def _changed(reader: Reader, keys: set[str], secret: str) -> Elsewhere | None:
    """Return how an object refers to the Secret; None if it reads other keys only.

    Raises:
        UsageError: its reference can't follow.
    """
    key, use = _key(reader), reader.use
    if key is not None and key not in keys:
        return None
    if key is None or use.likely or use.via not in ("env", "valuesFrom"):
        what = _WHOLE.get(use.via, "it in a way that is not known here")
        raise UsageError(
            f"{reader.shown} reads {what}, and that can't follow a single key to a Secret",
            hint="move all of its secret keys to a Secret by hand, and refer to both there",
        )
    if reader.problem is not None:
        raise UsageError(f"{reader.shown} reads {key}, and {reader.problem}", hint="change it by hand")
    edits = _in_env(reader, secret) if use.via == "env" else _in_values(reader, secret)
    return Elsewhere(reader.file, reader.part, (), reader.shown, tuple(edits))


def _in_env(reader: Reader, secret: str) -> Iterator[Edit]:
    """`configMapKeyRef` becomes `secretKeyRef`."""
    steps = reader.use.steps[:-1]
    old = to_data(reader.node)
    reference = dig(_at(old, steps[:-1]), str(steps[-1]))
    yield Edit((*steps[:-1], "secretKeyRef"), {**reference, "name": secret})
    yield Edit(steps, remove=True)


def _in_values(reader: Reader, secret: str) -> Iterator[Edit]:
    """`kind: ConfigMap` becomes `kind: Secret`."""
    steps = reader.use.steps[:-1]
    yield Edit((*steps, "kind"), "Secret")
    yield Edit((*steps, "name"), secret)


def _at(data: Data, steps: Path) -> Data:
    for step in steps:
        data = data[step]  # type: ignore[index]  # the reference was found there
    return data
