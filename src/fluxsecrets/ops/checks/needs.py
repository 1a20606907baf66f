"""What the controller of an environment has to be allowed, to decrypt files with keys that services hold."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from fluxsecrets.audit.cluster import all_provided
from fluxsecrets.audit.facts import Facts, encrypted_by_path
from fluxsecrets.audit.judged import controller_of
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.audit.servicekeys import keys_of
from fluxsecrets.flux.keygroups import opens
from fluxsecrets.flux.permissions import Permission, credentials_for, permission_for
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import FluxKustomization


@dataclass(frozen=True, slots=True)
class Need:
    """One permission.

    Attributes:
        action: such as `kms:Decrypt`.
        key: the whole name of the key.
        role: the role that is assumed for it, or None.
        by: whose credentials are used, for people.
        files: the files that it is for.
    """

    action: str
    key: str
    role: str | None
    by: str
    files: tuple[str, ...]


def needs(facts: Facts, environment: Environment) -> tuple[Need, ...]:
    """Return what the controller needs, in the order of the Kustomizations.

    Files that an age or PGP key of the cluster opens need nothing else: these are tried first.
    """
    found: dict[tuple[Permission, str], list[str]] = {}
    for permission, by, path in _each(facts, environment):
        files = found.setdefault((permission, by), [])
        files += [path] if path not in files else []
    return tuple(Need(*permission, by, tuple(files)) for (permission, by), files in found.items())


def _each(facts: Facts, environment: Environment) -> Iterator[tuple[Permission, str, str]]:
    own = keys_of_clusters(facts).get(environment.name, frozenset())
    blocks = encrypted_by_path(facts)
    closed = {
        path: keys_of(blocks[path])
        for path in environment.graph.files & blocks.keys()
        if not opens(blocks[path], own)
    }
    account = controller_of(facts, environment).account
    for applied in environment.graph.applied:
        item = applied.kustomization
        if item is None or item.decryption is None:
            continue
        held = _held(facts, environment, item)
        for path in sorted(applied.files & closed.keys()):
            # Nothing may say which key the cluster has: one that the file is for would be enough, too.
            other = "" if all(permission_for(one) for one in closed[path]) or own else _OR_A_KEY
            for recipient in closed[path]:
                permission = permission_for(recipient)
                if permission is not None:
                    by = credentials_for(recipient.kind, item.decryption, item.namespace, held, account)
                    yield permission, by + other, path


_OR_A_KEY = ", unless the cluster has an age or PGP key of the file"


def _held(facts: Facts, environment: Environment, item: FluxKustomization) -> Collection[str] | None:
    """Return the names of the data keys in the Kustomization's Secret; None if nothing tells them."""
    if item.decryption is None or not item.decryption.secret:
        return ()
    for each in all_provided(facts, environment).get(("Secret", item.decryption.secret), ()):
        if each.provision.namespace in (None, item.namespace):
            return each.provision.keys
    return None
