"""What a Kustomization waits for.

Follows `checkDependencies` of kustomization_controller.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from fluxsecrets.flux.model import Verdict
from fluxsecrets.repo.flux import KUSTOMIZE_GROUP, FluxKustomization
from fluxsecrets.repo.manifests import Steps
from fluxsecrets.repo.ordering import Key
from fluxsecrets.repo.outcome import Effect, Outcome

from .situation import Situation, same, shown

_COMPARED = 200
"""Names that a hint chooses from: comparing texts is slow."""
_SHOWN = 8
"""Members of a cycle that a reason names."""


def check(situation: Situation) -> Iterator[Outcome]:
    """Each dependency that is missing, or never ready: the Kustomization waits for ever."""
    written = situation.kustomization
    cycle = _cycle(situation)
    if cycle:
        yield _cyclic(situation, cycle)
    for number, key in enumerate(written.waits_for):
        steps = ("spec", "dependsOn", number)
        dependency = _found(situation, key)
        if same(key, written.key):
            if not cycle:
                yield _not_ready(situation, "dependency-cycle", key, steps, "it depends on itself")
        elif dependency is None:
            yield _missing(situation, key, steps)
        elif dependency.suspend:
            yield _suspended(situation, dependency, key, steps)
        elif shown(dependency.key) not in cycle:
            verdict = situation.before.get(dependency.key)
            if verdict is not None and verdict.verdict is Verdict.FAILS:
                yield _not_ready(
                    situation, "dependency-fails", key, steps, "correct that Kustomization first"
                )


def _found(situation: Situation, key: Key) -> FluxKustomization | None:
    named = situation.overview.by_name.get(key[1], ())
    return next((each for each in named if same(key, each.key)), None)


def _cycle(situation: Situation) -> tuple[str, ...]:
    """The Kustomizations of a cycle that it is in, the first one again at the end."""
    name = shown(situation.kustomization.key)
    cycles = (each for each in situation.overview.graph.cycles if each.kind == "dependsOn")
    return next((each.members for each in cycles if name in each.members), ())


def _cyclic(situation: Situation, cycle: tuple[str, ...]) -> Outcome:
    written = situation.kustomization
    following = cycle[cycle.index(shown(written.key)) + 1]
    number = next((index for index, key in enumerate(written.waits_for) if shown(key) == following), None)
    names = cycle if len(cycle) <= _SHOWN else (*cycle[:_SHOWN], "…")
    reason = f"dependency '{following}' is not ready: {' depends on '.join(names)}"
    steps: Steps = ("spec", "dependsOn") if number is None else ("spec", "dependsOn", number)
    return situation.outcome(Effect.FAILS, "dependency-cycle", reason, steps, "break the cycle")


def _missing(situation: Situation, key: Key, steps: Steps) -> Outcome:
    namespace, name = key
    reason = f"dependency '{shown(key)}' not found: kustomizations.{KUSTOMIZE_GROUP} \"{name}\" not found"
    maker = situation.overview.maker
    if maker is not None:
        reason += f", unless the {maker.kind} {maker.name!a} makes it"
        return situation.outcome(Effect.UNKNOWN, "dependency-missing", reason, steps)
    elsewhere = next(iter(situation.overview.by_name.get(name, ())), None)
    there = [each.name for each in situation.overview.graph.kustomizations if each.namespace == namespace]
    near = get_close_matches(name, there[:_COMPARED], n=1)
    if elsewhere is not None:
        hint = f"set `namespace: {elsewhere.namespace}` for it"
    else:
        hint = f"correct the name; is it {near[0]!a}?" if near else "correct the name, or take it out"
    return situation.outcome(Effect.FAILS, "dependency-missing", reason, steps, hint)


def _suspended(situation: Situation, dependency: FluxKustomization, key: Key, steps: Steps) -> Outcome:
    """One that was ready stays so, but only for its own source's old revision."""
    if dependency.source == situation.kustomization.source:
        reason = f"dependency '{shown(key)}' revision is not up to date: it is suspended"
        hint = "resume it, or take it out of dependsOn"
        return situation.outcome(Effect.FAILS, "dependency-suspended", reason, steps, hint)
    reason = f"dependency '{shown(key)}' is suspended: it may have been ready before"
    return situation.outcome(Effect.UNKNOWN, "dependency-suspended", reason, steps)


def _not_ready(situation: Situation, behaviour: str, key: Key, steps: Steps, hint: str) -> Outcome:
    reason = f"dependency '{shown(key)}' is not ready"
    if key in situation.kustomization.ready_by_expression:
        reason += ", unless its readyExpr says otherwise"
        return situation.outcome(Effect.UNKNOWN, behaviour, reason, steps, hint)
    return situation.outcome(Effect.FAILS, behaviour, reason, steps, hint)
