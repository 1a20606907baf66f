"""Recipients as people: who is who, and whose key a cluster has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fluxsecrets.findings import Location
from fluxsecrets.repo.clusterkeys import cluster_keys
from fluxsecrets.repo.offboarding import OpenFile, Unfinished, unfinished
from fluxsecrets.sops import recipients
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import Recipient, RecipientKey, read_recipient, recipient_key

from .facts import Facts


def by_key(people: Iterable[Recipient]) -> dict[RecipientKey, Recipient]:
    """Recipients by what makes them the same key, each once, in order."""
    found: dict[RecipientKey, Recipient] = {}
    for recipient in people:
        found.setdefault(recipient_key(recipient), recipient)
    return found


def listed(people: Iterable[Recipient], names: Mapping[str, str]) -> str:
    """Names of recipients, with commas."""
    return ", ".join(name_of(recipient, names) for recipient in people)


def keys_of_clusters(facts: Facts) -> dict[str, frozenset[RecipientKey]]:
    """The keys of each environment's cluster, among those that have a name; others are missing."""
    return facts.once("keys of clusters", lambda: _keys_of_clusters(facts))


def _keys_of_clusters(facts: Facts) -> dict[str, frozenset[RecipientKey]]:
    everybody = [read_recipient(text) or recipients.age(text) for text in facts.names]
    found = {}
    for name in facts.environment_names:
        keys = cluster_keys(name, facts.settings, everybody, facts.names)
        if keys:
            found[name] = frozenset(map(recipient_key, keys))
    return found


def all_recipients(facts: Facts) -> Iterator[tuple[Location, dict[RecipientKey, Recipient]]]:
    """The recipients of each rule, then of each encrypted file, with the place that names them."""
    for item in facts.configs:
        for rule in item.config.rules if item.config is not None else ():
            yield Location(item.path, rule.line), by_key(rule.recipients)
    for secret, metadata in facts.encrypted():
        yield Location(secret.path), by_key(each for group in metadata.recipients for each in group)


def unfinished_removals(facts: Facts) -> tuple[Unfinished, ...]:
    """The removals that are not finished, by the records of those who left."""
    if not facts.leavers:
        return ()
    files = [
        OpenFile(
            secret.path,
            secret.path,
            metadata.recipients,
            groups_needed(metadata.recipients, metadata.shamir_threshold),
        )
        for secret, metadata in facts.encrypted()
    ]
    clusters = frozenset(key for keys in keys_of_clusters(facts).values() for key in keys)
    return unfinished(facts.leavers, files, facts.names, clusters)


def is_production(environment: str) -> bool:
    """Whether an environment's name says that it is the one that counts."""
    words = re.split(r"[^a-z0-9]+", environment.lower())
    return any(word in ("prod", "prd", "production", "live") for word in words)
