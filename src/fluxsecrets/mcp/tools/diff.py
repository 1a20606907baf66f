"""The tool `diff`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.parameters import Revision, Several
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.compare.diff import DiffRequest, diff
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.diff import FORMATS
from fluxsecrets.report.page import Page
from fluxsecrets.report.wire.changes import Difference

from .common import PATHS, STAGED

_EVERYTHING = (".",)
"""A path: with one, all other words must be revisions."""


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    request = DiffRequest(
        arguments["revisions"], arguments["paths"] or _EVERYTHING, arguments["staged"], no_guesses=True
    )
    return FORMATS["json"](diff(session, request))


TOOL = Tool(
    name="diff",
    title="Show which values differ between two states",
    about="Show which values of secrets differ between two states, masked: the type, a range for the length, "
    "and a token that can be compared within one answer only. By default, the work tree against HEAD.",
    command="diff",
    gives=Difference,
    run=_run,
    parameters=(
        Several(
            name="revisions",
            about="One or two commits, or one range such as main..HEAD.",
            of=Revision(name="revision", about=""),
            most=2,
        ),
        PATHS,
        STAGED,
    ),
    paged="files",
    opens=True,
)
