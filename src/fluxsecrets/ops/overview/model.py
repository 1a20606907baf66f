"""What an overview holds. All of it is public: names, places, dates and counts, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fluxsecrets.findings import Severity
from fluxsecrets.flux.model import Verdict
from fluxsecrets.ops.checks.audit import AuditResult
from fluxsecrets.ops.checks.matrix import Matrix
from fluxsecrets.ops.manifests.environments import ShownEnvironment, ShownKustomization
from fluxsecrets.repo.outcome import Outcome


class State(StrEnum):
    """Where a key or certificate is in its life."""

    FINE = "fine"
    SOON = "soon"
    OVER = "over"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A key or a certificate on the time line.

    Attributes:
        path: the file that has it, relative to the root.
        environments: the environments that it is in.
        start: the day on which it began; None if nothing tells.
        end: the last day on which it is valid, or that the policy allows; None if nothing tells.
        changed: the day on which the file was last encrypted, or None.
    """

    name: str
    path: str
    environments: tuple[str, ...]
    start: date | None
    end: date | None
    state: State
    changed: date | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """A recipient that a rule or `keys/` lists.

    Attributes:
        joined: the day of the first commit that listed the key; None if none does, or no history tells.
        key: its public key file with the age of that; None for a key that only a rule lists.
    """

    name: str
    kind: str
    joined: date | None
    key: Lifetime | None


@dataclass(frozen=True, slots=True)
class Left:
    """A recipient that was removed.

    Attributes:
        day: of the removal; None if its record is unreadable.
        commit: the commit that removed it, or "" for a record of `offboarding/`.
        path: the file that listed it, or its record.
    """

    name: str
    day: date | None
    commit: str
    path: str


@dataclass(frozen=True, slots=True)
class Policy:
    """From when on something is overdue, in days; see `AuditSettings`."""

    data_key_days: int
    identity_days: int
    certificate_days: int


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How old keys are, and when certificates end.

    Attributes:
        data_keys: of each encrypted file, the oldest first.
        certificates: in Secrets that were opened, the one that ends first is first.
    """

    policy: Policy
    data_keys: tuple[Lifetime, ...]
    joined: tuple[Joined, ...]
    left: tuple[Left, ...]
    sealing: tuple[Lifetime, ...]
    certificates: tuple[Lifetime, ...]


@dataclass(frozen=True, slots=True)
class KustomizationView:
    """A Kustomization with what becomes of it.

    Attributes:
        after: indexes in the environment of those that it waits for: its parent, and `dependsOn`.
        decisive: what settles the verdict, or None.
        secrets: what becomes of its Secrets, in the order of `shown.secrets`; "" if nothing tells.
    """

    shown: ShownKustomization
    after: tuple[int, ...]
    verdict: Verdict
    decisive: Outcome | None
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """An environment, its Kustomizations in dependency order."""

    shown: ShownEnvironment
    kustomizations: tuple[KustomizationView, ...]


@dataclass(frozen=True, slots=True)
class RepositoryState:
    """What was looked at.

    Attributes:
        name: of the folder.
        commit: of HEAD; None without git, or before the first commit.
        day: of the commit.
        changed: files that git tracks differ from the commit.
        cut_off: the clone has only the last commits, so what happened before is unknown.
    """

    name: str
    commit: str | None = None
    day: date | None = None
    changed: bool = False
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """A repository's secrets at one time.

    Attributes:
        made: the time of the audit, in UTC.
        environment: the only one that was looked at, or None.
        rules: the only rules that ran; empty for all.
        severity: findings below it are left out.
        belongs: the environments of each file that is in one.
        with_scanned: the rules that `scan` has, too, ran.
    """

    repository: RepositoryState
    made: datetime
    environment: str | None
    rules: tuple[str, ...]
    severity: Severity
    audit: AuditResult
    matrix: Matrix
    environments: tuple[EnvironmentView, ...]
    lifetimes: Lifetimes
    belongs: Mapping[str, tuple[str, ...]]
    with_scanned: bool = True
