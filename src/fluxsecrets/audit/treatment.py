"""What Flux would do with each file and object of an environment, put together from its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fluxsecrets.repo.decryption import SIZE_LIMIT, Fate, Treatment, treat_object, treat_source
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import DECRYPT_ANNOTATION
from fluxsecrets.repo.objects import Object

from .facts import Facts, Secret
from .selection import own_selector


@dataclass(frozen=True, slots=True)
class Treated:
    """A file or object, and what becomes of it.

    Attributes:
        path, line: where it is written; no line for a file that a generator or patch reads.
        item: the object; for a generator's file the one that is generated, or None for a patch.
        secret: what is known of the file, where it is a secret.
    """

    applied: Applied
    path: str
    line: int | None
    item: Object | None
    secret: Secret | None
    treatment: Treatment


def treated(facts: Facts, environment: Environment) -> tuple[Treated, ...]:
    """What becomes of everything that an environment applies, in the order in which it is applied."""
    return facts.once(f"treated in {environment.name}", lambda: tuple(_treated(facts, environment)))


def _treated(facts: Facts, environment: Environment) -> Iterator[Treated]:
    secrets = facts.once("by path", lambda: {secret.path: secret for secret in facts.secrets})
    for applied in environment.graph.applied:
        read: set[str] = set()
        for item in applied.objects:
            if item.generated is None:
                yield _object(applied, item, secrets.get(item.file))
                continue
            for path in item.generated.files:
                read.add(path)
                yield _generated(environment, applied, item, path, secrets.get(path))
        for path in sorted(environment.generator_files.keys() & applied.files - read):
            secret = secrets.get(path)
            treatment = _source(environment, applied, path, secret, patch=True)
            yield Treated(applied, path, None, None, secret, treatment)


def decrypts(applied: Applied) -> bool:
    """Whether a Kustomization decrypts what it applies."""
    item = applied.kustomization
    return item is None or (item.decryption is not None and item.decryption.provider == "sops")


def _object(applied: Applied, item: Object, secret: Secret | None) -> Treated:
    disabled = item.annotations.get(DECRYPT_ANNOTATION, "").lower() == "disabled"
    selector = own_selector(secret) if secret is not None else None
    treatment = treat_object(item, selector, decrypts=decrypts(applied), disabled=disabled)
    if treatment.fate is Fate.APPLIED and secret is not None and isinstance(item.data.get("sops"), dict):
        treatment = Treatment(Fate.FAILS, reason="its sops block has no MAC, by which Flux knows it")
    return Treated(applied, item.file, item.line, item, secret, treatment)


def _generated(
    environment: Environment, applied: Applied, item: Object, path: str, secret: Secret | None
) -> Treated:
    stored_as = secret.stored_as if secret is not None else None
    if item.kind == "ConfigMap":
        treatment = Treatment(Fate.APPLIED)
        if stored_as is not None:
            treatment = Treatment(Fate.CIPHERTEXT, reason=f"the configMapGenerator in {item.file} reads it")
    else:
        treatment = _source(environment, applied, path, secret, patch=False)
    return Treated(applied, path, None, item, secret, treatment)


def _source(
    environment: Environment, applied: Applied, path: str, secret: Secret | None, *, patch: bool
) -> Treatment:
    if secret is None:
        return Treatment(Fate.APPLIED)
    size = secret.size or 0
    expected = environment.generator_files.get(path, "binary")
    if decrypts(applied):
        return treat_source(expected, secret.stored_as, secret.marks, size, patch=patch)
    if secret.stored_as is None:
        return Treatment(Fate.APPLIED)
    treatment = treat_source(expected, secret.stored_as, secret.marks, min(size, SIZE_LIMIT), patch=patch)
    return replace(treatment, fate=Fate.CIPHERTEXT, reason="the Kustomization has no spec.decryption")
