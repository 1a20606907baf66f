"""The tool `scan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets import __version__
from fluxsecrets.errors import UsageError
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest, Source
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.findings import FORMATS
from fluxsecrets.report.page import Page
from fluxsecrets.report.scan import found_by_scan
from fluxsecrets.report.wire.findings import Scan

from .common import ENVIRONMENT, PATHS, STAGED
from .excerpts import without_excerpts


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    paths, environment, staged = (arguments[name] for name in ("paths", "environment", "staged"))
    if sum(map(bool, (paths, environment, staged))) > 1:
        raise UsageError("paths, environment and staged can't be combined", hint="give one of them")
    request = ScanRequest(
        cwd=session.cwd,
        source=Source.STAGED if staged else Source.PATHS,
        paths=paths,
        environment=environment,
        jobs=1,
    )
    return FORMATS["json"](found_by_scan(scan(request), __version__))


TOOL = Tool(
    name="scan",
    title="Find secrets in plain text",
    about="Find secrets in plain text in the work tree: in Secrets, encrypted files, and as tokens in any "
    "text. Findings have the file, the line and the rule, never the value. Scan before you commit.",
    command="scan",
    gives=Scan,
    run=_run,
    parameters=(PATHS, ENVIRONMENT, STAGED),
    paged="findings",
    trim=without_excerpts,
)
