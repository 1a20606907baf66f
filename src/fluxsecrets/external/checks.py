"""Checks of ExternalSecrets and stores, taken from the operator's own.

The checks of single objects follow its webhook (externalsecret_validator.go, secretstore_validator.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.repo.manifests import child, items_of, line_of, text_of
from fluxsecrets.sops.document import Data, Node

from .model import CLUSTER_GENERATOR, GROUP, STORE_KINDS, ExternalSecret, Generator, Reference, Store
from .stores import kind_of


class ProblemKind(StrEnum):
    """The kind of a problem."""

    OLD_VERSION = "old-version"
    DROPPED = "dropped-field"
    INVALID = "invalid"
    DUPLICATE_KEY = "duplicate-key"
    NO_STORE = "missing-store"
    NO_GENERATOR = "missing-generator"
    STORE_SCOPE = "store-scope"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the operator would reject, or treat differently than it looks; lines count from 1."""

    kind: ProblemKind
    line: int | None
    message: str
    hint: str


DROPPED_PROVIDERS = {
    "alibaba": "v1",
    "device42": "v1",
}
"""Providers of v1beta1, and the version that dropped them."""

NOT_SERVED = frozenset({"v1alpha1", "v1beta1"})
"""Versions that the current operator no longer serves. Its definitions still have v1beta1."""


def check_external(secret: ExternalSecret) -> Iterator[Problem]:
    """Check one ExternalSecret."""
    yield from _version(secret.api_version, secret.kind, secret.line)
    if not secret.values and not secret.sources:
        yield Problem(
            ProblemKind.INVALID,
            secret.line,
            "it has neither data nor dataFrom",
            "say what to read from the store",
        )
    yield from _check_policies(secret)
    yield from _check_template(secret)
    yield from _check_values(secret)
    yield from _check_sources(secret)


def check_store(store: Store) -> Iterator[Problem]:
    """Check one store."""
    yield from _version(store.api_version, store.kind, store.line)
    if len(store.providers) != 1:
        count = "several providers" if store.providers else "no provider"
        yield Problem(ProblemKind.INVALID, store.line, f"it has {count}", "a store has exactly one provider")
    for provider in store.providers:
        if provider in DROPPED_PROVIDERS:
            node = child(store.node, "spec", "provider", provider)
            yield Problem(
                ProblemKind.DROPPED,
                line_of(node) or store.line,
                f"{GROUP}/{DROPPED_PROVIDERS[provider]} no longer has the provider {provider}",
                "move its secrets to a store that the operator supports",
            )
    yield from _check_settings(store)
    if store.provider == "vault" and store.setting("version") not in ("", "v1", "v2"):
        yield Problem(
            ProblemKind.INVALID, store.line, "vault.version is neither v1 nor v2", "write version: v2"
        )


def _check_settings(store: Store) -> Iterator[Problem]:
    kind = kind_of(store.provider) if len(store.providers) == 1 else None
    for path in kind.required if kind is not None else ():
        value: Data = dict(store.settings)
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if not value:
            node = child(store.node, "spec", "provider", store.provider)
            yield Problem(
                ProblemKind.INVALID,
                line_of(node) or store.line,
                f"{store.provider}.{path} is missing",
                "add it: the operator can't use the store",
            )


def check_places(secret: ExternalSecret, stores: Sequence[Store]) -> Iterator[Problem]:
    """Find references that do not fit the kind of their store, among the stores that reach the cluster."""
    extracts = [(each.extract, each.source) for each in secret.sources if each.extract is not None]
    for value, source in (*((each, each.source) for each in secret.values), *extracts):
        reference = source or secret.store
        providers = {
            each.provider
            for each in stores
            if reference is not None and (each.kind, each.name) == (reference.kind, reference.name)
        }
        kind = kind_of(next(iter(providers))) if len(providers) == 1 else None
        if kind is None or value.metadata:
            continue
        for field, text in (("property", value.property), ("version", value.version)):
            if text is not None and field in kind.ignored:
                yield Problem(
                    ProblemKind.UNFIT,
                    value.line,
                    f"{kind.title} does not support `{field}`: the operator ignores or refuses it",
                    f"remove {field}, and name the value in key alone",
                )
        known = value.remote and "${" not in value.remote  # Flux may substitute it
        if kind.readable is not None and known and not kind.readable.fullmatch(value.remote):
            yield Problem(
                ProblemKind.UNFIT,
                value.line,
                f"{value.remote!a} is not a key of {kind.title}: {kind.key_words}",
                "fix the key",
            )


def check_references(
    secret: ExternalSecret, stores: Sequence[Store], generators: Sequence[Generator], namespace: str
) -> Iterator[Problem]:
    """Find stores and generators that an ExternalSecret names but that do not exist.

    `stores` and `generators` are all that reach the cluster.
    """
    for reference in secret.references:
        found = [each for each in stores if (each.kind, each.name) == (reference.kind, reference.name)]
        if reference.kind == "SecretStore" and secret.kind == "ExternalSecret":
            found = [each for each in found if not each.namespace or each.namespace == namespace]
        if not found:
            yield _missing_store(reference, stores, namespace)
            continue
        limited = [each for each in found if each.namespaces and namespace not in each.namespaces]
        if limited and secret.kind == "ExternalSecret" and namespace:
            yield Problem(
                ProblemKind.STORE_SCOPE,
                reference.line,
                f"the {reference.kind} {reference.name!a} does not serve the namespace {namespace}",
                "add the namespace to the store's conditions",
            )
    for reference in secret.generators:
        same = [each for each in generators if (each.kind, each.name) == (reference.kind, reference.name)]
        if reference.kind != CLUSTER_GENERATOR:
            same = [each for each in same if not each.namespace or each.namespace == namespace]
        if not same:
            yield Problem(
                ProblemKind.NO_GENERATOR,
                reference.line,
                f"there is no {reference.kind} {reference.name!a}",
                "check its name and namespace, or apply it with this ExternalSecret",
            )


def _version(api_version: str, kind: str, line: int | None) -> Iterator[Problem]:
    if api_version.rpartition("/")[2] in NOT_SERVED:
        yield Problem(
            ProblemKind.OLD_VERSION,
            line,
            f"{kind} has the version {api_version}, which the current operator does not serve",
            f"write {GROUP}/v1",
        )


def _check_policies(secret: ExternalSecret) -> Iterator[Problem]:
    if secret.deletion == "Delete" and secret.creation in ("Merge", "None", "CreateOrMerge"):
        yield Problem(
            ProblemKind.INVALID,
            secret.line,
            f"deletionPolicy: Delete does not fit creationPolicy: {secret.creation}",
            "it can only delete a Secret that it owns: creationPolicy: Owner",
        )
    if secret.deletion == "Merge" and secret.creation == "None":
        yield Problem(
            ProblemKind.INVALID,
            secret.line,
            "deletionPolicy: Merge does not fit creationPolicy: None",
            "there is no Secret to merge with",
        )


def _check_template(secret: ExternalSecret) -> Iterator[Problem]:
    template = secret.template
    if template is None:
        return
    if template.engine != "v2":
        yield Problem(
            ProblemKind.DROPPED,
            secret.line,
            f"engineVersion: {template.engine} no longer exists; only v2 renders templates",
            "write the templates for engine v2, and remove engineVersion",
        )
    account = "kubernetes.io/service-account.name" in template.annotations
    if template.type == "bootstrap.kubernetes.io/token" or (
        template.type == "kubernetes.io/service-account-token" and account
    ):
        yield Problem(
            ProblemKind.INVALID,
            secret.line,
            f"the operator does not create Secrets of the type {template.type}",
            "it would be a long-lived credential that nobody allowed",
        )


def _check_values(secret: ExternalSecret) -> Iterator[Problem]:
    seen: dict[str, int | None] = {}
    for value in secret.values:
        if not value.key or not value.remote:
            what = "secretKey" if not value.key else "remoteRef.key"
            if what == "secretKey" or not _is_generated(value.source):
                yield Problem(ProblemKind.INVALID, value.line, f"an entry of data has no {what}", "add it")
        if value.key and value.key in seen:
            yield Problem(
                ProblemKind.DUPLICATE_KEY,
                value.line,
                f"the key {value.key!a} is in data twice, first in line {seen[value.key]}",
                "remove one of them: the operator rejects both",
            )
        seen.setdefault(value.key, value.line)
        if value.source is None and secret.store is None:
            yield Problem(
                ProblemKind.NO_STORE,
                value.line,
                f"no store is named for {value.key!a}",
                "add secretStoreRef",
            )


def _check_sources(secret: ExternalSecret) -> Iterator[Problem]:
    for source in secret.sources:
        line = source.line or secret.line
        ways = [source.extract is not None, source.find, _is_generated(source.source)]
        if sum(ways) > 1:
            yield Problem(
                ProblemKind.INVALID,
                line,
                "an entry of dataFrom has more than one of extract, find and generatorRef",
                "make each a separate entry",
            )
        if not any(ways):
            yield from _old_data_from(secret, line)
        if source.source is None and secret.store is None:
            yield Problem(
                ProblemKind.NO_STORE,
                line,
                "no store is named for dataFrom",
                "add secretStoreRef",
            )


def _is_generated(source: Reference | None) -> bool:
    return source is not None and source.kind not in STORE_KINDS


def _old_data_from(secret: ExternalSecret, line: int | None) -> Iterator[Problem]:
    spec: Node | None = child(secret.node, "spec")
    if secret.kind == "ClusterExternalSecret":
        spec = child(spec, "externalSecretSpec")
    for item in items_of(child(spec, "dataFrom")):
        if line_of(item) == line and text_of(child(item, "key")):
            yield Problem(
                ProblemKind.DROPPED,
                line,
                "dataFrom no longer takes a key directly, since v1beta1",
                "put the key under extract",
            )
            return
    yield Problem(
        ProblemKind.INVALID,
        line,
        "an entry of dataFrom needs extract, find or sourceRef",
        "say what to read",
    )


def _missing_store(reference: Reference, stores: Sequence[Store], namespace: str) -> Problem:
    hint = "apply the store too, or check its name"
    for each in stores:
        if each.name != reference.name:
            continue
        if each.kind != reference.kind:
            hint = f"there is a {each.kind} of that name: add `kind: {each.kind}`"
        elif each.namespace:
            hint = f"there is one in the namespace {each.namespace}, but a SecretStore serves its own only"
    where = f" in the namespace {namespace}" if reference.kind == "SecretStore" and namespace else ""
    return Problem(
        ProblemKind.NO_STORE, reference.line, f"there is no {reference.kind} {reference.name!a}{where}", hint
    )
