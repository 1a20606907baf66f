"""What a check of a cluster is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from fluxsecrets.cluster.model import Gap, Origin, Why

from .situation import Situation


class Standing(StrEnum):
    """Whether something in the cluster is as the repository says."""

    WRONG = "wrong"
    UNKNOWN = "cannot tell"
    INTENDED = "intended"
    """It differs, and somebody said that it may: it is suspended, or its annotations say so."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that a finding is about."""

    kind: str
    namespace: str
    name: str

    @property
    def shown(self) -> str:
        """As messages name it."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class LiveFinding:
    """One thing that a check found out. No value is in it.

    Attributes:
        check: the id of the check.
        subject: the object, or None if it is about the whole cluster.
        message: what is wrong, lower-case start, no full stop, without the subject.
        hint: what to do about it, or "".
        details: more lines, such as the files that can't be decrypted.
        path, line: where the repository has the object, if it does.
    """

    check: str
    standing: Standing
    subject: Subject | None
    message: str
    hint: str = ""
    details: tuple[str, ...] = ()
    path: str | None = None
    line: int | None = None


class Placed(Protocol):
    """Something with a place in the repository, such as a FluxKustomization or an Object."""

    @property
    def file(self) -> str:
        """The path of its file."""

    @property
    def line(self) -> int:
        """The 1-based line."""


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """The texts of a check.

    Attributes:
        id: its name in JSON, such as `decryption-keys`.
        title: what it looks at, in a few words.
    """

    id: str
    title: str

    def wrong(
        self,
        subject: Subject | None,
        message: str,
        *,
        hint: str = "",
        details: tuple[str, ...] = (),
        at: Placed | None = None,
    ) -> LiveFinding:
        """Return a finding for something that is wrong; `at` is where the repository has it."""
        return self.found(Standing.WRONG, subject, message, hint, details, at)

    def unknown(
        self,
        subject: Subject | None,
        message: str,
        *,
        hint: str = "",
        details: tuple[str, ...] = (),
        at: Placed | None = None,
    ) -> LiveFinding:
        """Return a finding for something that can't be told."""
        return self.found(Standing.UNKNOWN, subject, message, hint, details, at)

    def intended(
        self,
        subject: Subject | None,
        message: str,
        *,
        hint: str = "",
        details: tuple[str, ...] = (),
        at: Placed | None = None,
    ) -> LiveFinding:
        """Return a finding for a difference that somebody intended."""
        return self.found(Standing.INTENDED, subject, message, hint, details, at)

    def gap(self, gap: Gap, subject: Subject | None = None, at: Placed | None = None) -> LiveFinding:
        """Return a finding for something that could not be read."""
        message = f"{gap.what} can't be read: {gap.why}"
        # The environment has such objects, or it would not be asked for them.
        standing = Standing.WRONG if gap.why is Why.NO_SUCH_KIND else Standing.UNKNOWN
        return self.found(standing, subject, message, gap.hint, (), at)

    def found(
        self,
        standing: Standing,
        subject: Subject | None,
        message: str,
        hint: str = "",
        details: tuple[str, ...] = (),
        at: Placed | None = None,
    ) -> LiveFinding:
        """Return a finding of any standing."""
        path, line = (at.file, at.line) if at is not None else (None, None)
        return LiveFinding(self.id, standing, subject, message, hint, details, path, line)


@dataclass(frozen=True, slots=True)
class Check:
    """A check: a file in `checks`.

    Attributes:
        check: yields what it found out; nothing where all is as it should be.
    """

    info: CheckInfo
    check: Callable[[Situation], Iterable[LiveFinding]]


@dataclass(frozen=True, slots=True)
class LiveVerification:
    """An environment, compared with its cluster.

    Attributes:
        root: of the repository.
        checks: those that ran.
        findings: in the order of the checks.
        kustomizations, secrets: how many of them the repository has.
        strict: what cannot be told counts as wrong.
    """

    root: Path
    environment: str
    origin: Origin
    checks: tuple[CheckInfo, ...]
    findings: tuple[LiveFinding, ...]
    kustomizations: int
    secrets: int
    strict: bool = False

    def count(self, standing: Standing) -> int:
        """Return the number of findings with a standing."""
        return sum(each.standing is standing for each in self.findings)

    @property
    def exit_code(self) -> int:
        """0 if the cluster is as the repository says, 1 otherwise."""
        unknown = self.strict and self.count(Standing.UNKNOWN)
        return 1 if self.count(Standing.WRONG) or unknown else 0
