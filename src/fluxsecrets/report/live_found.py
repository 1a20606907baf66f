"""What a comparison with the cluster found out, as findings: for the formats of CI systems."""

from __future__ import annotations

from typing import Final

from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.allow import AllowedFinding
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.ops.live.model import CheckInfo, LiveFinding, LiveVerification, Standing

from .found import Found
from .text import counted

_PAGE: Final = "cluster.md"


def found_by_live(result: LiveVerification, version: str) -> Found:
    """The findings; those that are intended are allowed ones."""
    findings: list[Finding] = []
    allowed: list[AllowedFinding] = []
    for each in result.findings:
        made = _finding(result, each)
        if each.standing is Standing.INTENDED:
            place = made.location
            allowed.append(AllowedFinding(made, "intended", place.path, place.line or 1))
        else:
            findings.append(made)
    wrong, unknown = result.count(Standing.WRONG), result.count(Standing.UNKNOWN)
    return Found(
        "verify",
        version,
        result.root,
        len({each.path for each in result.findings if each.path is not None}),
        findings,
        (),
        allowed,
        (),
        (),
        f"{wrong} {'needs' if wrong == 1 else 'need'} attention, {unknown} cannot be told; "
        f"{counted(result.secrets, 'Secret')} compared",
        lambda: [_rule(each) for each in result.checks],
        listed=findings,
    )


def _finding(result: LiveVerification, finding: LiveFinding) -> Finding:
    about = finding.subject.shown if finding.subject is not None else "the cluster"
    place = Location(finding.path or ".", finding.line)
    more = f" ({'; '.join(finding.details)})" if finding.details else ""
    return Finding(
        finding.check,
        _severity(finding.standing, strict=result.strict),
        Confidence.HIGH,
        place,
        f"{about} of {result.environment}: {finding.message}{more}",
        finding.hint or f"see {finding.check} in docs/{_PAGE}",
        fingerprint(finding.check, place.path, f"{result.environment} {about} {finding.message}"),
    )


def _severity(standing: Standing, *, strict: bool) -> Severity:
    if standing is Standing.WRONG or (strict and standing is Standing.UNKNOWN):
        return Severity.HIGH
    return Severity.MEDIUM if standing is Standing.UNKNOWN else Severity.LOW


def _rule(info: CheckInfo) -> RuleInfo:
    return RuleInfo(
        info.id,
        f"{info.title}: the cluster is not as the repository says",
        Severity.HIGH,
        "What the cluster has is compared with what Flux would apply.",
        f"See {info.id} in docs/{_PAGE}.",
        f"{_PAGE}#what-is-checked",
    )
