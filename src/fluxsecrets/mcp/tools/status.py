"""The tool `status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.files.status import StatusRequest, status
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page
from fluxsecrets.report.status import FORMATS
from fluxsecrets.report.wire.state import Status

from .common import ENVIRONMENT, PATHS


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    return FORMATS["json"](status(session, StatusRequest(arguments["paths"], arguments["environment"])))


TOOL = Tool(
    name="status",
    title="Show what is encrypted, and for whom",
    about="Show for each secret file whether it is encrypted, for whom, when a value last changed "
    "(`lastmodified`, to find stale ones), whether it follows its creation rule, and what work is open.",
    command="status",
    gives=Status,
    run=_run,
    parameters=(PATHS, ENVIRONMENT),
    paged="files",
    opens=True,
)
