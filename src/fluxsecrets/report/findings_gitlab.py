"""Findings for GitLab: its report of secret detection, and its report of code quality.

Secret detection (schema 15.0) fills the security dashboard; code quality shows findings in merge requests on
every plan. GitLab rejects a report with ill-formed text as a whole, so no file name may make it so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .json import dump
from .member import file_place
from .page import Lines, Page
from .text import known_by, printable, well_formed

if TYPE_CHECKING:
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.findings import Finding, RuleInfo

    from .found import Found

SCHEMA_VERSION = "15.0.2"
_NO_COMMIT = "0000000"  # GitLab's own analyzer writes it for a scan without history
_LONGEST_NAME, _LONGEST_FIX = 255, 7000
_QUALITY = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}


def gitlab_page(found: Found) -> Page:
    """A report of secret detection. Known findings are in it, as they still exist; allowed ones are not."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
    tool = {
        "id": "fluxsecrets",
        "name": "fluxsecrets",
        "version": found.version,
        "vendor": {"name": "fluxsecrets"},
    }
    scan: dict[str, object] = {
        "type": "secret_detection",
        "analyzer": tool,
        "scanner": tool,
        "start_time": now,
        "end_time": now,
        "status": "failure" if found.errors else "success",
    }
    messages = [{"level": "fatal", "value": printable(str(error))} for error in found.errors]
    messages += [{"level": "info", "value": printable(f"not looked at: {text}")} for text in found.remaining]
    if messages:
        scan["messages"] = messages
    everything = (*found.findings, *found.known)
    used = {finding.rule for finding in everything}
    rules = {rule.id: rule for rule in found.rules() if rule.id in used}
    vulnerabilities = [_vulnerability(finding, rules.get(finding.rule)) for finding in everything]
    return [Lines([dump({"version": SCHEMA_VERSION, "scan": scan, "vulnerabilities": vulnerabilities})])]


def _vulnerability(finding: Finding, rule: RuleInfo | None) -> dict[str, object]:
    place, inner = file_place(finding.location)
    title = finding.rule if rule is None else rule.title
    location: dict[str, object] = {
        "file": well_formed(place.path),
        "commit": {"sha": place.commit or _NO_COMMIT},
    }
    if place.line is not None:
        location["start_line"] = place.line
    data: dict[str, object] = {
        "id": known_by(finding),
        "name": title[:_LONGEST_NAME],
        "description": printable(f"{finding.message}{inner}"),
        "severity": str(finding.severity).capitalize(),
        "solution": printable(with_file(finding.hint, finding.location.path))[:_LONGEST_FIX],
        "identifiers": [
            {"type": "fluxsecrets_rule", "name": f"fluxsecrets {finding.rule}", "value": finding.rule}
        ],
        "location": location,
    }
    if finding.excerpt is not None:
        data["raw_source_code_extract"] = printable(finding.excerpt)
    return data


def quality_page(found: Found) -> Page:
    """A report of code quality: one issue per finding, and one per file that could not be judged."""
    issues = [*map(_unjudged, found.errors), *_issues(found)]
    return [Lines([dump(issues)])]


def _issues(found: Found) -> Iterator[dict[str, object]]:
    for finding in (*found.findings, *found.known):
        place, inner = file_place(finding.location)
        commit = f" (commit {place.commit[:10]})" if place.commit else ""
        text = f"{finding.message}{inner}{commit}; {with_file(finding.hint, finding.location.path)}"
        severity = _QUALITY[str(finding.severity)]
        yield _issue(text, finding.rule, known_by(finding), severity, place.path, place.line)


def _unjudged(error: FluxsecretsError) -> dict[str, object]:
    from fluxsecrets.findings.fingerprint import fingerprint

    known_by = fingerprint("not-judged", error.path or "", error.message)
    return _issue(error.message, "not-judged", known_by, "blocker", error.path or ".", error.line)


def _issue(
    text: str, rule: str, known_by: str, severity: str, path: str, line: int | None
) -> dict[str, object]:
    return {
        "description": printable(text),
        "check_name": rule,
        "fingerprint": known_by,
        "severity": severity,
        "location": {"path": well_formed(path), "lines": {"begin": line or 1}},
    }
