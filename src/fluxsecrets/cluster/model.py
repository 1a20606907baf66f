"""A cluster as it was read: objects, Secrets without values, and what could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from fluxsecrets.flux.common import OWNER
from fluxsecrets.repo.manifests import Plain, dig, maps, pairs, text
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .hasher import Hasher
from .kinds import Kind

Name = tuple[str, str]
"""Namespace and name."""

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")


def is_name(text: str) -> bool:
    """Whether Kubernetes allows a name. Others may be options of commands, or do things to a terminal."""
    return _NAME.fullmatch(text) is not None


class Why(StrEnum):
    """Why something could not be read."""

    FORBIDDEN = "forbidden"
    NO_SUCH_KIND = "the cluster has no such kind"
    NOT_IN_DUMP = "not in the dump"
    NOT_ASKED = "not asked for"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read: what depends on it cannot be told.

    Attributes:
        what: such as `Secrets of namespace apps`.
        hint: what to do about it, or "".
    """

    why: Why
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """An entry of `status.conditions`.

    Attributes:
        status: `True`, `False` or `Unknown`.
        message: in the controller's words, which may quote values. Not in the repr.
        since: when the status last changed, in RFC 3339, or "".
    """

    type: str
    status: str
    reason: str = ""
    message: str = field(default="", repr=False)
    since: str = ""


@dataclass(frozen=True, slots=True)
class LiveObject:
    """An object as the API server has it. Of a Secret, `data` has no values.

    Attributes:
        data: all of it. Not in the repr, since fields such as `spec.postBuild` may hold values.
    """

    kind: Kind
    namespace: str
    name: str
    data: Plain = field(repr=False)

    @property
    def key(self) -> Name:
        """Namespace and name."""
        return self.namespace, self.name

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return pairs(self.data, "metadata", "labels")

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return pairs(self.data, "metadata", "annotations")

    @property
    def owner(self) -> Name | None:
        """The Kustomization that has applied it, by namespace and name; None if Flux has not."""
        labels = self.labels
        namespace, name = labels.get(f"{OWNER}/namespace", ""), labels.get(f"{OWNER}/name", "")
        return (namespace, name) if is_name(namespace) and is_name(name) else None

    @property
    def suspended(self) -> bool:
        """Whether its controller leaves it alone."""
        return dig(self.data, "spec", "suspend") is True

    @property
    def observed(self) -> bool:
        """Whether its controller has seen the last change of its spec; true if it doesn't say."""
        generation, seen = (
            dig(self.data, "metadata", "generation"),
            dig(self.data, "status", "observedGeneration"),
        )
        return not (isinstance(generation, int) and isinstance(seen, int)) or seen >= generation

    def condition(self, type_: str) -> Condition | None:
        """Return its condition of a type, such as `Ready`."""
        for entry in maps(self.data, "status", "conditions"):
            if entry.get("type") == type_:
                return Condition(
                    type_,
                    text(entry, "status") or "Unknown",
                    text(entry, "reason") or "",
                    text(entry, "message") or "",
                    text(entry, "lastTransitionTime") or "",
                )
        return None


@dataclass(frozen=True, slots=True)
class ClusterKeys:
    """The keys in a Secret, as kustomize-controller would import them. No private part is kept.

    Attributes:
        recipients: whose files they open, by data key.
        unusable: data keys that the controller can't import, with the reason; the first one stops it.
        ignored: data keys that it passes over, by their names.
        services: data keys with credentials for a service; what they open, nothing here tells.
        unread: data keys that may hold private keys, which could not be read here, with the reason.
    """

    recipients: Mapping[str, tuple[Recipient, ...]] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def opened(self) -> frozenset[RecipientKey]:
        """Whose files the private keys open, without the data keys that they are in."""
        return frozenset(recipient_key(one) for found in self.recipients.values() for one in found)


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A Secret in the cluster, without its values.

    Attributes:
        item: the rest of it: metadata, `type`, `immutable`.
        digests: by key the keyed hash of the value; None where a dump hides the value.
        ciphertexts: the keys whose value is a ciphertext of SOPS.
        copies: annotations that hold a copy of the values, such as the one of `kubectl apply`. Their texts
            are not in `item`.
        keys: what Flux could decrypt with it.
    """

    item: LiveObject
    digests: Mapping[str, str | None]
    ciphertexts: frozenset[str] = frozenset()
    copies: tuple[str, ...] = ()
    keys: ClusterKeys = field(default_factory=ClusterKeys)

    @property
    def type(self) -> str:
        """Such as `Opaque`."""
        return text(self.item.data, "type") or "Opaque"


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects of one kind.

    Attributes:
        gap: why there may be more, or None.
    """

    objects: tuple[LiveObject, ...] = ()
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class LiveSecrets:
    """The Secrets that were read.

    Attributes:
        found: by namespace and name.
        gaps: by namespace why Secrets of it may be missing here.
        owned_gap: why there may be more Secrets that Flux applied, or None.
        asked: which were asked for; None if it was every one.
    """

    found: Mapping[Name, LiveSecret] = field(default_factory=dict)
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    owned_gap: Gap | None = None
    asked: frozenset[Name] | None = None

    def get(self, namespace: str, name: str) -> LiveSecret | Gap | None:
        """Return a Secret; None if the cluster surely doesn't have it."""
        found = self.found.get((namespace, name))
        if found is None and self.asked is not None and (namespace, name) not in self.asked:
            return Gap(Why.NOT_ASKED, f"Secret {namespace}/{name}")
        return found if found is not None else self.gaps.get(namespace)

    def __iter__(self) -> Iterator[LiveSecret]:
        """All of them, by namespace and name."""
        return (self.found[key] for key in sorted(self.found))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where it was read from.

    Attributes:
        context: of the kubeconfig file, or "".
        server: the address of the API server, or "".
        folder: of a dump, or "".
        chosen: the user named the context, or the folder; else it is the current context.
    """

    context: str = ""
    server: str = ""
    folder: str = ""
    chosen: bool = True


@dataclass(frozen=True, slots=True)
class LiveCluster:
    """What was read of a cluster.

    Attributes:
        listings: by kind; a kind that was not asked for is missing.
        hasher: makes the hashes to compare with those of the Secrets.
    """

    origin: Origin
    hasher: Hasher
    listings: Mapping[Kind, Listing]
    secrets: LiveSecrets

    def listing(self, kind: Kind) -> Listing:
        """Return the objects of a kind, or none with a gap."""
        missing = Gap(Why.NOT_ASKED, f"objects of kind {kind.name}")
        return self.listings.get(kind, Listing(gap=missing))

    def get(self, kind: Kind, namespace: str, name: str) -> LiveObject | Gap | None:
        """Return an object; None if the cluster doesn't have it."""
        listing = self.listing(kind)
        found = (each for each in listing.objects if each.key == (namespace, name))
        return next(found, listing.gap)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read.

    Attributes:
        kinds: without Secrets.
        namespaces: of Flux's own Deployments and ServiceAccounts.
        secrets: by namespace and name. Those that Flux applied come, too.
    """

    kinds: tuple[Kind, ...]
    namespaces: frozenset[str]
    secrets: frozenset[Name]

    def by_namespace(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the Secrets by namespace, both sorted.

        What can't be a name is left out: it comes from a repository, and would be an option to kubectl.
        """
        found: dict[str, list[str]] = {}
        for namespace, name in sorted(self.secrets):
            if is_name(namespace) and is_name(name):
                found.setdefault(namespace, []).append(name)
        return {namespace: tuple(names) for namespace, names in found.items()}


class ClusterReader(Protocol):
    """Reads a cluster: by kubectl, or from files."""

    def read(self, wanted: Wanted) -> LiveCluster:
        """Read what is wanted; what can't be read is a gap.

        Raises:
            ClusterError: the cluster does not answer, or the files can't be read.
        """


def by_name(secrets: Iterable[LiveSecret]) -> dict[Name, LiveSecret]:
    """Return Secrets by namespace and name."""
    return {each.item.key: each for each in secrets}
