"""The variables of a Kustomization: `postBuild.substitute` and `substituteFrom`.

Follows `LoadVariables` of fluxcd/pkg's kustomize/kustomize_varsub.go, and asks what the cluster has by then:
Flux builds a Kustomization before it applies anything of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fluxsecrets.repo.flux import FluxKustomization, SubstituteFrom
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.substitute import is_disabled

from .store import Held, Key, Store, key_of
from .unknown import UNKNOWN

_NAME = re.compile(r"[_A-Za-z][_A-Za-z0-9]*", re.ASCII)
_RULE = "^[_[:alpha:]][_[:alpha:][:digit:]]*$"
_PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a Kustomization.

    Attributes:
        values: by name, without line breaks; `UNKNOWN` for one that is not known here. Not in the repr.
        active: Flux replaces variables at all.
        incomplete: what may hold more of them, such as `Secret "x"`, or "".
        late: those that are there from the second run on only.
        folded: those that lost line breaks.
        outcomes: what stops Flux when it reads them.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    active: bool = False
    incomplete: str = ""
    late: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    outcomes: tuple[Outcome, ...] = ()


class Makers:
    """Which Kustomization of a graph applies which Secret and ConfigMap."""

    def __init__(self, applied: tuple[Applied, ...]) -> None:
        self.applied = applied
        self._by_name: dict[tuple[str | None, str] | None, list[int]] = {}
        for index, each in enumerate(applied):
            self._by_name.setdefault(each.key, []).append(index)

    @cached_property
    def _makers(self) -> dict[Key, int]:
        return {
            key: index
            for index, each in enumerate(self.applied)
            for item in each.objects
            if (key := key_of(item)) is not None
        }

    def maker(self, applied: Applied, source: SubstituteFrom) -> int | None:
        """The position of what applies a source of variables, or None."""
        namespace = applied.kustomization.namespace if applied.kustomization is not None else None
        return self._makers.get((source.kind, namespace, source.name))

    def comes_later(self, applied: Applied, maker: int) -> bool:
        """Whether a Kustomization is applied only once another is, which may be the same."""
        return any(self.applied[index] is applied for index in self._with_before(maker))

    def is_unsure(self, applied: Applied) -> bool:
        """Whether something before it applies what is not known here."""
        return any(
            each.reason is not None and each is not applied
            for each in map(self.applied.__getitem__, self._with_before(self.applied.index(applied)))
        )

    def in_order(self) -> Iterator[Applied]:
        """All Kustomizations, each behind what must be applied before it, its variables too."""
        done: set[int] = set()
        for first in range(len(self.applied)):
            waiting = [first]
            while waiting:
                index = waiting[-1]
                before = next(
                    (each for each in self._needed(index) if each not in done and each not in waiting), None
                )
                if before is not None:
                    waiting.append(before)
                    continue
                waiting.pop()
                if index not in done:
                    done.add(index)
                    yield self.applied[index]

    def _needed(self, index: int) -> Iterator[int]:
        each = self.applied[index]
        for name in _before(each):
            yield from self._by_name.get(name, ())
        for source in each.kustomization.substitute_from if each.kustomization is not None else ():
            maker = self.maker(each, source)
            if maker is not None and not self.comes_later(each, maker):
                yield maker

    def _with_before(self, index: int) -> Iterator[int]:
        """One, and all that must be applied before it: what applies it, and what it depends on."""
        seen = {index}
        waiting = [index]
        while waiting:
            index = waiting.pop()
            yield index
            for name in _before(self.applied[index]):
                found = [each for each in self._by_name.get(name, ()) if each not in seen]
                seen.update(found)
                waiting += found


def _before(each: Applied) -> Iterator[tuple[str | None, str]]:
    if each.parent is not None:
        yield each.parent
    item = each.kustomization
    for namespace, name in item.depends_on if item is not None else ():
        yield (namespace or (item.namespace if item is not None else None), name)


def read_variables(
    applied: Applied, store: Store, makers: Makers, mentions: Callable[[str], str | None]
) -> Variables:
    """The variables of a Kustomization, as the cluster has them when Flux builds it.

    Args:
        applied: the Kustomization with what it applies.
        store: what the others have applied.
        makers: which of them applies what.
        mentions: the first file that Flux does not apply and that names something, or None.
    """
    item = applied.kustomization
    first = next((each for each in applied.built if not is_disabled(each.data)), None)
    if item is None or not item.post_build or first is None:
        return Variables()
    reading = _Reading(applied, item, store, makers, mentions, f"post build failed for '{shown(first)}': ")
    for number, source in enumerate(item.substitute_from):
        reading.take(number, source)
    return reading.variables()


class _Reading:
    """What has been read so far."""

    def __init__(
        self,
        applied: Applied,
        item: FluxKustomization,
        store: Store,
        makers: Makers,
        mentions: Callable[[str], str | None],
        start: str,
    ) -> None:
        self.applied = applied
        self.item = item
        self.store = store
        self.makers = makers
        self.mentions = mentions
        self.start = start
        self.values: dict[str, str] = {}
        self.incomplete: list[str] = []
        self.late: set[str] = set()
        self.outcomes: list[Outcome] = []

    def take(self, number: int, source: SubstituteFrom) -> None:
        maker = self.makers.maker(self.applied, source)
        held = self.store.get(source.kind, self.item.namespace, source.name)
        is_there = held is not None and held.item is None
        if maker is not None and not is_there and self.makers.comes_later(self.applied, maker):
            self.take_late(number, source, maker)
        elif held is not None:
            self.add(held, f'{source.kind} "{source.name}"')
        elif not source.optional:
            self.refuse(number, source, maker)

    def add(self, held: Held, source: str) -> None:
        self.values |= {name: UNKNOWN if value is None else value for name, value in held.values.items()}
        if not held.complete:
            self.incomplete.append(source)

    def take_late(self, number: int, source: SubstituteFrom, maker: int) -> None:
        """What is there only after this Kustomization was applied once."""
        found = next(
            (each for each in self.makers.applied[maker].objects if _is(each, source, self.item)), None
        )
        names = [*_names(found)] if found is not None else []
        if source.optional:
            self.late.update(names)
            self.values |= dict.fromkeys(names, UNKNOWN)
            return
        owner = self.makers.applied[maker]
        by = (
            "this Kustomization itself"
            if owner is self.applied
            else "a Kustomization that waits for this one"
        )
        self.outcomes.append(
            Outcome(
                Effect.FAILS,
                "variable-source-late",
                self.start + _not_found(source),
                self.item.file,
                self.line(number),
                f"{by} applies the {source.kind} after this build: move it to one that this one depends on",
            )
        )

    def refuse(self, number: int, source: SubstituteFrom, maker: int | None) -> None:
        """A source that is not there, or that something outside of Flux may make."""
        reason, hint = self.start + _not_found(source), ""
        unsure = maker is None and self.makers.is_unsure(self.applied)
        if maker is not None:
            hint = f"the Kustomization that applies the {source.kind} fails: fix that one first"
        elif (path := self.mentions(source.name)) is not None:
            unsure = True
            reason = (
                f"nothing that Flux applies here makes the {source.kind} {source.name!a}; {path} names it"
            )
        else:
            hint = (
                f"check the name and namespace of the {source.kind}, or set `optional: true`; if something "
            )
            hint += "else makes it, name it under `in_cluster` of the environment in .fluxsecrets.yaml"
        effect = Effect.UNKNOWN if unsure else Effect.FAILS
        if unsure:
            hint = f"name the {source.kind} under `in_cluster` of the environment in .fluxsecrets.yaml"
        self.outcomes.append(
            Outcome(effect, "variable-source-missing", reason, self.item.file, self.line(number), hint)
        )

    def line(self, number: int) -> int:
        item = self.applied.item
        return item.line_at(("spec", "postBuild", "substituteFrom", number)) if item else self.item.line

    def variables(self) -> Variables:
        self.values |= dict(self.item.substitute)
        self.late.difference_update(name for name, _ in self.item.substitute)
        active = bool(self.values or self.incomplete) or self.item.substitute_always
        if active and not self.outcomes:
            self.outcomes += self.invalid_names()
        folded = frozenset(name for name, value in self.values.items() if "\n" in value.rstrip("\n"))
        return Variables(
            {name: _on_one_line(value) for name, value in self.values.items()},
            active,
            ", ".join(self.incomplete),
            frozenset(self.late),
            folded,
            tuple(self.outcomes),
        )

    def invalid_names(self) -> Iterable[Outcome]:
        name = next((name for name in sorted(self.values) if _NAME.fullmatch(name) is None), None)
        if name is not None:
            yield Outcome(
                Effect.FAILS,
                "variable-name-invalid",
                f"{self.start}envsubst error: '{name}' var name is invalid, must match '{_RULE}'",
                self.item.file,
                self.item.line,
                "every key of a Secret or ConfigMap in `substituteFrom` is a variable: rename this one",
            )


def shown(item: Object) -> str:
    """An object as Flux names it in errors, such as `Secret.v1.[noGrp]/name`."""
    version = item.api_version.rpartition("/")[2]
    return f"{item.kind}.{version or '[noVer]'}.{item.group or '[noGrp]'}/{item.name}"


def _on_one_line(value: str) -> str:
    return value.replace("\n", "") if "\n" in value else value


def _not_found(source: SubstituteFrom) -> str:
    plural = _PLURALS.get(source.kind, source.kind)
    return f"substitute from '{source.kind}/{source.name}' error: {plural} \"{source.name}\" not found"


def _is(item: Object, source: SubstituteFrom, kustomization: FluxKustomization) -> bool:
    return key_of(item) == (source.kind, kustomization.namespace, source.name)


def _names(item: Object) -> Iterator[str]:
    for kind in ("data", "stringData"):
        found = item.data.get(kind)
        yield from found if isinstance(found, dict) else ()
    yield from item.generated.keys if item.generated is not None else ()
