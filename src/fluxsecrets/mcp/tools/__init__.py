"""The tools, in the order in which an agent sees them. A new one is a file here and a line in `TOOLS`."""

from fluxsecrets.mcp.tool import Tool

from . import audit, diff, explain, listing, propose, review, rotation, scan, setting, status, verify

TOOLS: tuple[Tool, ...] = (
    listing.TOOL,
    status.TOOL,
    explain.TOOL,
    verify.TOOL,
    audit.TOOL,
    scan.TOOL,
    review.TOOL,
    diff.TOOL,
    setting.TOOL,
    propose.TOOL,
    rotation.TOOL,
)


def tools(*, read_only: bool) -> dict[str, Tool]:
    """Return the tools of a server by name.

    Args:
        read_only: leave out those that write.
    """
    return {tool.name: tool for tool in TOOLS if not (read_only and tool.writes)}
