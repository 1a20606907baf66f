"""Kustomizations of one environment that apply the folder of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.environments import Environment, EnvironmentRoot
from fluxsecrets.repo.envnames import GENERIC_PARTS, UNNAMED
from fluxsecrets.repo.flux import FluxKustomization
from fluxsecrets.repo.graph import Applied

INFO = describe(
    "path-of-other-environment",
    Severity.HIGH,
    "a Kustomization applies the folder of another environment",
    why="Environments often begin as a copy: `cp -r clusters/production clusters/staging`. A spec.path that "
    "nobody changed in the copy makes staging apply production's files, with production's host names and "
    "secrets. Each change of production then reaches staging too.",
    fix="set spec.path to the environment's own folder; move what both share to a folder that names neither",
)


_GENERIC = frozenset({*GENERIC_PARTS, UNNAMED})


class _Marks(NamedTuple):
    """The parts of paths that tell two environments apart, each with its counterpart."""

    own: frozenset[str]
    others: Mapping[str, str]


def check(facts: Facts) -> Iterator[Finding]:
    """Find each spec.path that another environment applies too, and that has its name in it."""
    seen = set()
    for environment in facts.environments:
        for other in _others(facts, environment):
            marks = _marks(environment, other)
            for applied in environment.graph.applied if marks.others else ():
                item = applied.kustomization
                if item is None or item.path is None or item.remote or not _is_others(item.path, marks):
                    continue
                # A file in the other's folder is reached by an earlier spec.path, which is the cause
                if _is_others(item.file, marks) or not _applies(other, item.path):
                    continue
                place = (environment.name, item.file, item.line)
                if place not in seen:
                    seen.add(place)
                    yield _finding(facts, environment, other, applied, item, marks)


def _others(facts: Facts, environment: Environment) -> Iterator[Environment]:
    """The environments whose names are in a spec.path of this one, so that not each is compared with each."""
    paths = [each.path for each in environment.graph.kustomizations if each.path is not None]
    named = frozenset(part for path in paths for part in path.split("/")) - _words(environment)
    if facts.only is not None:  # the others are not read for nothing
        roots = [root for root in facts.roots if root.name != environment.name]
        meant = (_marks(environment, root) for root in roots if not named.isdisjoint(_words(root)))
        if not any(_is_others(path, marks) for marks in meant for path in paths):
            return
    words = facts.once(
        "words of environments", lambda: [(each, _words(each)) for each in facts.whole.environments]
    )
    yield from (each for each, its_words in words if not named.isdisjoint(its_words))


def _words(environment: Environment | EnvironmentRoot) -> frozenset[str]:
    """What an environment may be told by in a path."""
    return frozenset((*environment.root_path.split("/"), environment.name)) - _GENERIC


def _marks(environment: Environment, other: Environment | EnvironmentRoot) -> _Marks:
    """What tells two environments apart; nothing if one is in the folder of the other."""
    own, others = environment.root_path.split("/"), other.root_path.split("/")
    if environment.name == other.name or own[: len(others)] == others or others[: len(own)] == own:
        return _Marks(frozenset(), {})
    if "" in (environment.root_path, other.root_path):
        return _Marks(frozenset(), {})
    mine, theirs = _words(environment), _words(other)
    pairs = dict(zip(others, own, strict=False)) | {other.name: environment.name}
    return _Marks(mine - theirs, {each: pairs.get(each, "") for each in theirs - mine})


def _is_others(path: str, marks: _Marks) -> bool:
    parts = frozenset(path.split("/"))
    return not parts.isdisjoint(marks.others) and parts.isdisjoint(marks.own)


def _applies(environment: Environment, path: str) -> bool:
    return path in environment.graph.folders


def _finding(
    facts: Facts,
    environment: Environment,
    other: Environment,
    applied: Applied,
    item: FluxKustomization,
    marks: _Marks,
) -> Finding:
    path = item.path or ""
    mapped = "/".join(marks.others.get(part, part) for part in path.split("/"))
    exists = mapped != path and mapped in facts.tree.folders
    twin = next((each for each in other.graph.kustomizations if each.path == path), None)
    copied = twin is not None and twin.name == item.name
    hint = (
        f"set spec.path to ./{mapped}"
        if exists
        else (
            f"create ./{mapped} and set spec.path to it; move what both share to a folder that names neither"
            if "" not in mapped.split("/")
            else None
        )
    )
    return found(
        INFO,
        item.file,
        applied.item.line_at(("spec", "path")) if applied.item is not None else item.line,
        f"Kustomization {item.name} of {environment.name} applies ./{path}, which is {other.name}'s",
        environment.name,
        item.name,
        hint=hint,
        severity=None if exists or copied else Severity.MEDIUM,
        related=[Location(twin.file, twin.line)] if twin is not None and twin.file != item.file else (),
    )


RULE = AuditRule(INFO, Group.FLUX, check)
