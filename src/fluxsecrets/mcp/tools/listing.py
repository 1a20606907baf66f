"""The tool `list_secrets`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.files.inventory import inventory
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.inventory import json_page
from fluxsecrets.report.page import Page
from fluxsecrets.report.wire.state import Inventory

from .common import ENVIRONMENT


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    # An answer has no more of the files than this.
    part = slice(arguments["offset"], arguments["offset"] + arguments["limit"])
    return json_page(inventory(session, arguments["environment"], part))


TOOL = Tool(
    name="list_secrets",
    title="List environments, secret files and their keys",
    about="List the repository's environments, its secret files, and the names of the keys in them. "
    "Start here. Nothing is decrypted.",
    command="list",
    gives=Inventory,
    run=_run,
    parameters=(ENVIRONMENT,),
    paged="files",
)
