"""`spec.decryption` whose Secret is not named, or holds nothing that Flux would take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.audit.cluster import all_provided, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.flux import FluxKustomization

INFO = describe(
    "decryption-key-missing",
    Severity.HIGH,
    "spec.decryption leads to no key",
    why="Flux takes private keys from the data keys *.agekey and *.asc (and sops.vault-token, "
    "sops.aws-kms, sops.azure-kv, sops.gcp-kms) of the Secret in spec.decryption.secretRef. It "
    "passes over all others without a word, and then fails at the first encrypted file.",
    fix="name the Secret, and its data key identity.agekey: `fluxsecrets keys cluster-secret --env "
    "NAME` prints it",
)
_TAKEN = re.compile(r".+\.agekey|.+\.asc|sops\.(?:vault-token|aws-kms|azure-kv|gcp-kms)")
_NEED_SECRET = ("age", "pgp")
"""Kinds of recipients for which Flux has nothing but the Secret."""


def check(facts: Facts) -> Iterator[Finding]:
    """Each Kustomization whose decryption names no Secret, or one in the tree without a data key for it."""
    kinds = {
        recipient.kind
        for _, metadata in facts.encrypted()
        for group in metadata.recipients
        for recipient in group
    }
    seen = set()
    for environment in facts.environments:
        provided = all_provided(facts, environment)
        for item in environment.graph.kustomizations:
            if item.decryption is None or (item.file, item.line) in seen:
                continue
            seen.add((item.file, item.line))
            name = item.decryption.secret
            if name is None:
                if kinds and kinds <= set(_NEED_SECRET):
                    message = f"Kustomization {item.name} decrypts, and names no Secret with a key"
                    yield found(INFO, item.file, item.line, message, item.name)
                continue
            for each in provided.get(("Secret", name), ()):
                if each.provision.namespace not in (None, item.namespace):
                    continue
                yield from _judge(item, each.provision.keys, each.item.file, each.provision.line)


def _judge(item: FluxKustomization, keys: tuple[str, ...] | None, file: str, line: int) -> Iterator[Finding]:
    if keys is None or any(_TAKEN.fullmatch(key) for key in keys) or item.decryption is None:
        return
    name = shown(item.namespace, item.decryption.secret or "")
    message = (
        f"Flux takes a key from none of the data keys of Secret {name}: {', '.join(keys) or 'it has none'}"
    )
    yield found(INFO, file, line, message, item.name, related=[Location(item.file, item.line)])


RULE = AuditRule(INFO, Group.FLUX, check)
