"""Allowlists in the terms of gitleaks, and rules that its configuration switches off, as allowances."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.repo.leakrules import Allowlist, Disabled, LeakRules
from fluxsecrets.sops.selectors import Regex, compile_regex

from .allow import AllowedFinding, Remark
from .model import Finding


class Allowlists:
    """Those of the settings and of the configurations that they name.

    What they say about values was asked where the values were known: see `Finding.marks`.
    """

    def __init__(self, leaks: LeakRules, known: Collection[str]) -> None:
        """Take them.

        Args:
            leaks: those that the scan went by, since marks are numbers of its allowlists.
            known: ids of all rules there are.
        """
        self._lists = leaks.allowlists
        self._disabled = {each.rule: each for each in reversed(leaks.disabled)}
        self._rules = leaks.disabled
        self._known = known
        self._used: set[int] = set()

    def allow(self, finding: Finding) -> AllowedFinding | None:
        """See `Excuser.allow`."""
        disabled = self._disabled.get(finding.rule)
        if disabled is not None:
            return _by_disabling(finding, disabled)
        for number, allowlist in enumerate(self._lists):
            if _allows(allowlist, number, finding):
                self._used.add(number)
                reason = allowlist.description or f"an allowlist of {allowlist.origin}, without a description"
                return AllowedFinding(
                    finding,
                    reason,
                    allowlist.origin,
                    allowlist.line,
                    tool="" if allowlist.origin == SETTINGS_NAME else "gitleaks",
                    meaning=allowlist.meaning,
                )
        return None

    def meanings(self) -> Iterator[object]:
        """See `Excuser.meanings`."""
        yield from (allowlist.meaning for allowlist in self._lists)
        yield from ((disabled.origin, disabled.rule) for disabled in self._rules)

    def remarks(self, *, complete: bool) -> Iterator[Remark]:
        """See `Excuser.remarks`."""
        for number, allowlist in enumerate(self._lists):
            for rule in allowlist.rules:
                if rule not in self._known:
                    message = f"the allowlist is for the rule {rule}, which does not exist here"
                    yield Remark(allowlist.origin, allowlist.line, "invalid", message)
            own = allowlist.origin == SETTINGS_NAME
            if complete and own and not allowlist.commits and number not in self._used:
                message = "nothing is left for this allowlist to allow: remove it"
                yield Remark(allowlist.origin, allowlist.line, "unused", message)
        for disabled in self._rules:
            if disabled.rule not in self._known:
                message = f"disabledRules names {disabled.rule}, which does not exist here"
                yield Remark(disabled.origin, disabled.line, "invalid", message)


def _by_disabling(finding: Finding, disabled: Disabled) -> AllowedFinding:
    reason = f"{disabled.origin} disables the rule"
    meaning = (disabled.origin, disabled.rule)
    return AllowedFinding(finding, reason, disabled.origin, disabled.line, tool="gitleaks", meaning=meaning)


def _allows(allowlist: Allowlist, number: int, finding: Finding) -> bool:
    if allowlist.rules and finding.rule not in allowlist.rules:
        return False
    path, commit = finding.location.path, (finding.location.commit or "").lower()
    conditions = [
        f"regexes:{number}" in finding.marks if allowlist.regexes else None,
        f"stopwords:{number}" in finding.marks if allowlist.stopwords else None,
        any(_expression(each).search(path) for each in allowlist.paths) if allowlist.paths else None,
        commit in allowlist.commits if allowlist.commits else None,
    ]
    given = [each for each in conditions if each is not None]
    return all(given) if allowlist.every else any(given)


@cache
def _expression(pattern: str) -> Regex:
    return compile_regex(pattern)
