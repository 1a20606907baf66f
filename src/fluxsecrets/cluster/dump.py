"""Read a cluster from files that kubectl wrote: lists or single objects, in JSON or YAML, under any names.

A dump says what it has, and not what it was asked for. A kind without a list in it is a gap. A list of
Secrets tells all about the namespaces that are in it, and about all of them if there are several.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fluxsecrets.errors import ClusterError, FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.repo.manifests import text
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import load_either

from .collecting import LARGEST, items, kind_in, read_object
from .hasher import Hasher
from .kinds import KINDS, SECRET, Kind
from .model import (
    Gap,
    Listing,
    LiveCluster,
    LiveObject,
    LiveSecret,
    LiveSecrets,
    Name,
    Origin,
    Wanted,
    Why,
)
from .secrets import ReadKeys, read_secret

_MAX_FILES: Final = 10_000
_HINT: Final = "`fluxsecrets verify --env NAME --cluster --save-dump DIR` writes one"


def _version(item: LiveObject) -> tuple[str | None, ...]:
    return tuple(text(item.data, "metadata", name) for name in ("uid", "resourceVersion"))


@dataclass(slots=True)
class _Found:
    """What the documents of a dump have, so far.

    Attributes:
        listed: the kinds of which there was a list.
        covered: the namespaces that lists of Secrets have Secrets of.
        everywhere: one of these lists is of all namespaces.
    """

    objects: dict[Kind, dict[Name, LiveObject]] = field(default_factory=dict)
    secrets: dict[Name, LiveSecret] = field(default_factory=dict)
    listed: set[Kind] = field(default_factory=set)
    covered: set[str] = field(default_factory=set)
    everywhere: bool = False

    def listing(self, kind: Kind) -> Listing:
        """The objects of a kind. Single objects don't tell whether there are more."""
        found = tuple(self.objects.get(kind, {}).values())
        if kind in self.listed:
            return Listing(found)
        what = f"{'more ' if found else ''}objects of kind {kind.name}"
        return Listing(
            found, Gap(Why.NOT_IN_DUMP, what, f"add `kubectl get {kind.argument} -A -o json` to it")
        )

    def listed_secrets(self, wanted: Wanted) -> LiveSecrets:
        """The Secrets, and the namespaces that may have more."""
        missing = Gap(Why.NOT_IN_DUMP, "Secrets", "add `kubectl get secrets -A -o json` to it")
        gaps: dict[str, Gap] = {}
        for namespace, _ in () if self.everywhere else sorted(wanted.secrets):
            if namespace not in self.covered:
                gaps[namespace] = Gap(missing.why, f"Secrets of namespace {namespace}", missing.hint)
        return LiveSecrets(self.secrets, gaps, None if self.everywhere else missing)


@dataclass(frozen=True, slots=True)
class Dump:
    """A folder with what kubectl printed.

    Attributes:
        shown: the folder, for messages.
        read_keys: looks for keys in the values of Secrets.
        hasher: makes the hashes of values.
    """

    folder: Path
    shown: str
    limits: Limits
    read_keys: ReadKeys = field(repr=False)
    hasher: Hasher = field(default_factory=Hasher)

    def read(self, wanted: Wanted) -> LiveCluster:
        """Read the whole dump. What is wanted and not in it is a gap.

        Raises:
            ClusterError: there is no such folder, or no object in it.
            FileAccessError, FormatError, LimitError: a file can't be read.
        """
        found = _Found()
        for document in self._documents():
            self._add(found, document)
        if not found.objects and not found.secrets:
            raise ClusterError("there is no object of Kubernetes in the dump", path=self.shown, hint=_HINT)
        return LiveCluster(
            Origin(folder=self.shown),
            self.hasher,
            {kind: found.listing(kind) for kind in KINDS if kind != SECRET},
            found.listed_secrets(wanted),
        )

    def _add(self, found: _Found, document: Any) -> None:
        """Take the objects of a document."""
        is_list = isinstance(document, dict) and "items" in document
        if is_list and text(document, "metadata", "continue") is not None:
            raise ClusterError("a list in the dump is cut off", path=self.shown, hint=_HINT)
        namespaces = set()
        for data in items(document):
            kind = kind_in(data)
            if kind is None:
                continue
            if is_list:
                found.listed.add(kind)
            if kind == SECRET:
                secret = read_secret(data, self.hasher, self.read_keys, dumped=True)
                self._require_one_version(found.secrets.get(secret.item.key), secret.item)
                found.secrets[secret.item.key] = secret
                namespaces.add(secret.item.namespace)
            else:
                item = read_object(kind, data)
                objects = found.objects.setdefault(kind, {})
                self._require_one_version(objects.get(item.key), item)
                objects[item.key] = item
        if is_list:
            found.covered |= namespaces
            found.everywhere |= len(namespaces) > 1

    def _require_one_version(self, before: LiveSecret | LiveObject | None, item: LiveObject) -> None:
        """Refuse a dump of two clusters, or of two times: it would not be known which is compared."""
        first = before.item if isinstance(before, LiveSecret) else before
        if first is not None and _version(first) != _version(item):
            raise ClusterError(
                f"the dump has {item.kind.name} {'/'.join(item.key)} in two versions",
                path=self.shown,
                hint="use one folder per cluster, and an empty one for each dump",
            )

    def _documents(self) -> Iterator[Any]:
        for path in self._files():
            shown = f"{self.shown}/{path.relative_to(self.folder).as_posix()}"
            try:
                yield from self._read(path)
            except FluxsecretsError as error:
                raise error.in_file(shown) from None

    def _files(self) -> Iterable[Path]:
        if not self.folder.is_dir():
            raise ClusterError("there is no such folder", path=self.shown, hint=_HINT)
        found = sorted(
            path
            for path in self.folder.rglob("*")
            if path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file() and not path.is_symlink()
        )
        if len(found) > _MAX_FILES:
            raise ClusterError(f"more than {_MAX_FILES} files are too many for a dump", path=self.shown)
        return found

    def _read(self, path: Path) -> Iterable[Any]:
        """The documents of a file."""
        if path.suffix.lower() == ".json":
            data = read_file(path, limit=LARGEST).data
            try:
                return [json.loads(data)]
            except (ValueError, RecursionError):
                # Several documents, or YAML under another name. The parser's own message would quote it.
                pass
        data = read_file(path, limit=self.limits.size).data
        return [to_data(node) for node in load_either(data, self.limits)]
