"""Encrypted files and objects that Flux would apply as ciphertext, or fail at."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts, Secret
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import own_selector
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.decryption import SIZE_LIMIT, Fate, Treatment, treat_object, treat_source
from fluxsecrets.repo.environments import Environment

INFO = describe(
    "ciphertext-applied",
    Severity.HIGH,
    "Flux would not decrypt an encrypted file",
    why="Flux decrypts what a secretGenerator reads by the name of its key, knows an encrypted file by "
    "a marker, decrypts nothing that a configMapGenerator reads, and nothing above 5 MiB. Where "
    "that does not fit, it applies the ciphertext as if it were the value, without a word, or "
    "stops.",
    fix="give the file, or its key, the ending that says what it is (.yaml, .json, .env, .ini, others "
    "are one value), and encrypt it again",
)
_WRONG = (Fate.CIPHERTEXT, Fate.FAILS)


def check(facts: Facts) -> Iterator[Finding]:
    """Each file of a generator, patch or object that is encrypted and would not come out as a value."""
    secrets = {secret.path: secret for secret in facts.secrets}
    seen = set()
    for environment in facts.environments:
        for path, treatment, line in _treated(environment, secrets):
            if treatment.fate in _WRONG and path not in seen:
                seen.add(path)
                word = "applies ciphertext of it" if treatment.fate is Fate.CIPHERTEXT else "fails at it"
                message = f"Flux {word}: {treatment.reason}"
                read_by = secrets[path].file.read_by
                yield found(INFO, path, line, message, related=[Location(read_by)] if read_by else ())


def _treated(
    environment: Environment, secrets: dict[str, Secret]
) -> Iterator[tuple[str, Treatment, int | None]]:
    for path, expected in environment.generator_files.items():
        secret = secrets.get(path)
        if secret is not None and secret.stored_as is not None:
            patch = secret.file.read_by is None
            yield (
                path,
                treat_source(expected, secret.stored_as, secret.marks, secret.size or 0, patch=patch),
                None,
            )
    for applied, item in environment.graph.objects:
        if item.generated is not None:
            if item.kind == "ConfigMap":
                for path in item.generated.files:
                    secret = secrets.get(path)
                    if secret is not None and secret.stored_as is not None:
                        reason = f"the configMapGenerator in {item.file} reads it"
                        yield path, Treatment(Fate.CIPHERTEXT, reason=reason), None
            continue
        secret = secrets.get(item.file)
        if secret is None or secret.stored_as is None or applied.kustomization is None:
            continue
        disabled = item.annotations.get("kustomize.toolkit.fluxcd.io/decrypt", "").lower() == "disabled"
        treatment = treat_object(item, own_selector(secret), decrypts=True, disabled=disabled)
        if (secret.size or 0) > SIZE_LIMIT:
            continue  # only what generators read is limited
        yield item.file, treatment, item.line


RULE = AuditRule(INFO, Group.FLUX, check)
