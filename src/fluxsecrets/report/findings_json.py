"""Findings as JSON; docs/json-output.md and docs/schema/findings.schema.json describe it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .json import error_data, page
from .page import Page

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding, Location
    from fluxsecrets.findings.allow import AllowedFinding, Remark
    from fluxsecrets.findings.model import History
    from fluxsecrets.ops.checks.excuses import Excuse
    from fluxsecrets.repo.git.history import Commit
    from fluxsecrets.repo.tree import Note

    from .found import Found


def json_page(found: Found) -> Page:
    """Everything that was found, also what is known or allowed."""
    counts = Counter(str(finding.severity) for finding in found.findings)
    data: dict[str, object] = {
        "findings": [_finding(finding) for finding in found.findings],
        "known": [_finding(finding) for finding in found.known],
        "allowed": [_allowed(item) for item in found.allowed],
        "remarks": [_remark(remark) for remark in found.remarks],
        "gone": [
            {"fingerprint": entry.fingerprint, "rule": entry.rule, "path": entry.path} for entry in found.gone
        ],
    }
    if found.command == "scan":
        data["excuses"] = [_excuse(excuse) for excuse in found.excuses]
        data["errors"] = [error_data(error) for error in found.errors]
    else:
        data["notes"] = [note_data(note) for note in found.notes]
    summary = {
        "files": found.files,
        "findings": len(found.findings),
        **{name: counts.get(name, 0) for name in ("critical", "high", "medium", "low")},
    }
    return page(found.command, {**data, **found.data, "summary": {**summary, **found.counts}})


def note_data(note: Note) -> dict[str, object]:
    """Something that was not followed."""
    return {"path": note.path, "line": note.line, "message": note.message}


def _finding(finding: Finding) -> dict[str, object]:
    """One finding."""
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        **_location(finding.location),
        "message": finding.message,
        "hint": with_file(finding.hint, finding.location.path),
        "excerpt": finding.excerpt,
        "fingerprint": finding.fingerprint,
        "related": [_location(place) for place in finding.related],
        **({} if finding.history is None else {"history": _history(finding.history)}),
    }


def _history(history: History) -> dict[str, object]:
    """The commits that have a secret."""
    return {
        "first": _commit(history.first),
        "last": _commit(history.last),
        "removed": None if history.removed is None else _commit(history.removed),
        "at_head": "HEAD" in history.tips,
        "tips": list(history.tips),
        "versions": history.versions,
        "paths": list(history.paths),
    }


def _commit(commit: Commit) -> dict[str, object]:
    """A commit; author and date are None if they can't be read."""
    known = bool(commit.time)
    date = commit.day.isoformat() if known else None
    return {"commit": commit.id, "author": commit.author if known else None, "date": date}


def _allowed(item: AllowedFinding) -> dict[str, object]:
    """A finding that is allowed, and by what."""
    return {
        "finding": _finding(item.finding),
        "reason": item.reason,
        "path": item.path,
        "line": item.line,
        "tool": item.tool or None,
    }


def _remark(remark: Remark) -> dict[str, object]:
    """An allowance that needs an eye."""
    return {
        "path": remark.path,
        "line": remark.line,
        "problem": remark.problem,
        "message": remark.message,
        **({} if remark.commit is None else {"commit": remark.commit}),
    }


def _excuse(excuse: Excuse) -> dict[str, object]:
    """What lets findings pass, and came with them."""
    return {
        "path": excuse.path,
        "line": excuse.line,
        "rule": excuse.rule,
        "file": excuse.excused,
        "findings": excuse.findings,
    }


def _location(place: Location) -> dict[str, object]:
    """A place."""
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "commit": place.commit,
        "repository": place.repository,
    }
