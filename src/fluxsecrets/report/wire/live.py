"""An environment compared with its cluster: `verify --cluster`."""

from __future__ import annotations

from typing import Literal, TypedDict


class LiveCheck(TypedDict):
    """A check that ran."""

    check: str
    """Its name in docs/cluster.md."""
    title: str


class LiveFinding(TypedDict):
    """One thing that a check found out. No value is in it."""

    check: str
    standing: Literal["wrong", "cannot tell", "intended"]
    """Intended differs from the repository, and somebody said that it may."""
    kind: str | None
    """Of the object; null if it is about the whole cluster."""
    namespace: str | None
    name: str | None
    message: str
    details: list[str]
    hint: str | None
    path: str | None
    """Where the repository has the object; null if it does not."""
    line: int | None


class LiveSummary(TypedDict):
    """Counts."""

    kustomizations: int
    """Those that the repository has."""
    secrets: int
    wrong: int
    unknown: int
    intended: int


class LiveVerification(TypedDict):
    """An environment, compared with its cluster."""

    environment: str
    context: str | None
    """Of the kubeconfig file; null for a dump."""
    server: str | None
    """The address of the API server; null for a dump."""
    dump: str | None
    """The folder that was read in place of a cluster."""
    strict: bool
    """What cannot be told counts as wrong."""
    checks: list[LiveCheck]
    findings: list[LiveFinding]
    """By standing, the wrong ones first."""
    summary: LiveSummary
