"""Encrypted files and objects that Flux would apply as ciphertext, or fail on."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import own_selector
from fluxsecrets.audit.treatment import Treated, decrypts, treated
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.sops.encryption import is_empty

INFO = describe(
    "ciphertext-applied",
    Severity.HIGH,
    "Flux would not decrypt an encrypted file",
    why="Flux decrypts a secretGenerator's file in the format that its key suggests. It recognises an "
    "encrypted file by a marker. It decrypts nothing for a configMapGenerator, and nothing above 5 "
    "MiB. Otherwise it silently applies the ciphertext as the value, or stops.",
    fix="give the file, or its key, the suffix of its format (.yaml, .json, .env, .ini; any other means "
    "binary), and encrypt it again",
)
_WRONG = (Fate.CIPHERTEXT, Fate.FAILS)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each encrypted file of a generator, patch or object that Flux would not turn into its values.

    A Kustomization that decrypts nothing at all is the subject of another rule.
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
            word = "applies its ciphertext" if treatment.fate is Fate.CIPHERTEXT else "fails on it"
            read_by = each.item.file if each.item is not None and each.item.file != each.path else None
            yield found(
                INFO,
                each.path,
                each.line,
                f"Flux {word}: {treatment.reason}",
                related=[Location(read_by)] if read_by else (),
            )


def _is_in_file(each: Treated) -> bool:
    """Whether another rule finds the plain value in the file itself."""
    plain = each.treatment.fate is Fate.FAILS and each.treatment.format == "json" and each.line is not None
    return plain and each.item is not None and not each.item.patched_by and _has_plain(each)


def _has_plain(each: Treated) -> bool:
    document, selector = (each.secret.document, own_selector(each.secret)) if each.secret else (None, None)
    return (
        document is not None
        and selector is not None
        and not selector.uses_comments
        and any(
            selector.encrypts(leaf.path) and not is_empty(leaf.value) and not is_ciphertext(leaf.value)
            for leaf in document.leaves
        )
    )


RULE = AuditRule(INFO, Group.FLUX, check)
