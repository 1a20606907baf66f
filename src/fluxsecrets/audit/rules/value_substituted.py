"""Values in which Flux would replace text."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import SecretValue, secret_values
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import pairs
from fluxsecrets.repo.substitute import DISABLED, variables_in

INFO = describe(
    "value-substituted",
    Severity.HIGH,
    "Flux would replace a part of a value",
    why="Flux replaces the variables of `postBuild` after decryption, in Secrets too. A password that "
    "contains `${` is different in the cluster, and an unknown name is replaced by nothing.",
    fix="write `$${`, put the value under `data` in base64, or give the Secret the annotation "
    "`kustomize.toolkit.fluxcd.io/substitute: disabled`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each value under stringData with a variable that its Kustomization replaces but does not know."""
    seen = set()
    for value, applied in replaced(facts):
        if (value.secret.path, value.line) not in seen:
            seen.add((value.secret.path, value.line))
            yield _finding(value, applied)


def replaced(facts: Facts) -> tuple[tuple[SecretValue, Applied], ...]:
    """Yield the values, each with every Kustomization that would replace something in it."""
    return facts.once("replaced", lambda: tuple(_replaced(facts)))


def _replaced(facts: Facts) -> Iterator[tuple[SecretValue, Applied]]:
    values: dict[tuple[str, str], list[SecretValue]] = {}
    for value in secret_values(facts):
        if value.owner and not value.encoded and "${" in value.text:
            values.setdefault((value.secret.path, value.owner), []).append(value)
    for environment in facts.environments:
        for applied, item in environment.graph.objects if values else ():
            written = item.manifest.name if item.manifest is not None else None
            if not item.is_secret or (item.file, written or "") not in values or not _replaces(applied):
                continue
            if "disabled" in (item.annotations.get(DISABLED), item.labels.get(DISABLED)):
                continue
            known = _known(environment, applied)
            for value in values[item.file, written or ""]:
                if any(name not in known for name in variables_in(value.text)):
                    yield value, applied


def _finding(value: SecretValue, applied: Applied) -> Finding:
    kustomization = applied.kustomization
    assert kustomization is not None  # noqa: S101 - it replaces
    message = replaced_message(value, applied)
    return found(
        INFO,
        value.secret.path,
        value.line,
        message,
        value.shown,
        confidence=Confidence.LOW if applied.unknown_variables else Confidence.MEDIUM,
        related=[Location(kustomization.file, kustomization.line)],
    )


def replaced_message(value: SecretValue, applied: Applied) -> str:
    """Return the message. It leaves out the variable's name, which is a part of the value."""
    name = applied.kustomization.name if applied.kustomization is not None else "Flux"
    return f"{name} replaces a variable in {value.shown} that it does not know"


def _replaces(applied: Applied) -> bool:
    item = applied.kustomization
    return item is not None and item.post_build and bool(item.substitute or item.substitute_from)


def _known(environment: Environment, applied: Applied) -> frozenset[str]:
    item = applied.kustomization
    if item is None:
        return frozenset()
    maps = {each.name for each in item.substitute_from if each.kind == "ConfigMap"}
    found_ = {name for name, _ in item.substitute}
    for _, each in environment.graph.objects:
        if each.kind == "ConfigMap" and each.name in maps and each.namespace in (None, item.namespace):
            found_.update(pairs(each.data, "data"))
    return frozenset(found_)


RULE = AuditRule(INFO, Group.FLUX, check, needs_keys=True)
