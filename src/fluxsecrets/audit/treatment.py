"""What Flux would do with each file and object of an environment, as rows of its verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fluxsecrets.flux.model import KustomizationVerdict, ObjectVerdict, SourceVerdict
from fluxsecrets.marks import FLUX_MARKERS
from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome, worst

from .facts import Facts, secrets_by_path
from .judged import judged
from .model import Secret


@dataclass(frozen=True, slots=True)
class Treated:
    """A file or object, and what becomes of it.

    Attributes:
        path, line: where it is written; no line for a file that a generator or patch reads.
        item: the object; for a generator's file the one that is generated, or None for a patch.
        secret: what is known of the file, where it is a secret.
        outcome: why it fails or is applied as ciphertext, or None.
        verdict: of the object, or None for a patch.
    """

    applied: Applied
    path: str
    line: int | None
    item: Object | None
    secret: Secret | None
    treatment: Treatment
    outcome: Outcome | None = None
    verdict: ObjectVerdict | None = None


def treated(facts: Facts, environment: Environment) -> tuple[Treated, ...]:
    """What becomes of everything that an environment applies, in the order in which it is applied."""
    return facts.once(f"treated in {environment.name}", lambda: tuple(_treated(facts, environment)))


def _treated(facts: Facts, environment: Environment) -> Iterator[Treated]:
    secrets = secrets_by_path(facts)
    for verdict in judged(facts, environment):
        applied = verdict.applied
        sources = {each.path: each for each in verdict.sources}
        read: set[str] = set()
        for each in verdict.objects:
            item = each.item
            if item.generated is None:
                secret = secrets.get(item.file)
                outcome = _decisive(each.outcomes)
                yield Treated(applied, item.file, item.line, item, secret, each.treatment, outcome, each)
                continue
            for path in item.generated.files:
                read.add(path)
                secret = secrets.get(path)
                treatment = _generated(each, path, sources.get(path), secret)
                outcome = _of_source(verdict, path) or _decisive(each.outcomes)
                yield Treated(applied, path, None, item, secret, treatment, outcome, each)
        for path in sorted((environment.generator_files.keys() & applied.files) - read):
            secret = secrets.get(path)
            treatment, outcome = _patch(verdict, path, sources.get(path), secret)
            yield Treated(applied, path, None, None, secret, treatment, outcome)


def _generated(
    each: ObjectVerdict, path: str, source: SourceVerdict | None, secret: Secret | None
) -> Treatment:
    """What becomes of a generator's file."""
    if source is not None and source.treatment.fate is not Fate.APPLIED:
        return source.treatment
    sources = each.item.generated.sources if each.item.generated is not None else ()
    for key in (one.key for one in sources if one.path == path):
        if key in each.by_key:
            return each.by_key[key]
    if secret is None or secret.stored_as is None:
        return Treatment(Fate.APPLIED)
    wrong = next((one for one in each.outcomes if one.effect is Effect.CIPHERTEXT), None)
    if wrong is not None:
        return Treatment(Fate.CIPHERTEXT, reason=wrong.reason)
    reason = "Flux does not find the marker of its format in it"
    if source is not None:
        reason = f"Flux does not find {FLUX_MARKERS[source.format].decode()} in it"
    return Treatment(Fate.CIPHERTEXT, reason=reason)


def _patch(
    verdict: KustomizationVerdict, path: str, source: SourceVerdict | None, secret: Secret | None
) -> tuple[Treatment, Outcome | None]:
    """What becomes of a patch: an encrypted one that Flux leaves spoils the objects that it changes."""
    if source is not None and source.treatment.fate in (Fate.FAILS, Fate.DECRYPTED):
        return source.treatment, _of_source(verdict, path)
    if secret is None or secret.stored_as is None:
        return Treatment(Fate.APPLIED), None
    for each in verdict.objects:
        if any(mark.rpartition(":")[0] == path for mark in each.item.patched_by):
            return each.treatment, _decisive(each.outcomes)
    return Treatment(
        Fate.CIPHERTEXT, reason="Flux does not decrypt the patch, and it changes no object"
    ), None


def _of_source(verdict: KustomizationVerdict, path: str) -> Outcome | None:
    return _decisive(each for each in verdict.outcomes if each.path == path)


def _decisive(outcomes: Iterable[Outcome]) -> Outcome | None:
    found = worst(outcomes)
    return found if found is not None and found.effect in (Effect.FAILS, Effect.CIPHERTEXT) else None
