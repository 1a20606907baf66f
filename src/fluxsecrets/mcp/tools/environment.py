"""The tool `show_environment`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.parameters import Name
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.manifests.environments import show_environments
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.environments import FORMATS
from fluxsecrets.report.page import Page
from fluxsecrets.report.wire.environments import EnvironmentShown


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    (found,) = show_environments(session, arguments["environment"])
    return FORMATS["json"](found)


TOOL = Tool(
    name="show_environment",
    title="Show the Secrets of an environment",
    about="Show the Kustomizations of an environment, and the Secrets that each brings: encrypted by SOPS, "
    "sealed, external, plain, or in no file. Nothing is decrypted.",
    command="env show",
    gives=EnvironmentShown,
    run=_run,
    parameters=(Name(name="environment", about="Its name, such as staging.", required=True),),
    paged="kustomizations",
)
