"""Secrets that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Provided, all_provided, all_used, is_whole, meant, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Severity
from fluxsecrets.flux.keynames import is_private_key
from fluxsecrets.repo.environments import Environment

INFO = describe(
    "secret-unused",
    Severity.LOW,
    "nothing uses a Secret",
    why="A value that nobody needs can still leak, and must still be rotated when someone leaves.",
    fix="remove it; if something outside the repository reads it, allow it with the reason",
)
_HOW = ("plain", "sops", "sealed", "external", "generated")


def check(facts: Facts) -> Iterator[Finding]:
    """Find each Secret that no object refers to by its name, in any environment that applies it."""
    used: dict[tuple[str, int], bool] = {}
    names = {}
    for environment in facts.environments:
        if not is_whole(facts, environment):
            continue  # its user may be where the analysis could not follow
        for place, name, is_used in _secrets(facts, environment):
            used[place] = used.get(place, False) or is_used
            names[place] = name
    for (path, line), is_used in sorted(used.items()):
        if not is_used:
            message = f"nothing in this repository uses Secret {names[path, line]}"
            yield found(INFO, path, line, message, names[path, line], confidence=Confidence.LOW)


def _secrets(facts: Facts, environment: Environment) -> Iterator[tuple[tuple[str, int], str, bool]]:
    provided = all_provided(facts, environment)
    reached = {id(each) for used in all_used(facts, environment) for each in meant(used.use, provided)}
    text = _mentioned(environment)
    for (kind, name), entries in provided.items():
        for each in entries:
            if kind == "Secret" and each.provision.how in _HOW and not _is_read_elsewhere(each):
                place = (each.item.file, each.provision.line)
                yield place, shown(each.provision.namespace, name), id(each) in reached or name in text


def _is_read_elsewhere(each: Provided) -> bool:
    """Whether Kubernetes fills it for a service account, or the controller may use it as Flux's own key."""
    if any(map(is_private_key, each.provision.keys or ())):
        return True
    return each.item.is_secret and each.item.data.get("type") == "kubernetes.io/service-account-token"


def _mentioned(environment: Environment) -> frozenset[str]:
    """Return every text value of every object: unknown kinds name Secrets in their own ways."""
    found_: set[str] = set()
    for _, item in environment.graph.objects:
        if item.kind not in ("Secret", "SealedSecret"):
            waiting: list[object] = [value for key, value in item.data.items() if key != "metadata"]
            while waiting:
                value = waiting.pop()
                if isinstance(value, str):
                    found_.add(value)
                    found_.update(part for part in value.split("/") if "/" in value)
                elif isinstance(value, dict):
                    waiting.extend(value.values())
                elif isinstance(value, list):
                    waiting.extend(value)
    return frozenset(found_)


RULE = AuditRule(INFO, Group.FLUX, check)
