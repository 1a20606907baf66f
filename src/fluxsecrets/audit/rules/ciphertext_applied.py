"""Encrypted files and objects that Flux would apply as ciphertext, or fail at."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import own_selector
from fluxsecrets.audit.treatment import Treated, decrypts, treated
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.sops.cipher import looks_encrypted
from fluxsecrets.sops.encryption import is_empty

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
    """Each file of a generator, patch or object that is encrypted and would not come out as a value.

    A Kustomization that does not decrypt at all is a finding of its own.
    """
    seen = set()
    for environment in facts.environments:
        for each in treated(facts, environment):
            treatment = each.treatment
            if treatment.fate not in _WRONG or not decrypts(each.applied) or each.path in seen:
                continue
            if each.secret is None or each.secret.stored_as is None or _is_in_file(each):
                continue
            seen.add(each.path)
            word = "applies ciphertext of it" if treatment.fate is Fate.CIPHERTEXT else "fails at it"
            read_by = each.item.file if each.item is not None and each.item.file != each.path else None
            yield found(
                INFO,
                each.path,
                each.line,
                f"Flux {word}: {treatment.reason}",
                related=[Location(read_by)] if read_by else (),
            )


def _is_in_file(each: Treated) -> bool:
    """A plain value that stands in the file itself, and is found there by another rule."""
    plain = each.treatment.fate is Fate.FAILS and each.treatment.format == "json" and each.line is not None
    return plain and each.item is not None and not each.item.patched_by and _has_plain(each)


def _has_plain(each: Treated) -> bool:
    document, selector = (each.secret.document, own_selector(each.secret)) if each.secret else (None, None)
    return (
        document is not None
        and selector is not None
        and not selector.uses_comments
        and any(
            selector.encrypts(leaf.path) and not is_empty(leaf.value) and not looks_encrypted(leaf.value)
            for leaf in document.leaves
        )
    )


RULE = AuditRule(INFO, Group.FLUX, check)
