"""Choose the Secret for extracted values: one that is there, or a new file beside the manifest."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.errors import NotEncryptedError, UsageError
from fluxsecrets.ops.convert.naming import with_sops_marker
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import Manifest
from fluxsecrets.repo.secretobject import FIELDS
from fluxsecrets.repo.tree import parent
from fluxsecrets.sops.document import Leaf, to_data

from .applied import Applied
from .secretfile import SecretFile
from .siblings import Files


@dataclass(frozen=True, slots=True)
class WantedSecret:
    """Which Secret gets the values of an object.

    Attributes:
        manifest: the path of the manifest, relative to the root.
        name: of the Secret.
        namespace: of the manifest's object, as it is written there.
        to: the file that the user named, relative to the root, or None.
        planned: the files of other Secrets that this run writes.
    """

    manifest: str
    name: str
    namespace: str | None
    to: str | None = None
    planned: Collection[str] = ()


def choose_secret(
    session: Session, files: Files, wanted: WantedSecret, environments: Collection[Applied]
) -> SecretFile:
    """Return the file of the Secret for extracted values.

    A Secret of that name is extended, if it is in the folder of the manifest or Flux applies it with the
    manifest. Otherwise a file is made in the folder, with a name that a creation rule matches.

    Args:
        session: the run.
        files: those of the repository.
        wanted: which Secret.
        environments: those in which Flux reads the manifest.

    Raises:
        UsageError: another object of this run writes the file; or the named file exists and does not have the
            Secret.
        NotEncryptedError: the Secret exists, in plain text.
    """
    found = _chosen(session, files, wanted, environments)
    if found.path in wanted.planned:
        raise UsageError(
            f"two objects would write their values to {session.shown(files.tree.root / found.path)}",
            hint="extract one after the other, with --secret NAME for the second",
        )
    return found


def _chosen(
    session: Session, files: Files, wanted: WantedSecret, environments: Collection[Applied]
) -> SecretFile:
    tree = files.tree
    for path, secret in _candidates(files, wanted, environments):
        if secret.name == wanted.name and secret.namespace in (wanted.namespace, None):
            _refuse_unfit(secret, session.shown(tree.root / path))
            keys = frozenset(_keys(secret))
            return SecretFile(session, tree, path, wanted.name, wanted.namespace, secret.index, keys)
    if wanted.to is None:
        path = _new_path(session, files, wanted)
    elif wanted.to in tree.files or os.path.lexists(tree.root / wanted.to):
        raise UsageError(
            f"{session.shown(tree.root / wanted.to)} exists and has no Secret {wanted.name}",
            hint="name a new file, or the Secret that it has with --secret NAME",
        )
    else:
        path = wanted.to
    return SecretFile(session, tree, path, wanted.name, wanted.namespace)


def _candidates(
    files: Files, wanted: WantedSecret, environments: Iterable[Applied]
) -> Iterator[tuple[str, Manifest]]:
    """Yield the Secrets that may be the wanted one, with their files, first those beside the manifest."""
    if wanted.to is not None:
        yield from ((wanted.to, each) for each in files.secrets_in(wanted.to))
        return
    yield from files.folder(parent(wanted.manifest)).secrets.get(wanted.name, ())
    for path in _applied(wanted, environments):
        yield from ((path, each) for each in files.secrets_in(path))


def _applied(wanted: WantedSecret, environments: Iterable[Applied]) -> Iterator[str]:
    """The files of Secrets of that name that Flux applies where it applies the manifest's object."""
    for applied in environments:
        namespaces = {item.namespace for item in applied.by_file.get(wanted.manifest, ())}
        for item in applied.secrets.get(wanted.name, ()):
            if item.namespace in namespaces:
                yield item.file


def _refuse_unfit(secret: Manifest, shown: str) -> None:
    if secret.in_list:
        raise UsageError(
            f"the Secret {secret.name} is in a List", path=shown, hint="name another one with --secret NAME"
        )
    if _is_immutable(secret):
        raise UsageError(
            f"the Secret {secret.name} is immutable, so that a cluster refuses more keys in it",
            path=shown,
            hint="name another one with --secret NAME",
        )
    if not secret.has_sops:
        raise NotEncryptedError(
            f"the Secret {secret.name} is in plain text",
            path=shown,
            hint="encrypt it first: `fluxsecrets encrypt FILE`",
        )


def _is_immutable(secret: Manifest) -> bool:
    node = secret.node.get("immutable")
    return isinstance(node, Leaf) and node.value is True


def _keys(secret: Manifest) -> Iterator[str]:
    data = to_data(secret.node)
    for name in FIELDS:
        values = data.get(name) if isinstance(data, dict) else None
        yield from values if isinstance(values, dict) else ()


def _new_path(session: Session, files: Files, wanted: WantedSecret) -> str:
    """A path for a new Secret: the first of the usual names that a creation rule matches."""
    tree, folder = files.tree, files.folder(parent(wanted.manifest))
    paths = [
        path
        for path in (
            posixpath.join(folder.path, each) for each in _names(wanted.name, marks=folder.has_marked)
        )
        if path not in tree.files and not os.path.lexists(tree.root / path)
    ]
    if not paths:
        raise UsageError(f"the folder has no free name for the Secret {wanted.name}", hint="add --to FILE")
    ruled = (path for path in paths if session.rule_for(tree.root / path) is not None)
    return next(ruled, paths[0])


def _names(name: str, *, marks: bool) -> Iterator[str]:
    plain = f"{name}.yaml"
    marked = with_sops_marker(plain)
    yield from (marked, plain) if marks else (plain, marked)
    yield from (f"{name}-secret.yaml", f"{name}-secrets.yaml", f"secret-{name}.yaml")
    yield from (f"{name}.enc.yaml", f"{name}.secret.yaml", "secret.yaml", "secrets.yaml")
