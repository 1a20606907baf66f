"""A row per object of a Kustomization, and per file that a generator or patch reads: what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import judged
from fluxsecrets.audit.model import Secret
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.audit.treatment import Treated, treated
from fluxsecrets.errors import IntegrityError
from fluxsecrets.flux.model import Verdict as OfKustomization
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.outcome import Effect, Outcome, worst
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import RecipientKey, recipient_key

from .verifymodel import Verdict, Verified

_HANDLED = {"SealedSecret": Verdict.SEALED, "ExternalSecret": Verdict.EXTERNAL,
            "ClusterExternalSecret": Verdict.EXTERNAL}  # fmt: skip
_VERDICTS = {
    Effect.FAILS: Verdict.FAILS,
    Effect.CIPHERTEXT: Verdict.CIPHERTEXT,
    Effect.UNKNOWN: Verdict.CANNOT_TELL,
}
_OF_THE_FILE = (Verdict.FAILS, Verdict.PLAIN)
"""What holds for an object even if nothing of its Kustomization is applied."""


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of something, and why that is not what its author wanted."""

    verdict: Verdict
    problem: str | None = None
    behaviour: str | None = None
    note: str = ""


def rows(facts: Facts, environment: Environment) -> dict[int, list[Verified]]:
    """Return the rows of an environment by the identity of what applies them, in the order of the build."""
    clusters = keys_of_clusters(facts).get(environment.name, frozenset())
    refused = {
        id(each.applied) for each in judged(facts, environment) if each.verdict is OfKustomization.FAILS
    }
    found: dict[int, list[Verified]] = {}
    for each in treated(facts, environment):
        row = _row(facts, each, clusters)
        if id(each.applied) in refused and row.verdict not in _OF_THE_FILE:
            row = replace(row, verdict=Verdict.NOT_APPLIED)
        found.setdefault(id(each.applied), []).append(row)
    return found


def _row(facts: Facts, each: Treated, clusters: frozenset[RecipientKey]) -> Verified:
    kustomization, item = each.applied.kustomization, each.item
    fate = _fate(facts, each)
    decrypted = fate.verdict in (Verdict.DECRYPTED, Verdict.CANNOT_TELL)
    return Verified(
        path=each.path,
        line=each.line,
        kustomization=kustomization.name if kustomization is not None else "",
        kind=item.kind if item is not None else "",
        name=item.name if item is not None else "",
        namespace=item.namespace if item is not None else None,
        verdict=fate.verdict,
        format=each.treatment.format,
        keys=_keys(facts, each, clusters) if decrypted else (),
        substituted=each.verdict is not None and each.verdict.substituted,
        problem=fate.problem,
        behaviour=fate.behaviour,
        note=each.treatment.reason if fate.verdict is Verdict.DECRYPTED else fate.note,
    )


def _fate(facts: Facts, each: Treated) -> _Fate:
    treatment = each.treatment
    if treatment.fate in (Fate.FAILS, Fate.CIPHERTEXT):
        verdict = Verdict.FAILS if treatment.fate is Fate.FAILS else Verdict.CIPHERTEXT
        return _Fate(verdict, treatment.reason, each.outcome.behaviour if each.outcome is not None else None)
    found = _worst(each)
    if found is not None and found.effect is not Effect.ALTERED:
        return _Fate(_VERDICTS[found.effect], found.reason, found.behaviour)
    problem = (found.reason, found.behaviour) if found is not None else (None, None)
    if treatment.fate is Fate.DECRYPTED:
        changed = _changed(each.secret) if found is None and each.secret is not None else None
        return _Fate(Verdict.DECRYPTED, changed) if changed else _Fate(Verdict.DECRYPTED, *problem)
    if each.item is not None and each.item.kind in _HANDLED:
        return _Fate(_HANDLED[each.item.kind], *problem)
    if _is_plain_secret(each):
        return _plain(facts, each)
    return _Fate(Verdict.APPLIED, *problem)


def _plain(facts: Facts, each: Treated) -> _Fate:
    if each.path in facts.excused:
        return _Fate(Verdict.PLAIN, note="allowed, or known to the baseline")
    return _Fate(Verdict.PLAIN, "it is in plain text in the repository")


def _worst(each: Treated) -> Outcome | None:
    """The worst outcome of an object; of a generated one, what is about this file of it."""
    outcomes = each.verdict.outcomes if each.verdict is not None else ()
    own = [one for one in outcomes if each.line is not None or one.path == each.path]
    return worst(own)


def _is_plain_secret(each: Treated) -> bool:
    item, secret = each.item, each.secret
    if item is None or not item.is_secret or secret is None:
        return False
    return item.generated is not None or (item.manifest is not None and item.manifest.has_data)


def _keys(facts: Facts, each: Treated, clusters: frozenset[RecipientKey]) -> tuple[str, ...]:
    """The names of the cluster's keys that open its file, or of the Secret with the key."""
    metadata = each.secret.metadata if each.secret is not None else None
    recipients = [one for group in metadata.recipients for one in group] if metadata is not None else []
    own = tuple(name_of(one, facts.names) for one in recipients if recipient_key(one) in clusters)
    if own or clusters:
        return own
    kustomization = each.applied.kustomization
    decryption = kustomization.decryption if kustomization is not None else None
    named = bool(recipients) and decryption is not None and decryption.secret is not None
    return (f"Secret {decryption.secret}",) if decryption is not None and named else ()


def _changed(secret: Secret) -> str | None:
    """What is wrong with its MAC, which Flux does not check."""
    return secret.error.message if isinstance(secret.error, IntegrityError) else None
