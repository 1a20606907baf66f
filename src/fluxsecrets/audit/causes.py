"""What is wrong with the Kustomizations of a repository, by cause: one mistake is one finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.findings import Finding, Location, RuleInfo
from fluxsecrets.flux.model import KustomizationVerdict
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.outcome import Effect, Outcome

from .facts import Facts
from .judged import judged
from .rule import found

_RELATED = 5


@dataclass(frozen=True, slots=True)
class Cause:
    """A mistake, with the Kustomizations that it changes.

    Attributes:
        environment: the first one that has it.
        kustomizations: those with this outcome, in order; empty for a root that none syncs.
        first: the outcome that is shown.
        others: the places of further outcomes that belong to it.
    """

    environment: str
    kustomizations: tuple[FluxKustomization, ...]
    first: Outcome
    others: tuple[Location, ...] = ()

    @property
    def behaviour(self) -> str:
        """Its name in the table of docs/flux.md."""
        return self.first.behaviour

    @property
    def place(self) -> Location:
        """What to change: the outcome's file, else the Kustomization's."""
        if self.first.path is not None:
            return Location(self.first.path, self.first.line)
        return _written(self.kustomizations[0]) if self.kustomizations else Location("", None)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the Kustomizations."""
        return tuple(item.name for item in self.kustomizations)

    @property
    def places(self) -> frozenset[str]:
        """The files that belong to it."""
        return frozenset(
            each.path for each in (self.place, *self.others, *map(_written, self.kustomizations))
        )

    @property
    def who(self) -> str:
        """The Kustomizations, for a message."""
        if not self.names:
            return f"the root of {self.environment}"
        more = f" and {len(self.names) - 1} more" if len(self.names) > 1 else ""
        return f"Kustomization {self.names[0]}{more}"

    @property
    def more(self) -> str:
        """How many more places there are, for a message."""
        count = len(self.others)
        return f" (and in {count} more place{'s' * (count > 1)})" if count else ""

    @property
    def related(self) -> tuple[Location, ...]:
        """Where else to look."""
        places = dict.fromkeys((*self.others, *map(_written, self.kustomizations)))
        return tuple(each for each in places if each != self.place)[:_RELATED]


def causes(facts: Facts, effect: Effect) -> tuple[Cause, ...]:
    """The causes of one effect, in the order in which Flux meets them.

    A Kustomization fails by the first thing that is wrong with it: what comes after may follow from that.
    Of ciphertexts each file is one.
    """
    return facts.once(f"causes of {effect}", lambda: tuple(_causes(facts, effect)))


def found_cause(info: RuleInfo, cause: Cause, what: str, *names: str) -> Finding:
    """A finding for a cause.

    Args:
        info: the rule.
        cause: the mistake.
        what: what the Kustomizations do, such as `fails`.
        names: what tells it from others of this behaviour in this file.
    """
    return found(
        info,
        cause.place.path,
        cause.place.line,
        f"{cause.who} {what}: {cause.first.reason}{cause.more}",
        cause.behaviour,
        *names,
        hint=cause.first.hint or None,
        related=cause.related,
    )


def _causes(facts: Facts, effect: Effect) -> Iterator[Cause]:
    found: dict[tuple[str, Location], list[Cause]] = {}
    for environment in facts.environments:
        for verdict in judged(facts, environment):
            for cause in _of_one(environment.name, verdict, effect):
                found.setdefault((cause.behaviour, cause.place), []).append(cause)
    for alike in found.values():
        first = alike[0]
        items = {_written(item): item for each in alike for item in each.kustomizations}
        yield Cause(first.environment, tuple(items.values()), first.first, first.others)


def _of_one(environment: str, verdict: KustomizationVerdict, effect: Effect) -> Iterator[Cause]:
    kinds: dict[tuple[str, str | None], list[Outcome]] = {}
    for outcome in verdict.outcomes:
        if outcome.effect is effect:
            file = outcome.path if effect is Effect.CIPHERTEXT else None
            kinds.setdefault((outcome.behaviour, file), []).append(outcome)
    item = verdict.applied.kustomization
    found = list(kinds.values())
    for first, *others in found[:1] if effect is Effect.FAILS else found:
        own = Location(first.path or "", first.line)
        places = dict.fromkeys(Location(each.path, each.line) for each in others if each.path is not None)
        yield Cause(
            environment,
            (item,) if item is not None else (),
            first,
            tuple(each for each in places if each != own),
        )


def _written(item: FluxKustomization) -> Location:
    return Location(item.file, item.line)
