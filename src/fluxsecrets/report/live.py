"""An environment compared with its cluster, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from fluxsecrets.ops.live.model import LiveFinding, LiveVerification, Standing

from . import findings
from .base import rooted
from .json import page
from .live_found import found_by_live
from .live_text import in_order, text_page
from .page import Page

if TYPE_CHECKING:
    from .wire import live as wire

COMMAND: Final = "verify --cluster"


def _json_page(found: LiveVerification) -> Page:
    origin = found.origin
    data: wire.LiveVerification = {
        "environment": found.environment,
        "context": origin.context or None,
        "server": origin.server or None,
        "dump": origin.folder or None,
        "strict": found.strict,
        "checks": [{"check": each.id, "title": each.title} for each in found.checks],
        "findings": [_finding(each) for each in in_order(found)],
        "summary": {
            "kustomizations": found.kustomizations,
            "secrets": found.secrets,
            "wrong": found.count(Standing.WRONG),
            "unknown": found.count(Standing.UNKNOWN),
            "intended": found.count(Standing.INTENDED),
        },
    }
    return page(COMMAND, data, rooted(found.root))


def _finding(finding: LiveFinding) -> wire.LiveFinding:
    subject = finding.subject
    return {
        "check": finding.check,
        "standing": finding.standing.value,
        "kind": subject.kind if subject is not None else None,
        "namespace": subject.namespace or None if subject is not None else None,
        "name": subject.name if subject is not None else None,
        "message": finding.message,
        "details": list(finding.details),
        "hint": finding.hint or None,
        "path": finding.path,
        "line": finding.line,
    }


def _as_findings(name: str) -> Callable[[LiveVerification, bool, str], Page]:
    """A format of findings, which lists what is wrong or cannot be told."""
    return lambda found, _, version: findings.FORMATS[name](found_by_live(found, version))


FORMATS: Mapping[str, Callable[[LiveVerification, bool, str], Page]] = {
    "text": lambda found, everything, _: text_page(found, everything=everything),
    "json": lambda found, _everything, _version: _json_page(found),
    **{name: _as_findings(name) for name in findings.FORMATS if name not in ("text", "json")},
}
"""Renderers, which also take whether text lists all that is alike, and the version of the program."""
