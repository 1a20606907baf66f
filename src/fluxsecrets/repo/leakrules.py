"""Rules and allowlists of a team in the terms of gitleaks: plain data, which `scan.custom` compiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

TARGETS = ("secret", "match", "line")
"""What the regular expressions of an allowlist may be compared with."""


@dataclass(frozen=True, slots=True)
class Allowlist:
    """What may pass: findings that meet one of the conditions, or all of them.

    Attributes:
        origin, line: the file that has it, and where.
        description: why, or "".
        regexes, paths: regular expressions, found anywhere in the target or the path.
        target: what `regexes` are compared with; one of `TARGETS`.
        stopwords: lower-case texts that the secret contains, whatever its case.
        commits: lower-case ids of commits.
        every: all kinds of conditions that are given must hold, not one of them.
        rules: ids of the rules that it is for; none means every rule.
    """

    origin: str
    line: int
    description: str = ""
    regexes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    target: str = "secret"
    stopwords: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    every: bool = False
    rules: tuple[str, ...] = ()

    @property
    def meaning(self) -> Allowlist:
        """The allowlist without its place: equal for those that allow the same."""
        return replace(self, line=0)


@dataclass(frozen=True, slots=True)
class Required:
    """A rule that must match near another one; None means anywhere in the file."""

    rule: str
    within_lines: int | None = None
    within_columns: int | None = None


@dataclass(frozen=True, slots=True)
class LeakRule:
    """One rule.

    Attributes:
        id: in kebab-case, as reports and allowances name it.
        name: as its file spells the id.
        origin, line: the file that has it, and where.
        regex: found anywhere in the content; "" for a rule about paths alone.
        group: the group with the secret; 0 for the first one that is not empty, or the whole match.
        entropy: bits per character that the secret must exceed, or None.
        keywords: lower-case texts of which the file must have one; none asks for nothing.
        path: a regular expression that the path must match, or "".
        severity: the name of its findings' severity.
        required: other rules that must match near it.
        silent: it is only there to be required by others.
    """

    id: str
    name: str
    origin: str
    line: int
    description: str = ""
    regex: str = ""
    group: int = 0
    entropy: float | None = None
    keywords: tuple[str, ...] = ()
    path: str = ""
    tags: tuple[str, ...] = ()
    severity: str = "high"
    required: tuple[Required, ...] = ()
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Disabled:
    """A rule that a configuration switches off, and where."""

    rule: str
    origin: str
    line: int


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something in a configuration of another tool that has no effect here."""

    origin: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class LeakRules:
    """All of them, from one file or several.

    Attributes:
        rules: by their order; of two with one id, the first counts.
        allowlists: of all rules, those of single rules included.
    """

    rules: tuple[LeakRule, ...] = ()
    allowlists: tuple[Allowlist, ...] = ()
    disabled: tuple[Disabled, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()

    def __add__(self, other: LeakRules) -> LeakRules:
        """These and others."""
        return LeakRules(
            (*self.rules, *other.rules),
            (*self.allowlists, *other.allowlists),
            (*self.disabled, *other.disabled),
            (*self.unsupported, *other.unsupported),
        )
