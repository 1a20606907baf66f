"""The tool `audit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets import __version__
from fluxsecrets.findings import Severity
from fluxsecrets.mcp.parameters import Name, Several
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.checks.audit import AuditOptions, audit
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.audit import found_by_audit
from fluxsecrets.report.findings import FORMATS
from fluxsecrets.report.page import Page
from fluxsecrets.report.wire.findings import Audit

from .common import ENVIRONMENT, SEVERITY
from .excerpts import without_excerpts


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    options = AuditOptions(
        environment=arguments["environment"],
        rules=arguments["rules"] or None,
        severity=Severity.parse(arguments["severity"]),
    )
    return FORMATS["json"](found_by_audit(audit(session, options), __version__))


TOOL = Tool(
    name="audit",
    title="Find what is wrong with secrets, and who can read what",
    about="Audit the repository's secrets: who can read what, how secrets are protected, what Flux would do "
    "with them. Each finding says what to do.",
    command="audit",
    gives=Audit,
    run=_run,
    parameters=(
        ENVIRONMENT,
        SEVERITY,
        Several(name="rules", about="Run only these rules, by id.", of=Name(name="rule", about="")),
    ),
    paged="findings",
    trim=without_excerpts,
)
