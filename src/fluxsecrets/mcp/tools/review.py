"""The tool `review`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets import __version__
from fluxsecrets.errors import UsageError
from fluxsecrets.mcp.parameters import Revision, Switch
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.review.review import ReviewRequest, review
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page
from fluxsecrets.report.review import FORMATS
from fluxsecrets.report.wire.flux import Review

from .common import STAGED


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    commits, staged, uncommitted = (arguments[name] for name in ("range", "staged", "uncommitted"))
    if sum(map(bool, (commits, staged, uncommitted))) > 1:
        raise UsageError("range, staged and uncommitted can't be combined", hint="give one of them")
    return FORMATS["json"](review(session, ReviewRequest(commits, staged, uncommitted)), __version__)


TOOL = Tool(
    name="review",
    title="Show what a change does to secrets",
    about="Show what a change does to secrets: which values change, who gains or loses access, what is "
    "protected less, what Flux would do differently, new plain text. By default, what HEAD has beyond the "
    "target branch.",
    command="review",
    gives=Review,
    run=_run,
    parameters=(
        Revision(name="range", about="The commits, such as main..HEAD, or one commit."),
        STAGED,
        Switch(name="uncommitted", about="The work tree, compared with HEAD."),
    ),
    paged="items",
)
