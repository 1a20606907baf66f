"""Open a repository's stores with the user's own credentials, and push values to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import ConfigError, FluxsecretsError, StoreError, UsageError
from fluxsecrets.external.model import Reference, Store, read_store
from fluxsecrets.external.stores import (
    STORES,
    Opening,
    StoreClient,
    Stored,
    StoreKind,
    kind_of,
    refused_manifest,
)
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.tree import Tree

from .keys import UNKNOWN

_MARK = b"SecretStore"


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Settings of a store from the user, instead of a manifest.

    Attributes:
        provider: a key of `STORES`, or None.
        settings: values of the command's options, such as `mount`, by name; only those that were given.
    """

    provider: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Stores:
    """Clients of the stores that ExternalSecrets name, each opened once."""

    environ: Mapping[str, str]
    tree: Tree
    options: StoreOptions
    _manifests: tuple[Store, ...] | None = None
    _clients: dict[tuple[str, str], StoreClient] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def kind(self, reference: Reference) -> StoreKind:
        """Return a store's kind, or `UNKNOWN`. Adds a note if the provider is not in the table.

        Raises:
            ConfigError: the store's manifests have different providers.
        """
        providers = {each.provider for each in self._named(reference)}
        if not providers:
            self._note(
                f"the repository has no {reference.kind} {ascii(reference.name)[1:-1]}: "
                "the cluster needs one before Flux applies the ExternalSecrets"
            )
        if self.options.provider is not None:
            return STORES[self.options.provider]
        if len(providers) > 1:
            raise _several(reference)
        provider = next(iter(providers), "")
        kind = kind_of(provider)
        if kind is None and provider:
            self._note(
                f"the store {reference.name} is of the kind {ascii(provider)[1:-1]}, which fluxsecrets does "
                "not know: check the keys and properties of the ExternalSecrets"
            )
        return kind or UNKNOWN

    def open(self, reference: Reference) -> StoreClient:
        """Return the client of a store.

        Raises:
            ConfigError: the store's kind is unknown, or its manifests differ.
            UsageError: an option is not for this kind of store.
            StoreError, ServiceError: credentials are missing, or the store's kind is not supported.
        """
        key = (reference.kind, reference.name)
        if key not in self._clients:
            self._clients[key] = self._open(reference)
        return self._clients[key]

    def _open(self, reference: Reference) -> StoreClient:
        store = self._find(reference)
        chosen = STORES[self.options.provider] if self.options.provider is not None else None
        provider = store.provider if store is not None else ""
        kind = chosen or kind_of(provider)
        if kind is None and not provider:
            raise ConfigError(
                f"the repository has no {reference.kind} {reference.name!a} that says where it is",
                hint="name its kind with --provider, such as --provider vault --mount kv",
            )
        if kind is None:
            raise StoreError(
                f"the store {reference.name} is of the unsupported kind {ascii(provider)[1:-1]}",
                hint=f"supported are {', '.join(each.title for each in STORES.values() if each.open)}",
            )
        if kind.open is None:
            raise refused_manifest(kind)
        for name in self.options.settings:
            if name not in kind.options:
                raise UsageError(f"--{name} is not for {kind.title}", hint=_options_of(kind))
        own = store is not None and provider in kind.providers
        opening = Opening(
            self.environ,
            reference.name,
            provider if own else kind.providers[0],
            self.options.settings,
            store.settings if own and store is not None else {},
            self._note,
        )
        return kind.open(opening)

    def _note(self, line: str) -> None:
        self.notes[line] = None

    def _find(self, reference: Reference) -> Store | None:
        found = self._named(reference)
        kinds = {(each.provider, repr(sorted(each.settings.items(), key=str))) for each in found}
        if len(kinds) > 1 and self.options.provider is None:
            raise _several(reference)
        return found[0] if found else None

    def _named(self, reference: Reference) -> list[Store]:
        if self._manifests is None:
            self._manifests = find_stores(self.tree)
        return [
            each for each in self._manifests if (each.kind, each.name) == (reference.kind, reference.name)
        ]


def _several(reference: Reference) -> ConfigError:
    return ConfigError(
        f"there are several {reference.kind}s {reference.name!a}, which differ",
        hint="choose one with --provider, and options such as --mount or --region",
    )


def _options_of(kind: StoreKind) -> str:
    if not kind.options:
        return "leave it out"
    return f"use {' and '.join(f'--{name}' for name in kind.options)}"


def find_stores(tree: Tree) -> tuple[Store, ...]:
    """Return all stores of a repository. Unreadable files are skipped."""
    found = []
    for path in tree.paths:
        if not path.lower().endswith(MANIFEST_SUFFIXES):
            continue
        try:
            size = tree.size(path)
            data = tree.read(path) if size and size <= tree.limits.size else b""
            manifests = read_manifests(data, path, tree.limits).manifests if _MARK in data else ()
        except FluxsecretsError:
            continue
        found += [store for each in manifests if (store := read_store(each)) is not None]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Push:
    """Values by property for one key of a store; not in the repr."""

    reference: Reference
    key: str
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlannedPush:
    """The effect of a push on one key."""

    push: Push
    client: StoreClient
    now: Stored | None
    added: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]

    def described(self) -> str:
        """One line for people."""
        parts = [f"{len(self.added)} new"] if self.added else []
        if self.changed:
            parts.append(f"overwrites {', '.join(self.changed)}")
        if self.same:
            parts.append(f"{len(self.same)} already there")
        return f"{self.place}: {', '.join(parts)}"

    @property
    def place(self) -> str:
        """The store and the key, for messages."""
        return f"{self.client.shown}: {self.push.key}"


def plan_pushes(stores: Stores, pushes: Iterable[Push]) -> tuple[PlannedPush, ...]:
    """Compare pushes with the stores.

    Raises:
        UsageError: two Secrets have different values for the same property of a key.
        StoreError, ServiceError: a store can't be reached, the content under a key is not a map, or the
            store can't hold the values.
    """
    planned = []
    for push in _joined(pushes):
        client = stores.open(push.reference)
        now = client.read(push.key)
        known = _members(now)
        if known is None:
            raise StoreError(
                "the content there is not a map of properties",
                path=f"{client.shown}: {push.key}",
                hint="choose another --key-template, or move it away",
            )
        client.check(push.key, push.values, now)
        planned.append(
            PlannedPush(
                push,
                client,
                now,
                tuple(key for key in push.values if key not in known),
                tuple(
                    key for key, text in push.values.items() if known.get(key, text.encode()) != text.encode()
                ),
                tuple(key for key, text in push.values.items() if known.get(key) == text.encode()),
            )
        )
    return tuple(planned)


def push_values(planned: Sequence[PlannedPush], written: list[PlannedPush]) -> None:
    """Write the planned values, and read them back.

    Each push that changed its store is added to `written` once it is read back, so that the caller knows
    them after a failure. A push that fails is not among them; its store may have taken it nevertheless.

    Raises:
        StoreError, ServiceError: someone else wrote first, or a store refuses or does not return what was
            written.
    """
    for each in planned:
        if each.added or each.changed:
            each.client.write(each.push.key, each.push.values, each.now)
        values = _members(each.client.read(each.push.key)) or {}
        if any(values.get(key) != text.encode() for key, text in each.push.values.items()):
            raise StoreError(
                "does not return what was written to it",
                path=each.place,
                hint="check the store before you try again",
            )
        if each.added or each.changed:
            written.append(each)


def _members(stored: Stored | None) -> Mapping[str, bytes] | None:
    """Return what a store has under a key by property; None if it has something else."""
    return stored.content.members() if stored is not None and stored.content is not None else {}


def _joined(pushes: Iterable[Push]) -> list[Push]:
    """Return one push per key."""
    found: dict[tuple[str, str, str], Push] = {}
    for push in pushes:
        place = (push.reference.kind, push.reference.name, push.key)
        known = found.get(place)
        if known is None:
            found[place] = push
            continue
        clash = [key for key in push.values if known.values.get(key, push.values[key]) != push.values[key]]
        if clash:
            raise UsageError(
                f"two Secrets have different values for {clash[0]} under {push.key}",
                hint="tell them apart in --key-template: {namespace}, {name}, {environment}",
            )
        found[place] = Push(push.reference, push.key, {**known.values, **push.values})
    return list(found.values())
