"""The tool `explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.parameters import Path
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.files.explain import explain
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.explain import FORMATS
from fluxsecrets.report.page import Page
from fluxsecrets.report.wire.state import Explanation


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    return FORMATS["json"](explain(session, arguments["path"]))


TOOL = Tool(
    name="explain",
    title="Explain how a file is encrypted",
    about="Explain which creation rule of .sops.yaml applies to a file and why, for whom it is encrypted, "
    "and which of its keys are.",
    command="explain",
    gives=Explanation,
    run=_run,
    parameters=(Path(name="path", about="The file.", required=True),),
    paged="values",
)
