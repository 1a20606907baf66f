"""Kustomizations that apply encrypted files without decrypting them."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied

INFO = describe(
    "decryption-missing",
    Severity.HIGH,
    "a Kustomization applies encrypted files and has no spec.decryption",
    why="Flux stops with an error at an encrypted Secret, and applies nothing of the Kustomization. It "
    "silently applies the ciphertext of files that a secretGenerator reads.",
    fix="add `decryption: {provider: sops, secretRef: {name: sops-age}}` to the Kustomization's spec, or "
    "add it to all with a patch in the parent",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each Kustomization without effective decryption that reaches an encrypted file."""
    encrypted = {secret.path for secret, _ in facts.encrypted()}
    seen = set()
    for environment in facts.environments:
        for applied in environment.graph.applied:
            item = applied.kustomization
            if item is None or item.decryption is not None or (item.file, item.line) in seen:
                continue
            files = sorted(_decrypted_files(environment, applied) & encrypted)
            if files:
                seen.add((item.file, item.line))
                more = f" and {len(files) - 1} more" if len(files) > 1 else ""
                message = f"Kustomization {item.name} applies {files[0]}{more}, but decrypts nothing"
                yield found(
                    INFO,
                    item.file,
                    item.line,
                    message,
                    item.name,
                    related=[Location(path) for path in files[:5]],
                )


def _decrypted_files(environment: Environment, applied: Applied) -> set[str]:
    """Return the files that Flux would have to decrypt: manifests of objects, and files of generators."""
    manifests = {item.file for item in applied.objects if item.generated is None}
    return (manifests | (applied.files & environment.graph.decrypted_as.keys())) & applied.files


RULE = AuditRule(INFO, Group.FLUX, check)
