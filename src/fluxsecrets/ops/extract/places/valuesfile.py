"""A file of Helm values that a ConfigMap is generated from: the value moves to a Secret of the HelmRelease.

The ConfigMap stays. The Secret has a piece of values, which `spec.valuesFrom` merges over those of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.model import Edit, Elsewhere, Extraction, LiteralValue, Moved, Reader, Wanted
from fluxsecrets.repo.helmvalues import DEFAULT_KEY
from fluxsecrets.repo.manifests import child, items_of, line_of, text_of
from fluxsecrets.sops.document import Data, Mapping, Path, find, show_path

from .helmrelease import REFERENCES, fragment_text
from .keynames import unused
from .literals import literals_below, refuse_alias


@dataclass(frozen=True, slots=True)
class _ValuesFile:
    """See `Place`."""

    shown: ClassVar[str] = "values file"
    root: ClassVar[Path] = ()
    at_reader: ClassVar[bool] = True

    def holds(self, node: Mapping) -> bool:
        """Whether it is a map that is not an object of Kubernetes."""
        return bool(node.entries) and node.get("kind") is None and node.get("apiVersion") is None

    def literals(self, node: Mapping) -> Sequence[LiteralValue]:
        """The scalars of the file."""
        return tuple(literals_below(node, ()))

    def secret_name(self, node: Mapping) -> str:
        """`NAME-values`, after the HelmRelease that reads the file."""
        return f"{text_of(child(node, 'metadata', 'name')) or 'release'}-values"

    def extract(self, wanted: Wanted) -> Extraction:
        """See `Place.extract`."""
        readers = wanted.readers
        if not readers:
            raise UsageError(
                "no HelmRelease that Flux applies here reads the file from a generated ConfigMap",
                hint="move the value to a Secret by hand, or encrypt the file if its reader decrypts it",
            )
        paths = tuple(dict.fromkeys(_movable(wanted.node, path) for path in wanted.paths))
        key = unused(DEFAULT_KEY, wanted.taken)
        entry: Data = {"kind": "Secret", "name": wanted.secret, "valuesKey": key}
        text = fragment_text(wanted.node, paths)
        shown = ", ".join(dict.fromkeys(each.shown for each in readers))
        moved = tuple(
            Moved(path, key, text, f"merged from {key} by {shown}", line_of(find(wanted.node, path)) or 0)
            for path in paths
        )
        elsewhere = tuple(_changed(each, entry, readers) for each in readers)
        return Extraction(moved, tuple(Edit(path, remove=True) for path in paths), (), elsewhere)


PLACE: Final = _ValuesFile()


def _movable(node: Mapping, path: Path) -> Path:
    """Return what has to move for a value: itself, or the list around it, which values replace as a whole.

    Raises:
        UsageError: it isn't a value that is written there.
    """
    if not any(literals_below(find(node, path), path)):
        raise UsageError(f"{show_path(path)} holds no value to extract", hint="name a key with a value")
    for step in range(len(path) + 1):
        refuse_alias(find(node, path[:step]), path[:step])
    return path[: next((at for at, step in enumerate(path) if isinstance(step, int)), len(path))]


def _changed(reader: Reader, entry: Data, readers: Iterable[Reader]) -> Elsewhere:
    """Return how a HelmRelease merges the Secret over the file.

    Raises:
        UsageError: it can't.
    """
    listed = items_of(find(reader.node, REFERENCES))
    reason = reader.problem
    if reader.use.via != "valuesFrom" or (reader.use.key or DEFAULT_KEY) != reader.key:
        reason = "it reads the file in another way than as values"
    elif reader.use.steps[:3] != (*REFERENCES, len(listed) - 1):
        reason = "other references follow, which the Secret would override"
    elif child(listed[-1], "targetPath") is not None:
        reason = "it reads the file as one value, with targetPath"
    elif sum(each.file == reader.file and each.part == reader.part for each in readers) > 1:
        reason = "it reads the file twice"
    if reason is not None:
        raise UsageError(
            f"{reader.shown} can't merge a Secret over the file: {reason}", hint="move the value by hand"
        )
    return Elsewhere(reader.file, reader.part, (), reader.shown, (Edit((*REFERENCES, len(listed)), entry),))
