"""`spec.decryption` that names a Secret of another namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.audit.cluster import Provided, all_provided, is_rooted, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import text
from fluxsecrets.sops.document import to_data

INFO = describe(
    "decryption-secret-elsewhere",
    Severity.HIGH,
    "the Secret of spec.decryption is in another namespace",
    why="Flux reads the Secret of spec.decryption.secretRef in the namespace of the Kustomization, and "
    "nowhere else. Without it the Kustomization fails, even if it applies no encrypted file.",
    fix="give the Secret the namespace of the Kustomization, or put a copy of it there",
)
_COPIED = ("reflector.", "replicator.", "kubed.appscode.com/")
"""Annotations by which controllers copy a Secret to other namespaces."""

Place = tuple[str | None, Location]
"""A namespace, and the file that puts the Secret there."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each Secret for decryption that the repository has in other namespaces only."""
    seen = set()
    for environment in facts.environments:
        if not is_rooted(environment):
            continue  # the folder is part of an environment, and the rest may have it
        for (namespace, name), users in _users(environment).items():
            places = _places(facts, environment, name)
            elsewhere = {each for each, _ in places}
            if not places or None in (namespace, *elsewhere) or namespace in elsewhere:
                continue
            if _is_made_by_hand(environment, namespace, name) or _is_copied(facts, environment, name):
                continue
            first = users[0].kustomization
            if first is not None and (first.file, first.line) not in seen:
                seen.add((first.file, first.line))
                yield _finding(users, namespace, name, places)


def _users(environment: Environment) -> Mapping[tuple[str | None, str], list[Applied]]:
    """The Kustomizations that decrypt, by the namespace and name of their Secret."""
    found_: dict[tuple[str | None, str], list[Applied]] = {}
    for applied in environment.graph.applied:
        item = applied.kustomization
        if item is not None and item.decryption is not None and item.decryption.secret is not None:
            found_.setdefault((item.namespace, item.decryption.secret), []).append(applied)
    return found_


def _provided(facts: Facts, environment: Environment, name: str) -> list[Provided]:
    return all_provided(facts, environment).get(("Secret", name), [])


def _places(facts: Facts, environment: Environment, name: str) -> list[Place]:
    """Where the environment has the Secret: Flux applies it, or a file outside Flux has it."""
    places = [
        (each.provision.namespace, Location(each.item.file, each.provision.line))
        for each in _provided(facts, environment, name)
    ]
    for namespace, secret in _written(facts).get(name, ()):
        if secret.path not in environment.graph.files and not set(secret.environments) - {environment.name}:
            places.append((namespace, Location(secret.path)))
    return places


def _written(facts: Facts) -> Mapping[str, list[tuple[str | None, Secret]]]:
    """The Secrets in files, by their names; with the namespace of each."""

    def make() -> dict[str, list[tuple[str | None, Secret]]]:
        found_: dict[str, list[tuple[str | None, Secret]]] = {}
        for secret in facts.secrets:
            for part in secret.document.parts if secret.document is not None else ():
                data = to_data(part)
                name = text(data, "metadata", "name")
                if name is not None and text(data, "kind") == "Secret":
                    found_.setdefault(name, []).append((text(data, "metadata", "namespace"), secret))
        return found_

    return facts.once("Secrets in files", make)


def _is_made_by_hand(environment: Environment, namespace: str | None, name: str) -> bool:
    """Whether it must be there before Flux is: the root, or what applies it encrypted, decrypts with it."""
    return any(
        item.namespace == namespace and item.decryption is not None and item.decryption.secret == name
        for number, applied in enumerate(environment.graph.applied)
        if (item := applied.kustomization) is not None
        and (
            number == 0
            or any(each.is_secret and each.name == name and "sops" in each.data for each in applied.objects)
        )
    )


def _is_copied(facts: Facts, environment: Environment, name: str) -> bool:
    return any(
        key.startswith(_COPIED)
        for each in _provided(facts, environment, name)
        for key in (*each.item.annotations, *_template(each))
    )


def _template(each: Provided) -> Iterator[str]:
    """Annotations that an ExternalSecret or SealedSecret gives to its Secret."""
    for steps in (("spec", "target", "template", "metadata"), ("spec", "template", "metadata")):
        data: object = each.item.data
        for step in (*steps, "annotations"):
            data = data.get(step) if isinstance(data, dict) else None
        yield from data if isinstance(data, dict) else ()


def _finding(users: list[Applied], namespace: str | None, name: str, places: list[Place]) -> Finding:
    first = users[0].kustomization
    assert first is not None  # noqa: S101 - _users takes no other
    more = f" and {len(users) - 1} more" if len(users) > 1 else ""
    verb = "decrypt" if more else "decrypts"
    there = ", ".join(dict.fromkeys(shown(each, name) for each, _ in places))
    line = users[0].item.line_at(("spec", "decryption", "secretRef")) if users[0].item else first.line
    return found(
        INFO,
        first.file,
        line,
        f"Kustomization {first.name}{more} {verb} with Secret {shown(namespace, name)}, "
        f"but the repository has only {there}",
        namespace or "",
        name,
        hint=f"Flux looks in the namespace of the Kustomization: put the Secret into namespace {namespace}",
        related=[place for _, place in places[:5]],
    )


RULE = AuditRule(INFO, Group.FLUX, check)
