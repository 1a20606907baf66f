"""A row per object of a Kustomization, and per file that a generator or patch reads: what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.audit.facts import Facts, Secret
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.errors import IntegrityError
from fluxsecrets.flux.model import KustomizationVerdict, ObjectVerdict, SourceVerdict
from fluxsecrets.ops.run.names import name_of
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.sops.recipients import RecipientKey, recipient_key

from .verifymodel import Verdict, Verified

_HANDLED = {"SealedSecret": Verdict.SEALED, "ExternalSecret": Verdict.EXTERNAL,
            "ClusterExternalSecret": Verdict.EXTERNAL}  # fmt: skip
_VERDICTS = {
    Effect.FAILS: Verdict.FAILS,
    Effect.CIPHERTEXT: Verdict.CIPHERTEXT,
    Effect.UNKNOWN: Verdict.CANNOT_TELL,
}
_SEVERITY = tuple(Effect)
_PLAIN = "it is in plain text in the repository"


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of something, before it is known whose keys decrypt it."""

    verdict: Verdict
    format: str | None = None
    problem: str | None = None
    behaviour: str | None = None
    note: str = ""


class Rows:
    """Makes the rows of an environment's Kustomizations."""

    def __init__(self, facts: Facts, environment: str) -> None:
        """Take what is known of the repository's secrets, and of the cluster's keys."""
        self._facts = facts
        self._secrets = facts.once("by path", lambda: {secret.path: secret for secret in facts.secrets})
        self._clusters: frozenset[RecipientKey] = keys_of_clusters(facts).get(environment, frozenset())

    def of(self, told: KustomizationVerdict) -> Iterator[Verified]:
        """Yield those of a Kustomization, in the order in which it is built."""
        looked = {source.path: source for source in told.sources}
        read: set[str] = set()
        for each in told.objects:
            files = each.item.generated.files if each.item.generated is not None else ()
            if not files:
                yield self._object(told, each)
            for path in files:
                read.add(path)
                yield self._file(told, each, path, looked.get(path))
        for source in told.sources:
            if source.path not in read:
                yield self._patch(told, source)

    def _object(self, told: KustomizationVerdict, each: ObjectVerdict) -> Verified:
        item = each.item
        secret = self._secrets.get(item.file)
        found = _worst(each.outcomes)
        if found is None:
            found = _Fate(_HANDLED.get(item.kind, Verdict.APPLIED))
            if each.treatment.fate is Fate.DECRYPTED:
                found = _Fate(Verdict.DECRYPTED, each.treatment.format, note=each.treatment.reason)
            elif secret is not None and _is_plain_secret(item):
                found = _Fate(Verdict.PLAIN, problem=_PLAIN)
        return self._row(told, found, item.file, item.line, item, secret, substituted=each.substituted)

    def _file(
        self, told: KustomizationVerdict, each: ObjectVerdict, path: str, source: SourceVerdict | None
    ) -> Verified:
        secret = self._secrets.get(path)
        own = (outcome for outcome in each.outcomes if outcome.path in (path, None))
        found = _worst((*own, *(outcome for outcome in told.outcomes if outcome.path == path)))
        if found is None:
            found = _Fate(Verdict.APPLIED)
            if source is not None and source.treatment.fate is Fate.DECRYPTED:
                found = _Fate(Verdict.DECRYPTED, source.format, note=source.treatment.reason)
            elif secret is not None and secret.stored_as is None:
                if each.item.kind == "Secret":
                    found = _Fate(Verdict.PLAIN, problem=_PLAIN)
            elif each.treatment.fate is Fate.DECRYPTED:
                found = _Fate(Verdict.DECRYPTED, each.treatment.format, note=each.treatment.reason)
        return self._row(told, found, path, None, each.item, secret, substituted=each.substituted)

    def _patch(self, told: KustomizationVerdict, source: SourceVerdict) -> Verified:
        found = _worst(outcome for outcome in told.outcomes if outcome.path == source.path)
        if found is None and source.treatment.fate is Fate.DECRYPTED:
            found = _Fate(Verdict.DECRYPTED, source.format, note=source.treatment.reason)
        secret = self._secrets.get(source.path)
        return self._row(told, found or _Fate(Verdict.APPLIED), source.path, None, None, secret)

    def _row(
        self,
        told: KustomizationVerdict,
        found: _Fate,
        path: str,
        line: int | None,
        item: Object | None,
        secret: Secret | None,
        *,
        substituted: bool = False,
    ) -> Verified:
        kustomization = told.applied.kustomization
        decrypted = found.verdict in (Verdict.DECRYPTED, Verdict.CANNOT_TELL)
        problem = found.problem
        if found.verdict is Verdict.DECRYPTED and problem is None and secret is not None:
            problem = _changed(secret)
        return Verified(
            path=path,
            line=line,
            kustomization=kustomization.name if kustomization is not None else "",
            kind=item.kind if item is not None else "",
            name=item.name if item is not None else "",
            namespace=item.namespace if item is not None else None,
            verdict=found.verdict,
            format=found.format,
            keys=self._keys(told, secret) if decrypted and secret is not None else (),
            substituted=substituted,
            problem=problem,
            behaviour=found.behaviour,
            note=found.note,
        )

    def _keys(self, told: KustomizationVerdict, secret: Secret) -> tuple[str, ...]:
        """The names of the cluster's keys that open it, or of the Secret with the key."""
        metadata = secret.metadata
        recipients = [one for group in metadata.recipients for one in group] if metadata is not None else []
        own = tuple(
            name_of(one, self._facts.names) for one in recipients if recipient_key(one) in self._clusters
        )
        if own or self._clusters:
            return own
        kustomization = told.applied.kustomization
        decryption = kustomization.decryption if kustomization is not None else None
        named = recipients and decryption is not None and decryption.secret
        return (f"Secret {decryption.secret}",) if decryption is not None and named else ()


def _worst(outcomes: Iterable[Outcome]) -> _Fate | None:
    """What the worst of these outcomes makes of it; None without any."""
    found = min(outcomes, key=lambda each: _SEVERITY.index(each.effect), default=None)
    if found is None:
        return None
    verdict = _VERDICTS.get(found.effect, Verdict.APPLIED)
    return _Fate(verdict, problem=found.reason, behaviour=found.behaviour)


def _is_plain_secret(item: Object) -> bool:
    return item.is_secret and item.manifest is not None and item.manifest.has_data


def _changed(secret: Secret) -> str | None:
    """What is wrong with its MAC, which Flux does not check."""
    return secret.error.message if isinstance(secret.error, IntegrityError) else None
