"""The tools, in the order in which an agent sees them. A new one is a file here and a line in `TOOLS`."""

from fluxsecrets.mcp.served import Served
from fluxsecrets.mcp.tool import Tool

from . import (
    audit,
    diff,
    environment,
    explain,
    listing,
    propose,
    review,
    rotation,
    rule,
    scan,
    setting,
    status,
    verify,
)

TOOLS: tuple[Tool, ...] = (
    listing.TOOL,
    environment.TOOL,
    status.TOOL,
    explain.TOOL,
    verify.TOOL,
    audit.TOOL,
    scan.TOOL,
    rule.TOOL,
    review.TOOL,
    diff.TOOL,
    setting.TOOL,
    propose.TOOL,
    rotation.TOOL,
)


NAMES = frozenset(tool.name for tool in TOOLS)


def tools(served: Served) -> dict[str, Tool]:
    """Return the tools of a server by name."""
    left_out = {
        tool.name
        for tool in TOOLS
        if (served.read_only and tool.writes) or (served.no_keys and tool.needs_key)
    }
    return {tool.name: tool for tool in TOOLS if tool.name not in left_out}
