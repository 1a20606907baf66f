"""What `verify: accept:` of `.fluxsecrets.yaml` sets aside, and which of its entries have no effect.

What Flux refuses can't be accepted: nothing of the Kustomization is applied then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from fluxsecrets.findings.allow import Problem, Remark
from fluxsecrets.flux.model import KustomizationVerdict
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.repo.globs import compile_glob
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.verifysettings import Acceptance


class Acceptances:
    """The entries, and which of them were of use so far."""

    def __init__(self, entries: Iterable[Acceptance], today: date) -> None:
        """Take the entries; those that are expired accept nothing."""
        self._today = today
        self._entries = [(each, compile_glob(each.kustomization)) for each in entries]
        self._used: set[Acceptance] = set()
        self._fails: set[Acceptance] = set()

    def of(self, told: KustomizationVerdict) -> Mapping[Outcome, Acceptance]:
        """Return what is accepted of a Kustomization, with the entry that says so."""
        name = shown_name(told)
        matching = [entry for entry, glob in self._entries if glob.matches(name) and self._holds(entry)]
        found: dict[Outcome, Acceptance] = {}
        for outcome in told.outcomes if matching else ():
            entry = next((each for each in matching if each.behaviour == outcome.behaviour), None)
            if entry is None:
                continue
            if outcome.effect is Effect.FAILS:
                self._fails.add(entry)
                continue
            self._used.add(entry)
            found[outcome] = entry
        return found

    def remarks(self, *, complete: bool) -> tuple[Remark, ...]:
        """Return what needs somebody's eye; `complete` if all environments were looked at."""
        return tuple(
            Remark(SETTINGS_NAME, entry.line, *problem)
            for entry, _ in self._entries
            if (problem := self._problem(entry, complete=complete)) is not None
        )

    def _holds(self, entry: Acceptance) -> bool:
        return entry.expires is None or self._today <= entry.expires

    def _problem(self, entry: Acceptance, *, complete: bool) -> tuple[Problem, str] | None:
        what = f"{entry.behaviour} in {entry.kustomization!a}"
        if not self._holds(entry):
            return "expired", f"accepting {what} expired on {entry.expires}"
        if entry in self._fails:
            return "invalid", f"{what} is not accepted: Flux applies nothing of it"
        if complete and entry not in self._used:
            return "unused", f"accepting {what} has no effect; remove it"
        return None


def shown_name(told: KustomizationVerdict) -> str:
    """`NAMESPACE/NAME` of a Kustomization; of a root that none syncs, its folder."""
    item = told.applied.kustomization
    if item is None:
        return told.applied.folder or "."
    return item.name if item.namespace is None else f"{item.namespace}/{item.name}"
