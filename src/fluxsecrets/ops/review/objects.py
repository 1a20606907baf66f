"""The Kubernetes objects of a changed file, before and after."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import Manifest, read_manifests

from .change import Change, Compared

Identity = tuple[str, str, str]


def objects(change: Change, each: Compared) -> tuple[dict[Identity, Manifest], dict[Identity, Manifest]]:
    """Return the objects of both states by kind, namespace and name; none of what can't be read."""
    paths = (each.change.old_path, each.change.path if each.change.after is not None else None)
    found = []
    for side, path in zip((change.before, change.after), paths, strict=True):
        data = side.read(path)
        try:
            manifests = read_manifests(data, path or "").manifests if data is not None else ()
        except FluxsecretsError:
            manifests = ()
        found.append({(one.kind, one.namespace or "", one.name or ""): one for one in manifests})
    return found[0], found[1]
