"""The new cluster's key: an identity that is made, or the public half of one that the cluster has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fluxsecrets.errors import UsageError
from fluxsecrets.marks import KEYS_FOLDER
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.clusterkeys import key_name, names_cluster
from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.envelope import try_recipients
from fluxsecrets.sops.recipients import age

from .model import AddRequest, Cluster
from .naming import Naming

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity


def cluster_key(
    session: Session, request: AddRequest, naming: Naming, settings: Settings, public: Mapping[str, str]
) -> tuple[Cluster, AgeIdentity | None]:
    """The keys of the two clusters, and the new identity where one is made.

    Raises:
        UsageError: the key is the old cluster's, or its name is taken.
        RecipientError: nothing can be encrypted for it.
    """
    old = _old_recipients(session, naming, settings, public)
    name = _key_name(naming, old, public)
    if request.recipient is None:
        from fluxsecrets.keys.generate import generate_identity

        identity = generate_identity(datetime.now(UTC))
        return Cluster(old, identity.recipient, name), identity
    recipient = age(request.recipient)
    try_recipients(((recipient,),), session.providers)
    if recipient.id in old:
        raise UsageError(
            f"that is the key of {naming.source}'s own cluster",
            hint="leave out --recipient to create a new one",
        )
    return Cluster(old, recipient.id, public.get(recipient.id, name)), None


def _old_recipients(
    session: Session, naming: Naming, settings: Settings, public: Mapping[str, str]
) -> tuple[str, ...]:
    """The public keys of the old cluster: those in the settings, or else those that are named after it."""
    own = settings.environment(naming.source)
    if own is not None and own.cluster_recipients:
        return own.cluster_recipients
    named = dict(public)
    for path in naming.files:
        rule = session.rule_for(naming.tree.root / path)
        if rule is not None:
            named = {**rule.names, **named}
    return tuple(text for text, name in named.items() if names_cluster(name, naming.source))


def _key_name(naming: Naming, old: Iterable[str], public: Mapping[str, str]) -> str:
    tree: Tree = naming.tree
    taken = set(public.values())
    named = (naming.words(public[text]) for text in old if text in public)
    candidates = (*named, key_name(naming.name), naming.name)
    for name in candidates:
        if name not in taken and not os.path.lexists(tree.root / KEYS_FOLDER / f"{name}.pub"):
            return name
    raise UsageError(
        f"{KEYS_FOLDER}/{candidates[-1]}.pub already exists",
        hint=f"use that key with --recipient, or remove {KEYS_FOLDER}/{candidates[-1]}.pub",
    )
