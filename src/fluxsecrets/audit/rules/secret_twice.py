"""Secrets with two providers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from fluxsecrets.audit.cluster import Provided, all_provided, is_rooted, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.repo.manifests import Plain, text

INFO = describe(
    "secret-twice",
    Severity.HIGH,
    "two places provide one Secret",
    why="They overwrite each other for ever, and the application sees the value that was written last. "
    "Rotating one of them has no effect, or half of one.",
    fix="keep one of them",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each Secret of an environment that several objects create."""
    seen = set()
    for environment in facts.environments:
        if not is_rooted(environment):
            continue  # one folder may hold the overlays of several environments
        for (kind, _), entries in all_provided(facts, environment).items():
            by_namespace: dict[str, list[Provided]] = {}
            for each in entries:
                if kind == "Secret" and each.provision.namespace is not None and _counts(each):
                    by_namespace.setdefault(each.provision.namespace, []).append(each)
            for first, other in (pair for group in by_namespace.values() for pair in pairwise(group)):
                place = (other.item.file, other.provision.line)
                same = (first.item.file, first.provision.line)
                if place != same and place not in seen:
                    seen.add(place)
                    yield _finding(first, other)


def _finding(first: Provided, other: Provided) -> Finding:
    what = shown(other.provision.namespace, other.provision.name)
    where = Location(first.item.file, first.provision.line)
    if _is_the_same(first, other):
        owners = " and ".join(dict.fromkeys(_owner(each) for each in (first, other)))
        item = f"{other.item.kind} {other.item.name}"
        message = f"{owners} apply {item}, which provides Secret {what}; the same object is in {where}"
        return found(
            INFO, other.item.file, other.provision.line, message, what, severity=Severity.LOW, related=[where]
        )
    message = (
        f"{other.item.kind} {other.item.name} provides Secret {what}, and so does {first.item.kind} "
        f"{first.item.name} in {where}"
    )
    return found(INFO, other.item.file, other.provision.line, message, what, related=[where])


def _is_the_same(first: Provided, other: Provided) -> bool:
    """Whether it is one object, in two files that say the same: its value does not depend on who is last."""
    return first.item.key == other.item.key and _content(first) == _content(other)


def _content(each: Provided) -> Plain:
    return {name: value for name, value in each.item.data.items() if name != "metadata"}


def _owner(each: Provided) -> str:
    kustomization = each.applied.kustomization
    return f"Kustomization {kustomization.name}" if kustomization is not None else "the root"


def _counts(each: Provided) -> bool:
    """Whether the object creates the Secret itself, for certain, and does not just add to it."""
    spec = each.item.data.get("spec")
    if text(spec, "target", "creationPolicy") in ("Merge", "None", "CreateOrMerge"):
        return False
    if text(spec, "refreshPolicy") == "CreatedOnce":  # an initial value that another provider replaces
        return False
    return each.provision.how in ("plain", "sops", "generated", "sealed", "external", "certificate")


RULE = AuditRule(INFO, Group.FLUX, check)
