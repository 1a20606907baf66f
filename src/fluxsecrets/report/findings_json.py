"""Findings as JSON; docs/json-output.md and docs/schema/findings.schema.json describe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .json import VERSION, dump, error_data

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding, Location
    from fluxsecrets.findings.allow import AllowedFinding, Remark
    from fluxsecrets.ops.checks.excuses import Excuse
    from fluxsecrets.ops.checks.scan import ScanResult


def scan_json(result: ScanResult) -> str:
    """The result of a scan."""
    return dump(
        {
            "version": VERSION,
            "command": "scan",
            "findings": [finding_data(finding) for finding in result.findings],
            "known": [finding_data(finding) for finding in result.known],
            "allowed": [allowed_data(item) for item in result.allowed],
            "remarks": [remark_data(remark) for remark in result.remarks],
            "excuses": [excuse_data(excuse) for excuse in result.excuses],
            "gone": [
                {"fingerprint": entry.fingerprint, "rule": entry.rule, "path": entry.path}
                for entry in result.gone
            ],
            "errors": [error_data(error) for error in result.errors],
            "summary": summary_data(result.findings, result.files),
        }
    )


def summary_data(findings: Sequence[Finding], files: int) -> dict[str, object]:
    """How many findings there are, by severity, and how many files were looked at."""
    counts = Counter(str(finding.severity) for finding in findings)
    return {
        "files": files,
        "findings": len(findings),
        **{name: counts.get(name, 0) for name in ("critical", "high", "medium", "low")},
    }


def finding_data(finding: Finding) -> dict[str, object]:
    """One finding."""
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        **location_data(finding.location),
        "message": finding.message,
        "hint": with_file(finding.hint, finding.location.path),
        "excerpt": finding.excerpt,
        "fingerprint": finding.fingerprint,
        "related": [location_data(place) for place in finding.related],
    }


def allowed_data(item: AllowedFinding) -> dict[str, object]:
    """A finding that is allowed, and by what."""
    return {
        "finding": finding_data(item.finding),
        "reason": item.reason,
        "path": item.path,
        "line": item.line,
    }


def remark_data(remark: Remark) -> dict[str, object]:
    """An allowance that needs an eye."""
    return {
        "path": remark.path,
        "line": remark.line,
        "problem": remark.problem,
        "message": remark.message,
    }


def excuse_data(excuse: Excuse) -> dict[str, object]:
    """What lets findings pass, and came with them."""
    return {
        "path": excuse.path,
        "line": excuse.line,
        "rule": excuse.rule,
        "file": excuse.excused,
        "findings": excuse.findings,
    }


def location_data(place: Location) -> dict[str, object]:
    """A place."""
    return {"path": place.path, "line": place.line, "column": place.column, "commit": place.commit}
