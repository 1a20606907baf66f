"""Open a repository's stores with the user's own credentials, and push values to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import ConfigError, FluxsecretsError, StoreError, UsageError
from fluxsecrets.external.model import Reference, Store, read_store
from fluxsecrets.external.stores import StoreClient, Stored
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.tree import Tree

_PLACEHOLDER = re.compile(r"\{([a-z]*)\}")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+=@-]*")
_MARK = b"SecretStore"


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Settings of a store from the user, instead of a manifest.

    Attributes:
        provider: `vault` or `aws`, or None.
        mount: of Vault's KV, or None.
        region: of AWS, or None.
    """

    provider: str | None = None
    mount: str | None = None
    region: str | None = None


@dataclass(slots=True)
class Stores:
    """Clients of the stores that ExternalSecrets name, each opened once."""

    environ: Mapping[str, str]
    tree: Tree
    options: StoreOptions
    _manifests: tuple[Store, ...] | None = None
    _clients: dict[tuple[str, str], StoreClient] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    def open(self, reference: Reference) -> StoreClient:
        """Return the client of a store.

        Raises:
            ConfigError: the store's kind is unknown, or its manifests differ.
            StoreError: credentials are missing, or the store's kind is not supported.
        """
        key = (reference.kind, reference.name)
        if key not in self._clients:
            self._clients[key] = self._open(reference)
        return self._clients[key]

    def _open(self, reference: Reference) -> StoreClient:
        store = self._find(reference)
        provider = self.options.provider or (store.provider if store is not None else "")
        own = store if store is not None and store.provider == provider else None
        if provider in ("vault", "openBao"):
            from fluxsecrets.external.stores.vault import open_vault

            mount = self.options.mount or (own.setting("path") if own is not None else "")
            _require_text(mount, f"the mount of {reference.name}", "--mount PATH")
            if own is not None and own.setting("version") == "v1":
                raise StoreError(
                    f"the store {reference.name} is KV version 1, which can't tell whether someone else "
                    "wrote first",
                    hint="upgrade the mount with `vault kv enable-versioning MOUNT`, and set `version: v2`",
                )
            namespace = own.setting("namespace") if own is not None else ""
            product = "OpenBao" if provider == "openBao" else "Vault"
            client = open_vault(self.environ, mount, namespace=namespace or None, product=product)
            client.check_mount()
            server = own.setting("server").rstrip("/") if own is not None else ""
            if server and server != client.address:
                text = f"the store {reference.name} is at {server}, {client.variable} says {client.address}"
                self.notes[text] = None
            return client
        if provider == "aws":
            from fluxsecrets.external.stores.aws import open_aws

            if own is not None and own.setting("service") not in ("", "SecretsManager"):
                raise StoreError(
                    f"the store {reference.name} is AWS {own.setting('service')}", hint=_SUPPORTED
                )
            region = self.options.region or (own.setting("region") if own is not None else "")
            return open_aws(self.environ, region or None, own.setting("prefix") if own is not None else "")
        if provider:
            raise StoreError(
                f"the store {reference.name} is of the unsupported kind {provider}", hint=_SUPPORTED
            )
        raise ConfigError(
            f"the repository has no {reference.kind} {reference.name!a} that says where it is",
            hint="name its kind with --provider vault --mount kv, or --provider aws",
        )

    def _find(self, reference: Reference) -> Store | None:
        if self._manifests is None:
            self._manifests = find_stores(self.tree)
        found = [
            each for each in self._manifests if (each.kind, each.name) == (reference.kind, reference.name)
        ]
        kinds = {(each.provider, repr(sorted(each.settings.items(), key=str))) for each in found}
        if len(kinds) > 1 and self.options.provider is None:
            raise ConfigError(
                f"there are several {reference.kind}s {reference.name!a}, which differ",
                hint="choose one with --provider, and --mount or --region",
            )
        return found[0] if found else None


_SUPPORTED = "supported stores are Vault's KV version 2 and AWS Secrets Manager"


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


def remote_key(template: str, places: Mapping[str, str]) -> str:
    """Return the key in the store for a Secret.

    Args:
        template: such as `apps/{namespace}/{name}`.
        places: values of the placeholders.

    Raises:
        UsageError: a placeholder is unknown, or has no value.
        ConfigError: the result is not a valid key.
    """
    for name in _PLACEHOLDER.findall(template):
        if name not in places:
            raise UsageError(f"--key-template does not support {{{name}}}", hint=f"use {', '.join(places)}")
        if not places[name] and name == "environment":
            raise UsageError(
                "--key-template needs {environment}, but no environment uses this file",
                hint="leave {environment} out of the template",
            )
        if not places[name]:
            raise UsageError(
                f"--key-template needs {{{name}}}, but the Secret has none",
                hint="add it to the Secret's metadata, or remove it from the template",
            )
    key = _PLACEHOLDER.sub(lambda match: places[match[1]], template)
    if not _KEY.fullmatch(key) or ".." in key.split("/") or key.endswith("/"):
        raise ConfigError(
            f"{key!a} is not a key for a store", hint="try --key-template 'apps/{namespace}/{name}'"
        )
    return key


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
        StoreError: a store can't be reached, or the content under a key is not a map.
    """
    planned = []
    for push in _joined(pushes):
        client = stores.open(push.reference)
        now = client.read(push.key)
        if now is not None and now.values is None:
            raise StoreError(
                "the content there is not a map of properties",
                path=f"{client.shown}: {push.key}",
                hint="choose another --key-template, or move it away",
            )
        known = now.values if now is not None and now.values is not None else {}
        planned.append(
            PlannedPush(
                push,
                client,
                now,
                tuple(key for key in push.values if key not in known),
                tuple(key for key, text in push.values.items() if key in known and known[key] != text),
                tuple(key for key, text in push.values.items() if known.get(key) == text),
            )
        )
    return tuple(planned)


def push_values(planned: Sequence[PlannedPush], written: list[PlannedPush]) -> None:
    """Write the planned values, and read them back.

    Each push that changed its store is added to `written` once it is read back, so that the caller knows
    them after a failure. A push that fails is not among them; its store may have taken it nevertheless.

    Raises:
        StoreError: someone else wrote first, or a store refuses or does not return what was written.
    """
    for each in planned:
        if each.added or each.changed:
            known = each.now.values if each.now is not None and each.now.values is not None else {}
            each.client.write(each.push.key, {**known, **each.push.values}, each.now)
        stored = each.client.read(each.push.key)
        values = stored.values if stored is not None and stored.values is not None else {}
        if any(values.get(key) != text for key, text in each.push.values.items()):
            raise StoreError(
                "does not return what was written to it",
                path=each.place,
                hint="check the store before you try again",
            )
        if each.added or each.changed:
            written.append(each)


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


def _require_text(text: str, what: str, option: str) -> None:
    if not text or "${" in text:
        raise ConfigError(f"{what} is not known", hint=f"give it with {option}")
