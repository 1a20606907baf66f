"""Choose the Secret for extracted values: one that is there, or a new file beside the manifest."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, NotEncryptedError, UsageError
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.convert.naming import with_sops_marker
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import Manifest, may_hold_secret, read_manifests
from fluxsecrets.repo.secretobject import FIELDS
from fluxsecrets.repo.tree import Tree, parent
from fluxsecrets.sops.document import Leaf, to_data

from .secretfile import SecretFile


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
    planned: tuple[str, ...] = ()


def choose_secret(
    session: Session, tree: Tree, wanted: WantedSecret, environments: Collection[Environment]
) -> SecretFile:
    """Return the file of the Secret for extracted values.

    A Secret of that name is extended, if it is in the folder of the manifest or Flux applies it with the
    manifest. Otherwise a file is made in the folder, with a name that a creation rule matches.

    Args:
        session: the run.
        tree: the repository.
        wanted: which Secret.
        environments: those in which Flux reads the manifest.

    Raises:
        UsageError: another object of this run writes the file; or the named file exists and does not have the
            Secret.
        NotEncryptedError: the Secret exists, in plain text.
    """
    found = _chosen(session, tree, wanted, environments)
    if found.path in wanted.planned:
        raise UsageError(
            f"two objects would write their values to {session.shown(tree.root / found.path)}",
            hint="extract one after the other, with --secret NAME for the second",
        )
    return found


def _chosen(
    session: Session, tree: Tree, wanted: WantedSecret, environments: Collection[Environment]
) -> SecretFile:
    if wanted.to is None:
        places = [*_beside(tree, wanted.manifest), *_applied(wanted, environments)]
    else:
        places = [wanted.to]
    for path in dict.fromkeys(places):
        found = _secret_in(session, tree, path, wanted) if path in tree.files else None
        if found is not None:
            return found
    if wanted.to is None:
        path = _new_path(session, tree, wanted)
    elif wanted.to in tree.files or os.path.lexists(tree.root / wanted.to):
        raise UsageError(
            f"{session.shown(tree.root / wanted.to)} exists and has no Secret {wanted.name}",
            hint="name a new file, or the Secret that it has with --secret NAME",
        )
    else:
        path = wanted.to
    return SecretFile(session, tree, path, wanted.name, wanted.namespace)


def _applied(wanted: WantedSecret, environments: Iterable[Environment]) -> Iterator[str]:
    """The files of Secrets of that name that Flux applies where it applies the manifest's object."""
    for environment in environments:
        objects = [item for _, item in environment.graph.objects]
        namespaces = {item.namespace for item in objects if item.file == wanted.manifest}
        for item in objects:
            named = item.is_secret and item.manifest is not None and item.manifest.name == wanted.name
            if named and item.namespace in namespaces:
                yield item.file


def _beside(tree: Tree, manifest: str) -> list[str]:
    folder = parent(manifest)
    return [
        path
        for path in tree.below(folder)
        if parent(path) == folder and path.lower().endswith(MANIFEST_SUFFIXES)
    ]


def _secret_in(session: Session, tree: Tree, path: str, wanted: WantedSecret) -> SecretFile | None:
    try:
        data = tree.read(path)
        manifests = read_manifests(data, path, tree.limits).secrets if may_hold_secret(data) else ()
    except FluxsecretsError:
        return None
    for each in manifests:
        if each.name == wanted.name and each.namespace in (wanted.namespace, None):
            shown = session.shown(tree.root / path)
            _refuse_unfit(each, shown)
            keys = frozenset(_keys(each))
            return SecretFile(session, tree, path, wanted.name, wanted.namespace, each.index, keys)
    return None


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


def _new_path(session: Session, tree: Tree, wanted: WantedSecret) -> str:
    """A path for a new Secret: the first of the usual names that a creation rule matches."""
    folder = parent(wanted.manifest)
    paths = [
        path
        for path in (
            posixpath.join(folder, each) for each in _names(wanted.name, _beside(tree, wanted.manifest))
        )
        if path not in tree.files and not os.path.lexists(tree.root / path)
    ]
    if not paths:
        raise UsageError(f"the folder has no free name for the Secret {wanted.name}", hint="add --to FILE")
    ruled = (path for path in paths if session.rule_for(tree.root / path) is not None)
    return next(ruled, paths[0])


def _names(name: str, beside: Iterable[str]) -> Iterator[str]:
    plain = f"{name}.yaml"
    marked = with_sops_marker(plain)
    marks = any(".sops." in path.rpartition("/")[2] for path in beside)
    yield from (marked, plain) if marks else (plain, marked)
    yield from (f"{name}-secret.yaml", f"{name}-secrets.yaml", f"secret-{name}.yaml")
    yield from (f"{name}.enc.yaml", f"{name}.secret.yaml", "secret.yaml", "secrets.yaml")
