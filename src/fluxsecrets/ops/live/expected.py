"""The Secrets that a cluster has if Flux applied an environment as it is in the repository.

Pure: verdicts in, facts out. A value is hashed as soon as it is known, and nothing here keeps one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fluxsecrets.cluster.kinds import EXTERNAL_SECRET, SEALED_SECRET
from fluxsecrets.cluster.model import Name
from fluxsecrets.flux.common import OWNER, with_common_metadata
from fluxsecrets.flux.masking import applied_data
from fluxsecrets.flux.model import KustomizationVerdict, ObjectVerdict
from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.flux.values import decoded
from fluxsecrets.repo.flux import KUSTOMIZE_GROUP, SYSTEM
from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.outcome import Effect, Outcome

from .ignoring import IgnoreRule, ignored_keys, read_rules

Digest = Callable[[str, str, str, bytes], str]
"""A keyed hash of a value, which is bound to a namespace, a name and a key: `Hasher.digest`."""

OPAQUE: Final = "Opaque"
"""The type that the API server gives a Secret without one."""

_FILLED: Final = "kubernetes.io/service-account-token"
"""The type of a Secret into which the cluster puts values of its own."""


class Policy(StrEnum):
    """What Flux does with what the cluster has of an object, by its annotations or labels."""

    OVERRIDES = "overrides"
    MERGES = "ssa: Merge"
    IF_NOT_PRESENT = "ssa: IfNotPresent"
    IGNORES = "ssa: Ignore"
    DISABLED = "reconcile: disabled"

    @property
    def creates(self) -> bool:
        """Whether Flux applies the object if it is missing."""
        return self not in (Policy.IGNORES, Policy.DISABLED)

    @property
    def restores(self) -> bool:
        """Whether Flux undoes changes of values that the repository has."""
        return self in (Policy.OVERRIDES, Policy.MERGES)


@dataclass(frozen=True, slots=True)
class ExpectedSecret:
    """A Secret that Flux applies.

    Attributes:
        owner: namespace and name of its Kustomization; None where none syncs it.
        file, line: where it is written.
        type: None if it is not known here.
        immutable: None if it is not known here.
        values: a hash by key; None for a value that is not known here. Not in the repr.
        complete: these are all its keys.
        ignored: keys in which differences are ignored, by `spec.ignore`; None for all keys.
        refused: Flux refuses it as it is here, so that its values can't be known.
        is_prefix: its name lacks the hash that kustomize adds, since not all of its values are known here.
    """

    namespace: str
    name: str
    owner: Name | None
    file: str
    line: int
    type: str | None
    immutable: bool | None
    values: Mapping[str, str | None] = field(repr=False)
    complete: bool = True
    ignored: frozenset[str] | None = frozenset()
    refused: bool = False
    is_prefix: bool = False
    policy: Policy = Policy.OVERRIDES

    @property
    def key(self) -> Name:
        """Namespace and name."""
        return self.namespace, self.name

    def ignores(self, key: str) -> bool:
        """Whether Flux leaves a difference in a key alone."""
        return self.ignored is None or key in self.ignored


@dataclass(frozen=True, slots=True)
class Maker:
    """A SealedSecret or ExternalSecret, of which a controller makes a Secret.

    Attributes:
        item: as Flux applies it.
        owner: namespace and name of its Kustomization; None where none syncs it.
    """

    item: Object
    owner: Name | None

    @property
    def key(self) -> Name:
        """Namespace and name."""
        return self.item.namespace or "", self.item.name

    @property
    def policy(self) -> Policy:
        """What Flux does with what the cluster has of it."""
        return policy_of((self.item.labels, self.item.annotations))


@dataclass(frozen=True, slots=True)
class Owner:
    """A Kustomization of the repository, by what it applies.

    Attributes:
        prunes: Flux deletes what it no longer applies; None if that is not known here.
        built: it could be built here, so that all that it may apply is known.
        complete: it is known here which objects it applies, and there are some.
        remote: it applies to another cluster.
        ignores: its `spec.ignore`.
    """

    key: Name
    prunes: bool | None
    built: bool
    complete: bool
    remote: bool
    ignores: tuple[IgnoreRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What Flux applies of an environment that is or becomes a Secret.

    Attributes:
        secrets: those that Flux applies to this cluster.
        makers: SealedSecrets and ExternalSecrets.
        not_modelled: objects of External Secrets that bring Secrets about in ways that are not looked at.
        unplaced: Secrets whose name or namespace is not known here.
        owners: the Kustomizations by their keys.
    """

    secrets: tuple[ExpectedSecret, ...]
    makers: tuple[Maker, ...]
    not_modelled: tuple[Object, ...]
    unplaced: tuple[Object, ...]
    owners: Mapping[Name, Owner]

    @property
    def count(self) -> int:
        """How many Secrets that brings about."""
        return len({each.key for each in self.secrets}) + len(self.makers)


def expected_secrets(
    verdicts: Iterable[KustomizationVerdict], digest: Digest, *, system: str = SYSTEM
) -> Expected:
    """Return what a cluster has of an environment.

    Args:
        verdicts: of its Kustomizations.
        digest: hashes a value.
        system: the namespace of Kustomizations that name none.
    """
    secrets: list[ExpectedSecret] = []
    makers: list[Maker] = []
    others: list[Object] = []
    unplaced: list[Object] = []
    verdicts = tuple(verdicts)
    applied = dict(_kustomizations(verdicts, system))
    owners = [_owner(each, applied, system) for each in verdicts]
    for verdict, owner in zip(verdicts, owners, strict=True):
        if owner is not None and owner.remote:
            continue
        for each in with_common_metadata(verdict).objects:
            item = with_data(each.item, applied_data(each))
            if (item.group, item.kind) in _MAKERS:
                makers.append(Maker(item, owner.key if owner is not None else None))
            elif (item.group, item.kind) in _NOT_MODELLED:
                others.append(item)
            elif not item.is_secret:
                continue
            elif item.namespace is None or is_unknown(item.namespace) or is_unknown(item.name):
                unplaced.append(item)
            else:
                secrets.append(_secret(each, item, owner, digest))
    known = {owner.key: owner for owner in owners if owner is not None}
    return Expected(tuple(secrets), tuple(makers), tuple(others), tuple(unplaced), known)


_MAKERS: Final = frozenset((kind.group, kind.name) for kind in (SEALED_SECRET, EXTERNAL_SECRET))


_NOT_MODELLED: Final = frozenset(
    (EXTERNAL_SECRET.group, kind) for kind in ("PushSecret", "ClusterPushSecret", "ClusterExternalSecret")
)


def policy_of(metadata: Iterable[Mapping[str, str]]) -> Policy:
    """What Flux does with an object that has these labels and annotations.

    Follows `AnyInMetadata` of fluxcd/pkg's ssa/utils: labels count like annotations, in any case of letters.
    """
    known = [
        (key.removeprefix(f"{OWNER}/"), value.lower())
        for each in metadata
        for key, value in each.items()
        if key.startswith(f"{OWNER}/")
    ]
    return next((policy for entry, policy in _POLICIES.items() if entry in known), Policy.OVERRIDES)


_POLICIES: Final = {
    ("reconcile", "disabled"): Policy.DISABLED,
    ("ssa", "ignore"): Policy.IGNORES,
    ("ssa", "ifnotpresent"): Policy.IF_NOT_PRESENT,
    ("ssa", "merge"): Policy.MERGES,
}
"""In the order in which Flux asks."""


def _kustomizations(verdicts: Iterable[KustomizationVerdict], system: str) -> Iterator[tuple[Name, Object]]:
    """The Kustomizations as they are applied."""
    for verdict in verdicts:
        for each in verdict.objects:
            if (each.item.group, each.item.kind) == (KUSTOMIZE_GROUP, "Kustomization"):
                item = with_data(each.item, applied_data(each))
                yield (item.namespace or system, item.name), item


def _owner(verdict: KustomizationVerdict, applied: Mapping[Name, Object], system: str) -> Owner | None:
    item = verdict.applied.kustomization
    if item is None:
        return None
    key = (item.namespace or system, item.name)
    written = applied.get(key)
    built = verdict.applied.reason is None and not any(map(_hides_objects, verdict.applied.outcomes))
    return Owner(
        key=key,
        prunes=dig(written.data, "spec", "prune") is True if written is not None else None,
        built=built,
        complete=built and bool(verdict.objects),
        remote=item.remote,
        ignores=tuple(read_rules(written)) if written is not None else (),
    )


def _hides_objects(outcome: Outcome) -> bool:
    """Whether there may be objects that are not known here."""
    return outcome.effect in (Effect.FAILS, Effect.UNKNOWN)


def _secret(each: ObjectVerdict, item: Object, owner: Owner | None, digest: Digest) -> ExpectedSecret:
    data, generated = item.data, each.item.generated
    namespace, name = item.namespace or "", item.name
    is_prefix = generated is not None and generated.hashed and name == each.item.name
    # Of an object that Flux refuses, the data are those of the stage that failed.
    refused = any(outcome.effect is Effect.FAILS for outcome in each.outcomes)
    values = {
        key: digest(namespace, name, key, value) if value is not None and not (refused or is_prefix) else None
        for key, value in _values(data)
    }
    if generated is not None:
        values = {**dict.fromkeys(generated.keys), **values}
    kind, immutable = data.get("type"), data.get("immutable")
    return ExpectedSecret(
        namespace=namespace,
        name=name,
        owner=owner.key if owner is not None else None,
        file=item.file,
        line=item.line,
        type=None if is_unknown(kind) else str(kind) if kind else OPAQUE,
        immutable=None if is_unknown(immutable) else immutable is True,
        values=values,
        complete=(generated is None or generated.complete) and kind != _FILLED,
        ignored=ignored_keys(owner.ignores, item) if owner is not None else frozenset(),
        refused=refused,
        is_prefix=is_prefix,
        policy=policy_of((item.labels, item.annotations)),
    )


def _values(data: Plain) -> Iterator[tuple[str, bytes | None]]:
    """The values as the API server stores them: `stringData` comes after `data`, and replaces it."""
    values = dig(data, "data")
    for key, value in values.items() if isinstance(values, dict) else ():
        yield str(key), decoded(value) if value is not None else b""
    values = dig(data, "stringData")
    for key, value in values.items() if isinstance(values, dict) else ():
        yield str(key), _encoded(value) if not is_unknown(value) else None


def _encoded(value: object) -> bytes:
    return b"" if value is None else str(value).encode("utf-8", "surrogatepass")
