"""Read a cluster from files that kubectl wrote: lists or single objects, in JSON or YAML, under any names.

A dump says what it has, and not what it was asked for. A kind without an object in it is a gap. A list of
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
    Origin,
    Wanted,
    Why,
    by_name,
)
from .secrets import ReadKeys, read_secret

_MAX_FILES: Final = 10_000
_HINT: Final = "`fluxsecrets verify --env NAME --cluster --save-dump DIR` writes one"


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
        objects: dict[Kind, list[LiveObject]] = {}
        secrets: list[LiveSecret] = []
        covered: set[str] = set()
        for document in self._documents():
            own = []
            for data in items(document):
                kind = kind_in(data)
                if kind is None:
                    continue
                if kind == SECRET:
                    own.append(read_secret(data, self.hasher, self.read_keys, dumped=True))
                elif (found := read_object(kind, data)) is not None:
                    objects.setdefault(kind, []).append(found)
            secrets += own
            if isinstance(document, dict) and "items" in document:
                covered |= {each.item.namespace for each in own}
        if not objects and not secrets:
            raise ClusterError("there is no object of Kubernetes in the dump", path=self.shown, hint=_HINT)
        listings = {kind: self._listing(kind, objects.get(kind, [])) for kind in KINDS if kind != SECRET}
        return LiveCluster(
            Origin(folder=self.shown), self.hasher, listings, self._secrets(secrets, covered, wanted)
        )

    def _listing(self, kind: Kind, found: list[LiveObject]) -> Listing:
        if not found:
            hint = f"add `kubectl get {kind.argument} -A -o json` to it"
            return Listing(gap=Gap(Why.NOT_IN_DUMP, f"objects of kind {kind.name}", hint))
        return Listing(tuple({each.key: each for each in found}.values()))

    def _secrets(self, found: list[LiveSecret], covered: set[str], wanted: Wanted) -> LiveSecrets:
        everywhere = len(covered) > 1
        missing = Gap(Why.NOT_IN_DUMP, "Secrets", "add `kubectl get secrets -A -o json` to it")
        gaps: dict[str, Gap] = {}
        for namespace, _ in () if everywhere else sorted(wanted.secrets):
            if namespace not in covered:
                gaps[namespace] = Gap(missing.why, f"Secrets of namespace {namespace}", missing.hint)
        return LiveSecrets(by_name(found), gaps, None if everywhere else missing)

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
