"""`spec.decryption` without a Secret, or with one that holds no key for Flux."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Provided, all_provided, shown
from fluxsecrets.audit.facts import Facts, encrypted_by_path
from fluxsecrets.audit.judged import controller_of
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.flux.keygroups import needs_private_key
from fluxsecrets.flux.keynames import is_read
from fluxsecrets.flux.since import GLOBAL_KEY, has
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.graph import Applied
from fluxsecrets.shell import word

INFO = describe(
    "decryption-key-missing",
    Severity.HIGH,
    "spec.decryption leads to no key",
    why="In the Secret of spec.decryption.secretRef, Flux reads private keys only from data keys named "
    "*.agekey and *.asc (and sops.vault-token, sops.aws-kms, sops.azure-kv, sops.gcp-kms). It "
    "silently skips all others, and then fails on the first encrypted file.",
    fix="name the Secret, with the data key identity.agekey: `fluxsecrets keys cluster-secret --env NAME` "
    "prints it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each environment that decrypts without a Secret, and each Secret without a usable key."""
    seen: set[tuple[str, int]] = set()
    for environment in facts.environments:
        provided = all_provided(facts, environment)
        unnamed = []
        for applied in environment.graph.applied:
            item = applied.kustomization
            if item is None or item.decryption is None or (item.file, item.line) in seen:
                continue
            seen.add((item.file, item.line))
            name = item.decryption.secret
            if name is None:
                unnamed += [item] if _needs_secret(facts, applied) else []
                continue
            for each in provided.get(("Secret", name), ()):
                if each.provision.namespace not in (None, item.namespace):
                    continue
                yield from _judge(environment, item, each)
        if unnamed and not _controller_has_key(facts, environment):
            yield _unnamed(environment, unnamed)


def _unnamed(environment: Environment, items: list[FluxKustomization]) -> Finding:
    first, more = items[0], f" and {len(items) - 1} more" if len(items) > 1 else ""
    message = f"Kustomization {first.name}{more} decrypts files for age or PGP keys, but names no Secret"
    related = [Location(item.file, item.line) for item in items[1:6]]
    return found(
        INFO,
        first.file,
        first.line,
        message,
        first.name,
        confidence=Confidence.MEDIUM,
        related=related,
        words={"NAME": word(environment.name)},
    )


def _needs_secret(facts: Facts, applied: Applied) -> bool:
    """Whether it applies a file that needs a private key in a Secret. Files for cloud keys need none."""
    blocks = encrypted_by_path(facts)
    return any(needs_private_key(blocks[path]) for path in applied.files & blocks.keys())


def _controller_has_key(facts: Facts, environment: Environment) -> bool:
    """Whether the controller itself has a key for all Kustomizations (`--sops-age-secret`)."""
    controller = controller_of(facts, environment)
    return controller.global_key is not None and has(controller.version, GLOBAL_KEY)


def _judge(environment: Environment, item: FluxKustomization, each: Provided) -> Iterator[Finding]:
    keys = each.provision.keys
    if keys is None or any(map(is_read, keys)) or item.decryption is None:
        return
    name = shown(item.namespace, item.decryption.secret or "")
    message = f"Flux can use none of the data keys of Secret {name}: {', '.join(keys) or 'it is empty'}"
    yield found(
        INFO,
        each.item.file,
        each.provision.line,
        message,
        item.name,
        related=[Location(item.file, item.line)],
        words={"NAME": word(environment.name)},
    )


RULE = AuditRule(INFO, Group.FLUX, check)
