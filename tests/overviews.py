"""An overview in which every name that comes from a repository is one text."""

from datetime import UTC, date, datetime
from pathlib import Path

from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.findings.allow import AllowedFinding, Remark
from fluxsecrets.findings.baseline import BaselineEntry
from fluxsecrets.flux.model import Verdict
from fluxsecrets.ops.checks.audit import AuditResult
from fluxsecrets.ops.checks.matrix import Matrix, Person
from fluxsecrets.ops.manifests.environments import (
    Protection,
    ShownEnvironment,
    ShownKustomization,
    ShownSecret,
)
from fluxsecrets.ops.overview.model import (
    EnvironmentView,
    Joined,
    KustomizationView,
    Left,
    Lifetime,
    Lifetimes,
    Overview,
    Policy,
    RepositoryState,
    State,
)
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Note

TODAY = date(2026, 3, 1)
RULES = ("plain-secret", "recipient-drift", "data-key-old")


def make_overview(name="db", *, findings=3, environments=1, files=2):
    """Return an overview; `name` is the path, key, recipient, message and reason everywhere."""
    names = [f"{name}{number}" for number in range(environments)]
    paths = [f"{name}/{number}.yaml" for number in range(files)]
    found = tuple(_finding(name, paths[number % files], number) for number in range(findings))
    keys = tuple(
        Lifetime(path, path, (names[number % environments],), date(2025, 1, 1), date(2026, 1, 1), state)
        for number, path in enumerate(paths)
        for state in [(State.OVER, State.FINE)[number % 2]]
    )
    own = {each: tuple(paths[number::environments]) for number, each in enumerate(names)}
    return Overview(
        repository=RepositoryState(name, "0123456789abcdef", TODAY, changed=True, cut_off=True),
        made=datetime(2026, 3, 1, 12, tzinfo=UTC),
        environment=None,
        rules=(),
        severity=Severity.LOW,
        audit=_result(name, found, files),
        matrix=Matrix(
            Path("/repository"),
            tuple(names),
            own,
            {each: own[each][:1] for each in names},
            (
                Person(name, "age", name, {each: own[each][:1] for each in names}, (name,), (name,)),
                Person(f"cluster {name}", "age", name, own, clusters=tuple(names[:1])),
            ),
        ),
        environments=tuple(_environment(each, name) for each in names),
        lifetimes=Lifetimes(
            Policy(365, 365, 30),
            keys,
            (Joined(name, "age", date(2024, 2, 29), keys[0]), Joined(name, "kms", None, None)),
            (Left(name, date(2025, 5, 5), "fedcba9876543210", name),),
            (Lifetime(name, name, (names[0],), date(2024, 1, 1), date(2027, 1, 1), State.FINE),),
            (Lifetime(name, name, (), None, None, State.UNKNOWN),),
        ),
        belongs={path: (names[number % environments],) for number, path in enumerate(paths)},
    )


def _finding(name, path, number):
    return Finding(
        RULES[number % len(RULES)],
        Severity(1 + number % 4),
        Confidence.HIGH,
        Location(path, number + 1),
        f"{name} is `{name}`",
        f"run `fluxsecrets encrypt FILE` for {name}{number % 2}",
        f"{number:032x}",
        related=(Location(name, 3),) * (number % 2),
    )


def _result(name, found, files):
    return AuditResult(
        findings=found,
        known=found[:1],
        allowed=(AllowedFinding(found[0], name, name, 4),) if found else (),
        remarks=(Remark(name, 5, "unused", name),),
        gone=(BaselineEntry("0", "plain-secret", name),),
        notes=(Note(name, 6, name),),
        root=Path("/repository"),
        fail_on=Severity.HIGH,
        files=files,
        encrypted=files,
        opened=0,
        without_keys=("value-weak",),
    )


def _environment(own, name):
    secrets = tuple(
        ShownSecret(name, name, protection, name, 7, recipients=(name,), shared=(name,))
        for protection in Protection
    )
    root, child = (
        ShownKustomization(
            name, None, parent, name, None, None, (name,), False, False, name, name, 8, secrets
        )
        for parent in (None, 0)
    )
    outcome = Outcome(Effect.FAILS, "no-such-folder", name)
    becomes = ("fails", "ciphertext", "cannot tell", "", "decrypted")
    return EnvironmentView(
        ShownEnvironment(own, name, (root, child), outside=secrets[:1], missing=secrets[:1]),
        (
            KustomizationView(root, (), Verdict.APPLIED, None, becomes),
            KustomizationView(child, (0,), Verdict.FAILS, outcome, becomes),
        ),
    )
