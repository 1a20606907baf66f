"""What `scan`, `audit` and `rules` found."""

from __future__ import annotations

from typing import Literal, TypedDict

from .common import Error, Note, Severity


class Place(TypedDict):
    """Where a finding is."""

    path: str
    line: int | None
    """1-based; null for the whole file."""
    column: int | None
    """1-based, in characters."""
    commit: str | None
    repository: str | None
    """With --repos, the repository; the path starts with it."""


class Commit(TypedDict):
    """A commit; author and date are null if it can't be read."""

    commit: str
    author: str | None
    date: str | None
    """On which it was written, such as 2026-07-28."""


class History(TypedDict):
    """Where commits were scanned: which of them have the value."""

    first: Commit
    """The first commit that wrote a file with it."""
    last: Commit
    """The last commit that wrote a file with it."""
    removed: Commit | None
    """The commit that changed or removed the last file with it; null if a branch has it still."""
    at_head: bool
    tips: list[str]
    """Branches that have it still."""
    versions: int
    """Contents of files that have it."""
    paths: list[str]


class Finding(Place):
    """One thing that is wrong; no value is ever in it."""

    rule: str
    """`fluxsecrets rules show RULE` explains it."""
    severity: Severity
    confidence: Literal["low", "medium", "high"]
    message: str
    hint: str
    """What to do."""
    excerpt: str | None
    """The place, with the value masked."""
    fingerprint: str
    """Identifies it in a baseline; unchanged when lines move."""
    related: list[Place]
    history: History | None
    """With --history, the commits that have it."""


class Allowed(TypedDict):
    """A finding that is allowed, and by what."""

    finding: Finding
    reason: str
    path: str
    """The file with the allowance."""
    line: int
    tool: str | None
    """The other tool in whose words it is allowed."""


class Remark(TypedDict):
    """An allowance that needs attention."""

    path: str
    line: int
    problem: Literal["unused", "expired", "invalid", "unsupported", "unreadable"]
    message: str
    commit: str | None
    """Of an old version of a file that can't be judged."""


class Gone(TypedDict):
    """An entry of the baseline that is not found any more."""

    fingerprint: str
    rule: str
    path: str


class Excuse(TypedDict):
    """An allowance that came with the findings that it allows."""

    path: str
    line: int
    rule: str
    file: str
    """The file with the allowed findings."""
    findings: int


class FindingCounts(TypedDict):
    """How many files and findings there are."""

    files: int
    """Files that were looked at; for `audit`, those that are secrets."""
    findings: int
    critical: int
    high: int
    medium: int
    low: int


class Results(TypedDict):
    """What `scan` and `audit` share."""

    findings: list[Finding]
    known: list[Finding]
    """Findings of the baseline."""
    allowed: list[Allowed]
    remarks: list[Remark]
    """Allowances that somebody should look at."""
    gone: list[Gone]
    """Entries of the baseline that are not found any more."""
    notes: list[Note]
    """What was not analysed."""


class Scan(Results):
    """Secrets in plain text."""

    excuses: list[Excuse]
    """What lets findings pass, and came with the same commits."""
    errors: list[Error]
    """What could not be read or judged; the exit code is 2 then."""
    summary: FindingCounts


class AuditCounts(FindingCounts):
    """How many files and findings there are."""

    encrypted: int
    opened: int
    """Of the encrypted ones, those whose values were judged."""
    fails: bool
    """Something is bad enough for the exit code 1."""


class Audit(Results):
    """What is wrong with secrets."""

    without_keys: list[str]
    """Rules that did not run because no identity at hand opens anything."""
    without_environments: list[str]
    """Rules about what Flux applies that had nothing to look at, since no environment was found."""
    summary: AuditCounts


class Rule(TypedDict):
    """A rule of `scan` or `audit`."""

    id: str
    title: str
    severity: Severity
    explanation: str
    """What it means and why it matters."""
    fix: str
    """What to do."""
    docs: str
    """Its section in docs/."""


class Rules(TypedDict):
    """The rules, or the one that was named."""

    rules: list[Rule]


class Person(TypedDict):
    """A recipient, and what it can read."""

    name: str
    kind: str
    """Age, pgp, kms, …."""
    recipient: str
    files: dict[str, list[str]]
    by_data_key: list[str]
    """Files that are not for them any more, and whose data key they know."""
    cannot_tell: list[str]
    """Files that were encrypted for them once; unknown whether they know the data key."""


class Matrix(TypedDict):
    """Who can read what, by environment."""

    environments: list[str]
    """The last one may be `elsewhere`, for files that belong to none."""
    encrypted: dict[str, list[str]]
    plain: dict[str, list[str]]
    people: list[Person]
