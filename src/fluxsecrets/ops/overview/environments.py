"""Environments with the verdict on each Kustomization, and what becomes of each Secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import judged
from fluxsecrets.ops.checks.verifymodel import Verified
from fluxsecrets.ops.checks.verifyrows import rows
from fluxsecrets.ops.manifests.environments import ShownKustomization, ShownSecret, shown_environments
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied

from .model import EnvironmentView, KustomizationView


def view_environments(session: Session, facts: Facts) -> tuple[EnvironmentView, ...]:
    """Return the environments of an audit's facts. Paths are relative to the repository's root.

    Raises:
        ConfigError: the settings are invalid.
    """
    at_root = replace(session, cwd=facts.tree.root)
    shown = {each.name: each for each in shown_environments(at_root, facts.tree, facts.whole.environments)}
    return tuple(
        EnvironmentView(
            shown[each.name], tuple(_kustomizations(facts, each, shown[each.name].kustomizations))
        )
        for each in facts.environments
    )


def _kustomizations(
    facts: Facts, environment: Environment, shown: Iterable[ShownKustomization]
) -> Iterator[KustomizationView]:
    items = rows(facts, environment)
    applied = environment.graph.applied
    for each, verdict in zip(shown, judged(facts, environment), strict=True):
        becomes = _becomes(items.get(id(verdict.applied), ()))
        yield KustomizationView(
            each,
            tuple(_after(verdict.applied, applied)),
            verdict.verdict,
            verdict.decisive,
            tuple(_of(secret, becomes) for secret in each.secrets),
        )


def _after(one: Applied, applied: tuple[Applied, ...]) -> Iterator[int]:
    """The indexes of the Kustomizations that one waits for."""
    if one.kustomization is None:
        return
    wanted = {one.parent, *one.kustomization.waits_for}
    for index, each in enumerate(applied):
        if each is not one and each.key in wanted:
            yield index


def _becomes(items: Iterable[Verified]) -> Mapping[tuple[str | None, str], str]:
    """What becomes of objects, by namespace and name; of several with one name, what is wrong."""
    found: dict[tuple[str | None, str], Verified] = {}
    for item in items:
        key = (item.namespace, item.name)
        if item.name and (key not in found or (item.wrong and not found[key].wrong)):
            found[key] = item
    return {key: str(item.verdict) for key, item in found.items()}


def _of(secret: ShownSecret, becomes: Mapping[tuple[str | None, str], str]) -> str:
    return becomes.get((secret.namespace, secret.name or ""), "")
