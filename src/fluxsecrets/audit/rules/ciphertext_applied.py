"""Encrypted files and objects that Flux applies as ciphertext."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.causes import causes, found_cause
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.outcome import Effect

from . import decryption_missing, mac_missing, secret_in_list

INFO = describe(
    "ciphertext-applied",
    Severity.HIGH,
    "Flux would not decrypt an encrypted file",
    why="Flux decrypts a secretGenerator's file in the format that its key suggests. It recognises an "
    "encrypted file by a marker. It decrypts nothing for a configMapGenerator, and no object whose "
    "annotation or selector prevents it. The application then sees the ciphertext as its password.",
    fix="give the file, or its key, the suffix of its format (.yaml, .json, .env, .ini; any other means "
    "binary), and encrypt it again",
)
_OTHERS = (decryption_missing, mac_missing, secret_in_list)
"""Rules for some of the causes."""
_OF_OTHERS = frozenset({"no-decryption", "list-loses-sops", "mac-missing"})


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file with a ciphertext that reaches the cluster, unless another rule finds it."""
    for cause in causes(facts, Effect.CIPHERTEXT):
        if cause.behaviour in _OF_OTHERS and cause.places & _found_by_others(facts):
            continue
        verb = "apply" if len(cause.names) > 1 else "applies"
        yield found_cause(INFO, cause, f"{verb} the ciphertext")


def _found_by_others(facts: Facts) -> frozenset[str]:
    return facts.once("ciphertext found by other rules", lambda: frozenset(_others(facts)))


def _others(facts: Facts) -> Iterator[str]:
    for other in _OTHERS:
        for finding in other.check(facts):
            yield from (place.path for place in (finding.location, *finding.related))


RULE = AuditRule(INFO, Group.FLUX, check)
