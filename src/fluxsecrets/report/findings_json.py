"""Findings as JSON; docs/json-output.md and docs/schema/findings.schema.json describe it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .base import rooted
from .json import error_data, page, term
from .page import Page

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding, Location
    from fluxsecrets.findings.allow import AllowedFinding, Remark
    from fluxsecrets.findings.model import History
    from fluxsecrets.ops.checks.excuses import Excuse
    from fluxsecrets.repo.git.history import Commit
    from fluxsecrets.repo.tree import Note

    from .found import Found
    from .wire import findings as wire
    from .wire.common import Note as NoteData


def json_page(found: Found) -> Page:
    """Everything that was found, also what is known or allowed."""
    base = rooted(found.root)
    if found.audited is None:
        scan: wire.Scan = {
            **_results(found),
            "excuses": [_excuse(excuse) for excuse in found.excuses],
            "errors": [error_data(error, base.at_root) for error in found.errors],
            "summary": _summary(found),
        }
        return page(found.command, scan, base)
    result = found.audited
    audit: wire.Audit = {
        **_results(found),
        "without_keys": list(result.without_keys),
        "without_environments": list(result.without_environments),
        "summary": {
            **_summary(found),
            "encrypted": result.encrypted,
            "opened": result.opened,
            "fails": result.fails,
        },
    }
    return page(found.command, audit, base)


def _results(found: Found) -> wire.Results:
    return {
        "findings": [_finding(finding) for finding in found.findings],
        "known": [_finding(finding) for finding in found.known],
        "allowed": [_allowed(item) for item in found.allowed],
        "remarks": [remark_data(remark) for remark in found.remarks],
        "gone": [
            {"fingerprint": entry.fingerprint, "rule": entry.rule, "path": entry.path} for entry in found.gone
        ],
        "notes": [note_data(note) for note in found.notes],
    }


def _summary(found: Found) -> wire.FindingCounts:
    counts = Counter(str(finding.severity) for finding in found.findings)
    return {
        "files": found.files,
        "findings": len(found.findings),
        "critical": counts["critical"],
        "high": counts["high"],
        "medium": counts["medium"],
        "low": counts["low"],
    }


def note_data(note: Note) -> NoteData:
    """Something that was not followed."""
    return {"path": note.path, "line": note.line, "message": note.message}


def _finding(finding: Finding) -> wire.Finding:
    """One finding."""
    return {
        "rule": finding.rule,
        "severity": term(finding.severity),
        "confidence": term(finding.confidence),
        **_location(finding.location),
        "message": finding.message,
        "hint": with_file(finding.hint, finding.location.path),
        "excerpt": finding.excerpt,
        "fingerprint": finding.fingerprint,
        "related": [_location(place) for place in finding.related],
        "history": None if finding.history is None else _history(finding.history),
    }


def _history(history: History) -> wire.History:
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


def _commit(commit: Commit) -> wire.Commit:
    """A commit; author and date are None if they can't be read."""
    known = bool(commit.time)
    date = commit.day.isoformat() if known else None
    return {"commit": commit.id, "author": commit.author if known else None, "date": date}


def _allowed(item: AllowedFinding) -> wire.Allowed:
    """A finding that is allowed, and by what."""
    return {
        "finding": _finding(item.finding),
        "reason": item.reason,
        "path": item.path,
        "line": item.line,
        "tool": item.tool or None,
    }


def remark_data(remark: Remark) -> wire.Remark:
    """An allowance that needs an eye."""
    return {
        "path": remark.path,
        "line": remark.line,
        "problem": remark.problem,
        "message": remark.message,
        "commit": remark.commit,
    }


def _excuse(excuse: Excuse) -> wire.Excuse:
    """What lets findings pass, and came with them."""
    return {
        "path": excuse.path,
        "line": excuse.line,
        "rule": excuse.rule,
        "file": excuse.excused,
        "findings": excuse.findings,
    }


def _location(place: Location) -> wire.Place:
    """A place."""
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "commit": place.commit,
        "repository": place.repository,
    }
