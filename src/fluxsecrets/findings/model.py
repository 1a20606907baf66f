"""A finding: what is wrong, where, how sure that is, and what to do; never the secret's text."""

from __future__ import annotations

from enum import IntEnum

from fluxsecrets.errors import UsageError
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:  # most findings are of files, not of commits
    from fluxsecrets.repo.git.history import Commit


class Severity(IntEnum):
    """How bad it is, in order; its text is the lower-case name."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Severity:
        """A severity by its name, in any case.

        Raises:
            UsageError: the name is unknown.
        """
        try:
            return cls[text.upper()]
        except KeyError:
            names = ", ".join(map(str, cls))
            raise UsageError(f"there is no severity {text!a}", hint=f"the severities are {names}") from None


class Confidence(IntEnum):
    """How sure a rule is that a finding is real, in order; its text is the lower-case name."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Location(NamedTuple):
    """A place in the repository.

    Attributes:
        path: relative to the repository's root with `/`, or as the user named it outside of one.
        line: 1-based, or None where it is about the whole file.
        column: 1-based in characters, or None where it is about the whole line.
        commit: the commit that holds it, where that is not the work tree or the index.
        repository: path of the repository, which the path starts with, where several are scanned.
    """

    path: str
    line: int | None = None
    column: int | None = None
    commit: str | None = None
    repository: str | None = None

    def __str__(self) -> str:
        """`path:line:column`, without the parts that are unknown."""
        parts = [self.path, self.line, self.column if self.line is not None else None]
        place = ":".join(str(part) for part in parts if part is not None)
        return f"{self.commit[:10]}:{place}" if self.commit else place


class RuleInfo(NamedTuple):
    """What people can read about a rule.

    Attributes:
        id: kebab-case; what allowances and baselines name.
        title: a few words, lower-case start.
        severity: of its findings, unless a finding knows better.
        docs: page and anchor below docs/, such as `scan.md#plain-secret`.
    """

    id: str
    title: str
    severity: Severity
    explanation: str
    fix: str
    docs: str


class History(NamedTuple):
    """A secret in commits.

    Attributes:
        first, last: the first and the last commit that wrote a file with it.
        removed: the commit that changed or removed the last file with it; None if a tip has it, or unknown.
        tips: the branches whose last commit has it, `HEAD` first; empty if only earlier commits have it.
        versions: how many contents of files have it.
        paths: all paths that it was at, that of the finding first.
    """

    first: Commit
    last: Commit
    removed: Commit | None
    tips: tuple[str, ...]
    versions: int
    paths: tuple[str, ...]


class ValueId(bytes):
    """What a secret's value is known by in one run: equal for equal values, and of no use afterwards.

    It is not for output, and not for a file. Its text says nothing.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Without the digest."""
        return "ValueId()"

    __str__ = __repr__


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        location: where it is.
        message: what is wrong, lower-case start, no full stop; names keys, never values.
        hint: what to do, with the command where there is one.
        fingerprint: what a baseline knows it by; see `fingerprint.py`.
        excerpt: the place with the value masked, or None.
        related: other places that belong to it.
        allow_at: lines beside that of the location where an inline allowance counts, such as that of
            the key of a value with many lines.
        value_id: what the secret's value is known by in this run; None where the finding is not about one.
        marks: what the team's allowlists and lists of other tools know about the value, by number.
        history: where commits were scanned, which of them have the secret.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    location: Location
    message: str
    hint: str
    fingerprint: str
    excerpt: str | None = None
    related: tuple[Location, ...] = ()
    allow_at: tuple[int, ...] = ()
    value_id: ValueId | None = None
    marks: tuple[str, ...] = ()
    history: History | None = None


def in_order(finding: Finding) -> tuple[str, int, int, str, str]:
    """The key to sort findings by: their place, then the rule."""
    place = finding.location
    return (place.path, place.line or 0, place.column or 0, finding.rule, place.commit or "")
