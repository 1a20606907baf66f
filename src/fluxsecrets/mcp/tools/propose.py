"""The tool `propose_generated_value`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.parameters import Name
from fluxsecrets.mcp.reviewed import refuse_unreviewed
from fluxsecrets.mcp.tool import DRY_RUN, Tool
from fluxsecrets.ops.files.generated import generate
from fluxsecrets.ops.propose.model import ProposeRequest
from fluxsecrets.ops.propose.propose import propose
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page
from fluxsecrets.report.propose import FORMATS
from fluxsecrets.report.wire.proposals import Proposed

from .common import DRY, GENERATE, KEY, SECRET


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    refuse_unreviewed(session.cwd, arguments["path"])
    new = generate(arguments["generate"]).encode()
    request = ProposeRequest(
        arguments["path"],
        arguments["key"],
        environment=arguments["environment"],
        dry_run=arguments[DRY_RUN],
    )
    return FORMATS["json"](propose(session, request, lambda: new))


TOOL = Tool(
    name="propose_generated_value",
    title="Propose a generated value for a Secret",
    about="Propose a new random value for a key of a Secret that you can't decrypt: writes an encrypted "
    "patch beside it, and names it in the kustomization file. A person with a key moves it into the "
    "Secret later.",
    command="propose",
    gives=Proposed,
    run=_run,
    parameters=(
        SECRET,
        KEY,
        GENERATE,
        Name(
            name="environment", about="For this environment alone; by default, for all that have the Secret."
        ),
        DRY,
    ),
    writes=True,
)
