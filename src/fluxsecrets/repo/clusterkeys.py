"""The keys that an environment's cluster has: the settings list them, or their names say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from fluxsecrets.sops.recipients import Recipient, RecipientKey, age, read_recipient, recipient_key

from .environments import list_environments
from .envnames import as_name
from .settings import Settings, load_settings
from .tree import Tree

_GENERIC = frozenset({"cluster", "flux", "sops", "age", "k8s", "kubernetes"})
"""Words in a key's name that say nothing about whose it is."""


def cluster_keys(
    environment: str, settings: Settings, readers: Iterable[Recipient], names: Mapping[str, str]
) -> tuple[Recipient, ...]:
    """The recipients whose private halves an environment's cluster has.

    Args:
        environment: its name.
        settings: where they may be given.
        readers: whose keys may be the cluster's.
        names: recipient id -> name.

    Returns:
        Those of the settings, or else those whose names say so, see `names_cluster`.
    """
    own = settings.environment(environment)
    if own is not None and own.cluster_recipients:
        return tuple(read_recipient(text) or age(text) for text in own.cluster_recipients)
    found = {
        recipient_key(each): each for each in readers if names_cluster(names.get(each.id, ""), environment)
    }
    return tuple(found.values())


def keys_of_clusters(
    tree: Tree, readers: Iterable[Recipient], names: Mapping[str, str]
) -> frozenset[RecipientKey]:
    """The keys of all clusters of a repository; see `cluster_keys`.

    Raises:
        ConfigError: the settings are invalid.
    """
    settings, readers = load_settings(tree), tuple(readers)
    return frozenset(
        recipient_key(key)
        for each in list_environments(tree, settings)
        for key in cluster_keys(each.name, settings, readers, names)
    )


def key_name(environment: str) -> str:
    """The name that a new key of an environment's cluster gets: part of a file name, and one word."""
    return f"cluster-{as_name(environment).replace('/', '-')}"


def names_cluster(name: str, environment: str) -> bool:
    """Whether a key's name says that it is an environment's: `cluster-staging`, `staging`, `staging-flux`.

    An environment's own name may have such a word, as `k8s-staging` has.
    """
    own = iter(_words(environment))
    wanted = next(own, None)
    if wanted is None:
        return False
    for word in _words(name):
        if word == wanted:
            wanted = next(own, None)
        elif word not in _GENERIC:
            return False
    return wanted is None


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^\W_]+", name.lower()))
