"""What Flux would do before and after a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import judged
from fluxsecrets.audit.treatment import Treated, treated
from fluxsecrets.flux.model import KustomizationVerdict, Verdict
from fluxsecrets.ops.checks.accepting import Acceptances, shown_name
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Outcome, worst

from .sides import Side

_KINDS = ("Secret", "SealedSecret", "ExternalSecret")
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


class Place(NamedTuple):
    """Where Flux applies an object.

    Attributes:
        namespace: "" if no file says it.
        remote: in another cluster than the one that the Kustomization is in.
    """

    kind: str
    namespace: str
    name: str
    remote: bool

    def __str__(self) -> str:
        """For people."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}" + (" in another cluster" if self.remote else "")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An object with secrets that Flux applies in another place than before, or in a further one.

    Attributes:
        path, line: where it is written after the change.
        before: the places that it is not in any more; empty if all stay.
        after: the places that are new.
    """

    environment: str
    path: str
    line: int | None
    before: tuple[Place, ...]
    after: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class FluxChange:
    """What Flux would do differently, by environment."""

    worse: tuple[Worse, ...]
    undecrypted: tuple[Undecrypted, ...]
    left: tuple[Left, ...]
    elsewhere: tuple[Elsewhere, ...]


def flux_change(before: Side, after: Side, moved: Mapping[str, str]) -> FluxChange:
    """Compare what Flux would do with the environments of both states.

    Args:
        before: the state before.
        after: the state after.
        moved: the new paths of moved files by their old ones.
    """
    old = {each.name: each for each in _touched(before)}
    worse: list[Worse] = []
    undecrypted: list[Undecrypted] = []
    left: list[Left] = []
    elsewhere: list[Elsewhere] = []
    accepting = _accepting(before.facts)
    for environment in _touched(after):
        earlier = old.get(environment.name)
        worse += _worse(before.facts, earlier, after.facts, environment, accepting)
        if earlier is not None:
            undecrypted += _undecrypted(before.facts, earlier, after.facts, environment)
            left += _left(earlier, _files(environment), after, moved)
            elsewhere += _elsewhere(before.facts, earlier, after.facts, environment, moved)
    for name in old.keys() - {each.name for each in _touched(after)}:
        left += _left(old[name], frozenset(), after, moved)
    return FluxChange(tuple(worse), tuple(undecrypted), tuple(left), tuple(elsewhere))


def _left(
    earlier: Environment, applied: frozenset[str], after: Side, moved: Mapping[str, str]
) -> Iterator[Left]:
    for path in sorted(_files(earlier)):
        now = moved.get(path, path)
        if now not in applied and now in after.tree.files:
            yield Left(earlier.name, now)


def _elsewhere(
    old: Facts, earlier: Environment, new: Facts, environment: Environment, moved: Mapping[str, str]
) -> Iterator[Elsewhere]:
    before = _places(old, earlier, moved)
    for source, (first, places) in _places(new, environment, {}).items():
        if source not in before:
            continue
        had = before[source][1]
        gone, come = (tuple(sorted(one - other)) for one, other in ((had, places), (places, had)))
        if come:
            yield Elsewhere(environment.name, first.path, first.line, gone, come)


def _is_secret(item: Object) -> bool:
    return item.kind in _KINDS or (item.manifest is not None and item.manifest.kind in _KINDS)


_Source = tuple[str, str, str, str]
"""A file, and the object in it as it is written, or the generator that reads it."""


def _places(
    facts: Facts, environment: Environment, moved: Mapping[str, str]
) -> dict[_Source, tuple[Treated, set[Place]]]:
    found: dict[_Source, tuple[Treated, set[Place]]] = {}
    for each in treated(facts, environment):
        item = each.item
        if item is None:
            continue
        written = item.manifest
        if each.treatment.fate is not Fate.DECRYPTED and not _is_secret(item):
            continue
        if written is not None:
            name = (written.kind or "", written.namespace or "", written.name or "")
        else:
            name = ("", item.file, item.names[0][1] if item.names else item.name)
        kustomization = each.applied.kustomization
        remote = kustomization is not None and kustomization.remote
        place = Place(item.kind, item.namespace or "", item.name, remote)
        source = (moved.get(each.path, each.path), *name)
        found.setdefault(source, (each, set()))[1].add(place)
    return found


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
