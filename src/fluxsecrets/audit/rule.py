"""What a rule is: one file under `rules/`, with its texts and the function that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.shell import with_words

from .facts import Facts


class Group(StrEnum):
    """What a rule is about; the groups of `rules list` and of the documentation."""

    PROTECTION = "protection"
    RECIPIENTS = "recipients"
    AGE = "age"
    FLUX = "flux"
    GIT_ACCESS = "git-access"
    VALUES = "values"

    @property
    def heading(self) -> str:
        """Its name for people."""
        return _HEADINGS[self]


_HEADINGS = {
    Group.PROTECTION: "Is it protected",
    Group.RECIPIENTS: "Who can read it",
    Group.AGE: "How old it is",
    Group.FLUX: "What Flux does with it",
    Group.GIT_ACCESS: "Who gets at it",
    Group.VALUES: "What the values are",
}


@dataclass(frozen=True, slots=True)
class AuditRule:
    """A rule.

    Attributes:
        check: gives the findings in a repository; raises nothing.
        needs_keys: it looks at decrypted values, and is left out where no identity is at hand.
        for_applied: what it finds matters in files that are in use; it is low in archives and examples.
    """

    info: RuleInfo
    group: Group
    check: Callable[[Facts], Iterable[Finding]]
    needs_keys: bool = False
    for_applied: bool = False


def describe(id_: str, severity: Severity, title: str, *, why: str, fix: str) -> RuleInfo:
    """The texts of a rule of the audit; its section in the documentation has its id as heading."""
    return RuleInfo(id_, title, severity, why, fix, f"audit-rules.md#{id_}")


def found(
    info: RuleInfo,
    path: str,
    line: int | None,
    message: str,
    *names: str,
    hint: str | None = None,
    severity: Severity | None = None,
    confidence: Confidence = Confidence.HIGH,
    related: Iterable[Location] = (),
    words: Mapping[str, str] | None = None,
) -> Finding:
    """A finding of a rule.

    Args:
        info: the rule.
        path: the file, relative to the root.
        line: 1-based, or None for the whole file.
        message: what is wrong, with names, never with values.
        names: what tells it from others of this rule in this file, over moved lines.
        hint: what to do; by default the rule's own advice.
        severity: by default the rule's.
        confidence: how sure it is.
        related: other places that belong to it.
        words: what the placeholders in the hint's commands are here, as words of a command line. The file of
            the finding is FILE, which is put in when the hint is shown.
    """
    return Finding(
        info.id,
        severity or info.severity,
        confidence,
        Location(path, line),
        message,
        with_words(hint or info.fix, words or {}),
        fingerprint(info.id, path, *names),
        related=tuple(related),
    )
