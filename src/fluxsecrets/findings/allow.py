"""Allowances: findings that somebody accepted, each with a reason.

Two places say so: the list `allow:` of `.fluxsecrets.yaml`, and a comment beside the value,
`fluxsecrets:allow RULE — reason`. Those that are wrong, expired or of no use are reported, so that none
outlives its reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from fluxsecrets.marks import MEMBER_SIGN, SETTINGS_NAME, archive_of
from fluxsecrets.records import dataclass

from .model import Finding

if TYPE_CHECKING:  # most repositories have no allowances
    from fluxsecrets.repo.globs import Glob

Problem: TypeAlias = Literal["unused", "expired", "invalid", "unsupported", "unreadable"]

MARK = b"fluxsecrets:allow"
_FORM = f"{MARK.decode()} RULE — reason"
"""What an inline allowance starts with; only files that have it are looked through."""

_RULE = rb"[a-z0-9]+(?:-[a-z0-9]+)*"
_INLINE = re.compile(
    rb"(?<!`)fluxsecrets:allow(?![\w-])[ \t]*(?P<rules>" + _RULE + rb"(?:[ \t]*,[ \t]*" + _RULE + rb")*)?"
    rb"[ \t]*(?P<sign>\xe2\x80\x94|\xe2\x80\x93|--?|:)?[ \t]*(?P<reason>[^\r\n]*)"
)
_COMMENT_END = re.compile(r"\s*(?:-->|\*/(?:\s*-?\}\})?|#\})\s*$")
# What may stand before the mark, or alone in a line, for that line to be a comment as a whole.
_COMMENT_ONLY = re.compile(rb"\s*(?:#|//|/\*|<!--|;|--|\*|\{\{-?\s*/\*|\{#)[\s#/*!-]*")


class Allowance(Protocol):
    """An entry of `allow:` in `.fluxsecrets.yaml`."""

    @property
    def rule(self) -> str:
        """The rule's id."""

    @property
    def path(self) -> str:
        """A glob for files."""

    @property
    def reason(self) -> str:
        """Why it is all right."""

    @property
    def expires(self) -> date | None:
        """The last day on which it counts."""

    @property
    def line(self) -> int:
        """Where it stands in `.fluxsecrets.yaml`."""


@dataclass(frozen=True, slots=True)
class InlineAllowance:
    """A comment that allows.

    Attributes:
        path, line: where it stands.
        covers: the line that it is about: its own, or the next one where it has a line for itself.
        reason: why; "" where it gives none, and then it allows nothing.
        commit: the commit whose file it stands in, or None; lines in other versions of the file do
            not count.
        tool: the other tool whose comment it is, or ""; such a comment is about every rule.
    """

    path: str
    line: int
    covers: int
    rules: tuple[str, ...]
    reason: str
    commit: str | None = None
    tool: str = ""


@dataclass(frozen=True, slots=True)
class AllowedFinding:
    """A finding that is allowed, and why and where that is said.

    Attributes:
        inline: in a comment beside it.
        tool: the other tool in whose words that is said, or "".
        meaning: equal for allowances that say the same, wherever they stand; None for those of our own.
    """

    finding: Finding
    reason: str
    path: str
    line: int
    inline: bool = False
    tool: str = ""
    meaning: object = None


class Excuser(Protocol):
    """Allowances in the words of another tool."""

    def allow(self, finding: Finding) -> AllowedFinding | None:
        """Return the finding as an allowed one, or None."""

    def meanings(self) -> Iterable[object]:
        """Return what all of them say; see `AllowedFinding.meaning`."""

    def remarks(self, *, complete: bool) -> Iterable[Remark]:
        """Return what needs somebody's eye; `complete` if the whole repository was looked at."""


@dataclass(frozen=True, slots=True)
class Remark:
    """An allowance that needs somebody's eye.

    Attributes:
        path, line: where it stands.
        problem: `unreadable` is an old version of a file.
        commit: the commit of such a version.
    """

    path: str
    line: int
    problem: Problem
    message: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class AllowResult:
    """Findings after allowances were applied.

    Attributes:
        kept: those that nothing allows.
        allowed: the others.
        remarks: on allowances that are expired, unused or invalid.
    """

    kept: tuple[Finding, ...]
    allowed: tuple[AllowedFinding, ...]
    remarks: tuple[Remark, ...]


def find_inline(data: bytes, path: str) -> tuple[InlineAllowance, ...]:
    """The allowances in the comments of a file; a mark in backticks or without a rule is only spoken of."""
    if MARK not in data:
        return ()
    found = []
    counted, line, below = 0, 1, (0, 0)
    for match in _INLINE.finditer(data):
        line_start = data.rfind(b"\n", 0, match.start()) + 1
        line += data.count(b"\n", counted, line_start)
        counted = max(counted, line_start)
        alone = _is_alone(data, line_start, match.start())
        covers = line
        if alone:
            if match.end() >= below[0]:  # else it is one of many comments above the same line
                below = _next_line(data, match.end(), line)
            covers = below[1]
        rules = tuple(rule.strip().decode() for rule in (match["rules"] or b"").split(b",") if rule.strip())
        reason = _COMMENT_END.sub("", match["reason"].decode("utf-8", "replace")).strip(" \t\"',}")
        if rules:
            found.append(InlineAllowance(path, line, covers, rules, reason if match["sign"] else ""))
    return tuple(found)


def _is_alone(data: bytes, line_start: int, position: int) -> bool:
    return _COMMENT_ONLY.fullmatch(data[line_start:position]) is not None


def covered_line(data: bytes, start: int, end: int, line: int) -> int:
    """Return the line that a comment is about: its own, or the next one where it has a line for itself."""
    alone = _is_alone(data, data.rfind(b"\n", 0, start) + 1, start)
    return _next_line(data, end, line)[1] if alone else line


def _next_line(data: bytes, position: int, line: int) -> tuple[int, int]:
    """The first line after a comment that is neither a comment nor empty: where it starts, and its number."""
    while (position := data.find(b"\n", position)) >= 0:
        position += 1
        line += 1
        end = data.find(b"\n", position)
        text = data[position : end if end >= 0 else len(data)]
        if text.strip() and _COMMENT_ONLY.match(text) is None:
            return position, line
    return len(data), line


def apply_allowances(
    findings: Sequence[Finding],
    *,
    inline: Iterable[InlineAllowance] = (),
    listed: Sequence[Allowance] = (),
    settings_path: str = SETTINGS_NAME,
    today: date | None = None,
    rules: Collection[str] = (),
    known: Collection[str] = (),
    complete: bool = False,
    others: Sequence[Excuser] = (),
) -> AllowResult:
    """Part findings into those that are allowed and those that are not.

    Args:
        findings: what was found.
        inline: the comments of all files that were looked at.
        listed: the entries of `.fluxsecrets.yaml`.
        settings_path: its path, for remarks.
        today: the day on which `expires` is judged; by default the present one in UTC.
        rules: ids of the rules that ran; only allowances for these can be unused.
        known: ids of all rules there are; a comment that names another one is invalid. None checks nothing.
        complete: the whole repository was looked at, so that entries which allowed nothing are of no use.
        others: allowances in the words of other tools, asked last.
    """
    if today is None:
        from datetime import UTC, datetime

        today = datetime.now(UTC).date()
    comments, entries = _Comments(inline, rules, known), _Entries(listed, settings_path, today)
    kept: list[Finding] = []
    allowed: list[AllowedFinding] = []
    for finding in findings:
        found = comments.allow(finding) or entries.allow(finding)
        found = found or next(filter(None, (other.allow(finding) for other in others)), None)
        if found is None:
            kept.append(finding)
        else:
            allowed.append(found)
    foreign = chain.from_iterable(other.remarks(complete=complete) for other in others)
    remarks = (*comments.remarks(), *entries.remarks(rules, complete=complete), *foreign)
    return AllowResult(tuple(kept), tuple(allowed), remarks)


class _Comments:
    """Inline allowances by the line that they cover, and which were used."""

    def __init__(
        self, inline: Iterable[InlineAllowance], rules: Collection[str], known: Collection[str]
    ) -> None:
        self.all = tuple(inline)
        self.rules = rules
        self.known = known
        self.used: set[tuple[InlineAllowance, str]] = set()
        self.wanting: set[InlineAllowance] = set()  # without a reason, beside a finding
        self.by_line: dict[tuple[str | None, str, int], list[InlineAllowance]] = {}
        for item in self.all:
            self.by_line.setdefault((item.commit, item.path, item.covers), []).append(item)

    def allow(self, finding: Finding) -> AllowedFinding | None:
        place = finding.location
        lines = finding.allow_at if place.line is None else (place.line, *finding.allow_at)
        for line in lines if self.by_line else ():
            for item in self.by_line.get((place.commit, place.path, line), ()):
                if finding.rule not in item.rules and not item.tool:
                    continue
                if not item.reason:
                    self.wanting.add(item)
                else:
                    self.used.add((item, finding.rule))
                    return AllowedFinding(
                        finding, item.reason, item.path, item.line, inline=True, tool=item.tool
                    )
        return None

    def remarks(self) -> list[Remark]:
        found = []
        helped = {item for item, _ in self.used}
        for item in self.all:
            if item.tool:
                if item not in helped and self.rules:
                    message = f"this comment of {item.tool} allows nothing here"
                    found.append(Remark(item.path, item.line, "unused", message))
                continue
            if not item.reason:
                if item in self.wanting:
                    message = f"this allowance gives no reason, so it allows nothing: {_FORM}"
                    found.append(Remark(item.path, item.line, "invalid", message))
                continue
            for rule in item.rules:
                if rule in self.rules and (item, rule) not in self.used:
                    message = f"nothing is left for this allowance of {rule} to allow: remove it"
                    found.append(Remark(item.path, item.line, "unused", message))
                elif self.known and rule not in self.known:
                    message = f"there is no rule {rule!a}: see `fluxsecrets rules list`"
                    found.append(Remark(item.path, item.line, "invalid", message))
        return found


class _Entries:
    """The entries of `.fluxsecrets.yaml`, compiled, and which were used."""

    def __init__(self, listed: Sequence[Allowance], path: str, today: date) -> None:
        self.path = path
        self.today = today
        self.used: set[int] = set()
        self.entries: list[tuple[Allowance, Glob]] = []
        if listed:
            from fluxsecrets.repo.globs import compile_glob

            self.entries = [(entry, compile_glob(entry.path)) for entry in listed]
        self.by_rule: dict[str, list[int]] = {}
        for index, (entry, _) in enumerate(self.entries):
            if not self.expired(entry):
                self.by_rule.setdefault(entry.rule, []).append(index)

    def expired(self, entry: Allowance) -> bool:
        return entry.expires is not None and entry.expires < self.today

    def allow(self, finding: Finding) -> AllowedFinding | None:
        for index in self.by_rule.get(finding.rule, ()):
            entry, glob = self.entries[index]
            path = finding.location.path
            if glob.matches(path) or (MEMBER_SIGN in path and glob.matches(archive_of(path))):
                self.used.add(index)
                return AllowedFinding(finding, entry.reason, self.path, entry.line)
        return None

    def remarks(self, rules: Collection[str], *, complete: bool) -> list[Remark]:
        found = []
        for index, (entry, _) in enumerate(self.entries):
            if entry.rule not in rules:
                continue
            if self.expired(entry):
                message = f"this allowance of {entry.rule} expired on {entry.expires}"
                found.append(Remark(self.path, entry.line, "expired", message))
            elif complete and index not in self.used:
                message = f"nothing is left for this allowance of {entry.rule} to allow: remove it"
                found.append(Remark(self.path, entry.line, "unused", message))
        return found
