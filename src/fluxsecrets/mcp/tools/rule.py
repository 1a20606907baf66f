"""The tool `explain_rule`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.parameters import Name
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.checks.rules import find_rule
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page
from fluxsecrets.report.rules import RULE_FORMATS
from fluxsecrets.report.wire.findings import Rules


def _run(_session: Session, arguments: Mapping[str, Any]) -> Page:
    return RULE_FORMATS["json"]([find_rule(arguments["rule"])])


TOOL = Tool(
    name="explain_rule",
    title="Explain a rule of scan or audit",
    about="Explain what a rule of a finding means, why it matters, and how to fix what it finds.",
    command="rules",
    gives=Rules,
    run=_run,
    parameters=(Name(name="rule", about="Its id, as a finding has it.", required=True),),
)
