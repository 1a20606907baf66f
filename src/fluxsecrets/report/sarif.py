"""Findings as SARIF 2.1.0, as code scanning of GitHub, GitLab and others reads it.

What the baseline knows, and what is allowed, is in it with a suppression, so that alerts do not come and
go with the way in which a finding is dealt with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fluxsecrets.shell import with_file

from .json import dump
from .member import file_place
from .page import Lines, Page
from .text import known_by

if TYPE_CHECKING:
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.findings import Finding, Location, RuleInfo
    from fluxsecrets.findings.allow import AllowedFinding

    from .found import Found

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "fluxsecrets/v1"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# What GitHub sorts by: 9 and more is critical, 7 high, 4 medium.
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}


def sarif_page(found: Found) -> Page:
    """A SARIF log with one run, which describes the rules that found something."""
    everything = [*found.findings, *found.known, *(item.finding for item in found.allowed)]
    used = {finding.rule for finding in everything}
    described = [rule for rule in found.rules() if rule.id in used]
    index = {rule.id: number for number, rule in enumerate(described)}
    results = [_result(finding, index) for finding in found.findings]
    results += [
        _result(finding, index, _suppression("external", "known to the baseline")) for finding in found.known
    ]
    results += [_result(item.finding, index, _allowed(item)) for item in found.allowed]
    # Only the root's name: where it is on this machine is nobody's business.
    root = f"the top of {found.root.name or 'the repository'}"
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "fluxsecrets",
                        "semanticVersion": found.version,
                        "rules": [_rule(rule) for rule in described],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": root}}},
                "invocations": [
                    {
                        "executionSuccessful": not found.errors,
                        "toolExecutionNotifications": [
                            *map(_notification, found.errors),
                            *({"level": "note", "message": {"text": text}} for text in found.remaining),
                        ],
                    }
                ],
                "results": results,
            }
        ],
    }
    return [Lines([dump(log)])]


def _rule(rule: RuleInfo) -> dict[str, object]:
    severity = str(rule.severity)
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {
            "security-severity": _SCORES[severity],
            "tags": ["security", "secret"],
            "docs": rule.docs,
        },
    }


def _result(
    finding: Finding, index: dict[str, int], suppression: dict[str, object] | None = None
) -> dict[str, object]:
    hint = with_file(finding.hint, finding.location.path)
    severity = str(finding.severity)
    result: dict[str, object] = {
        "ruleId": finding.rule,
        "level": _LEVELS[severity],
        "message": {"text": f"{finding.message}{file_place(finding.location)[1]}; {hint}"},
        "locations": [_location(finding.location)],
        "partialFingerprints": {FINGERPRINT: known_by(finding)},
    }
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    properties: dict[str, object] = {"severity": severity, "confidence": str(finding.confidence)}
    if finding.location.commit is not None:
        properties["commit"] = finding.location.commit
    if finding.history is not None:
        properties["firstCommit"] = finding.history.first.id
        properties["lastCommit"] = finding.history.last.id
        properties["branches"] = list(finding.history.tips)
    result["properties"] = properties
    if finding.related:
        result["relatedLocations"] = [_location(place) for place in finding.related]
    result["suppressions"] = [] if suppression is None else [suppression]
    return result


def _location(place: Location) -> dict[str, object]:
    place, _ = file_place(place)
    physical: dict[str, object] = {"artifactLocation": _artifact(place.path)}
    if place.line is not None:
        region: dict[str, object] = {"startLine": place.line}
        if place.column is not None:
            region["startColumn"] = place.column
        physical["region"] = region
    return {"physicalLocation": physical}


def _artifact(path: str) -> dict[str, object]:
    # Bytes that are no UTF-8 are written as what they are.
    uri = quote(path.encode("utf-8", "surrogateescape"))
    return {"uri": uri, "uriBaseId": "SRCROOT"}


def _allowed(item: AllowedFinding) -> dict[str, object]:
    kind = "inSource" if item.path == item.finding.location.path else "external"
    return _suppression(kind, item.reason)


def _suppression(kind: str, reason: str) -> dict[str, object]:
    return {"kind": kind, "status": "accepted", "justification": reason}


def _notification(error: FluxsecretsError) -> dict[str, object]:
    notification: dict[str, object] = {"level": "error", "message": {"text": error.message}}
    if error.path is not None:
        physical: dict[str, object] = {"artifactLocation": _artifact(error.path)}
        if error.line is not None:
            physical["region"] = {"startLine": error.line}
        notification["locations"] = [{"physicalLocation": physical}]
    return notification
