"""A `.gitleaksignore`: findings by `file:rule:line` or `commit:file:rule:line`, as gitleaks prints them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from .allow import AllowedFinding, Remark
from .model import Finding


class _Entry(NamedTuple):
    """An entry: where it stands, and the finding that it is about."""

    number: int
    path: str
    rule: str
    line: int
    commit: str = ""

    @property
    def meaning(self) -> tuple[str, str, int, str]:
        return (self.path, self.rule, self.line, self.commit)


class IgnoreFile:
    """Its entries as allowances.

    Line and file decide. The rule decides too where it is one of ours: other tools have other names for what
    they find in the same place.
    """

    def __init__(self, data: bytes, path: str, known: Collection[str]) -> None:
        """Read the file.

        Args:
            data: its content.
            path: of the file.
            known: ids of all rules there are.
        """
        self._path = path
        self._known = known
        self._wrong: list[int] = []
        self._entries: dict[tuple[str, int], list[_Entry]] = {}
        self._used: set[int] = set()
        for number, line in enumerate(data.decode("utf-8-sig", "surrogateescape").splitlines(), start=1):
            text = line.strip()
            if text and not text.startswith("#"):
                self._add(number, text)

    def _add(self, number: int, text: str) -> None:
        parts = text.split(":")
        if len(parts) not in (3, 4) or not parts[-1].isascii() or not parts[-1].isdecimal():
            self._wrong.append(number)
            return
        *commit, path, rule, line = parts
        entry = _Entry(number, path.replace("\\", "/"), rule, int(line), "".join(commit).lower())
        self._entries.setdefault((entry.path, entry.line), []).append(entry)

    def allow(self, finding: Finding) -> AllowedFinding | None:
        """See `Excuser.allow`."""
        place = finding.location
        for line in (place.line, *finding.allow_at):
            for entry in self._entries.get((place.path, line), ()) if line is not None else ():
                if entry.commit and entry.commit != (place.commit or "").lower():
                    continue
                if entry.rule in self._known and entry.rule != finding.rule:
                    continue
                self._used.add(entry.number)
                reason = f"it is in {self._path}, without a reason"
                return AllowedFinding(
                    finding, reason, self._path, entry.number, tool="gitleaks", meaning=entry.meaning
                )
        return None

    def meanings(self) -> Iterator[object]:
        """See `Excuser.meanings`."""
        return (entry.meaning for entries in self._entries.values() for entry in entries)

    def remarks(self, *, complete: bool) -> Iterator[Remark]:
        """See `Excuser.remarks`; entries for a commit are of use in a scan of history alone."""
        for number in self._wrong:
            message = "neither file:rule:line nor commit:file:rule:line, so it allows nothing"
            yield Remark(self._path, number, "invalid", message)
        for entries in self._entries.values() if complete else ():
            for entry in entries:
                if not entry.commit and entry.number not in self._used:
                    yield Remark(self._path, entry.number, "unused", "this entry allows nothing here")
