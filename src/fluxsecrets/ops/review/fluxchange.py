"""What Flux would do before and after a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import judged
from fluxsecrets.audit.treatment import Treated, treated
from fluxsecrets.flux.model import KustomizationVerdict, Verdict
from fluxsecrets.ops.checks.accepting import Acceptances, shown_name
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.outcome import Outcome, worst

from .sides import Side

_RANK = {Verdict.APPLIED: 0, Verdict.UNKNOWN: 1, Verdict.CIPHERTEXT: 2, Verdict.FAILS: 3}


@dataclass(frozen=True, slots=True)
class Worse:
    """A Kustomization of which less is applied than before.

    Attributes:
        environment: its name.
        kustomization: `NAMESPACE/NAME`, or a folder.
        before: None if it is new.
        outcome: why.
        file, line: what to change.
        usual: it is new, and others of the environment had the same trouble before.
    """

    environment: str
    kustomization: str
    before: Verdict | None
    after: Verdict
    outcome: Outcome
    file: str
    line: int | None
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Undecrypted:
    """A file that Flux decrypted before the change, and does not decrypt any more.

    Attributes:
        reason: why, in Flux's words, or "".
    """

    environment: str
    path: str
    line: int | None
    fate: Fate
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """A file that an environment applied before the change, and that still exists."""

    environment: str
    path: str


@dataclass(frozen=True, slots=True)
class FluxChange:
    """What Flux would do differently, by environment."""

    worse: tuple[Worse, ...]
    undecrypted: tuple[Undecrypted, ...]
    left: tuple[Left, ...]


def flux_change(before: Side, after: Side) -> FluxChange:
    """Compare what Flux would do with the environments of both states."""
    old = {each.name: each for each in _touched(before)}
    worse: list[Worse] = []
    undecrypted: list[Undecrypted] = []
    left: list[Left] = []
    accepting = _accepting(before.facts)
    for environment in _touched(after):
        earlier = old.get(environment.name)
        worse += _worse(before.facts, earlier, after.facts, environment, accepting)
        if earlier is not None:
            undecrypted += _undecrypted(before.facts, earlier, after.facts, environment)
            left += (
                Left(environment.name, path)
                for path in sorted(_files(earlier) - _files(environment))
                if path in after.tree.files
            )
    for name in old.keys() - {each.name for each in _touched(after)}:
        left += (Left(name, path) for path in sorted(_files(old[name])) if path in after.tree.files)
    return FluxChange(tuple(worse), tuple(undecrypted), tuple(left))


def _touched(side: Side) -> tuple[Environment, ...]:
    """The environments that may differ."""
    found = side.facts.environments
    return found if side.touched is None else tuple(each for each in found if each.name in side.touched)


def _accepting(facts: Facts) -> Acceptances:
    """What the settings before the change accept."""
    settings = facts.settings.verify
    return Acceptances(settings.accept if settings is not None else (), facts.today)


def _files(environment: Environment) -> frozenset[str]:
    """The files that Flux applies; others may just be in a folder of the environment."""
    return environment.graph.files | environment.generator_files.keys()


def _worse(
    old: Facts, earlier: Environment | None, new: Facts, environment: Environment, accepting: Acceptances
) -> Iterator[Worse]:
    told = () if earlier is None else judged(old, earlier)
    # A name may be there twice, which is wrong in itself: the worse of them counts.
    before = {shown_name(each): each.verdict for each in sorted(told, key=lambda one: _RANK[one.verdict])}
    behaviours = {(one.effect, one.behaviour) for each in told for one in each.outcomes}
    for each in judged(new, environment):
        name = shown_name(each)
        was = before.get(name)
        if _RANK[each.verdict] <= _RANK[was or Verdict.APPLIED] or (
            was is None and each.verdict is Verdict.UNKNOWN
        ):
            continue
        accepted = accepting.of(each)
        outcome = worst(one for one in each.outcomes if one not in accepted)
        if outcome is None or _rank(outcome) <= _RANK[was or Verdict.APPLIED]:
            continue
        file, line = _place(each, outcome)
        usual = was is None and (outcome.effect, outcome.behaviour) in behaviours
        yield Worse(environment.name, name, was, each.verdict, outcome, file, line, usual=usual)


def _rank(outcome: Outcome) -> int:
    return {"fails": 3, "ciphertext": 2, "unknown": 1}.get(outcome.effect.value, 0)


def _place(each: KustomizationVerdict, outcome: Outcome) -> tuple[str, int | None]:
    if outcome.path is not None:
        return outcome.path, outcome.line
    item = each.applied.kustomization
    return (item.file, item.line) if item is not None else (each.applied.folder or "", None)


def _undecrypted(
    old: Facts, earlier: Environment, new: Facts, environment: Environment
) -> Iterator[Undecrypted]:
    before = {each.path for each in treated(old, earlier) if each.treatment.fate is Fate.DECRYPTED}
    after: dict[str, list[Treated]] = {}
    for each in treated(new, environment):
        after.setdefault(each.path, []).append(each)
    for path in sorted(before):
        rows = after.get(path, [])
        if rows and not any(each.treatment.fate is Fate.DECRYPTED for each in rows):
            first = rows[0]
            yield Undecrypted(
                environment.name, path, first.line, first.treatment.fate, first.treatment.reason
            )
