"""The tool `plan_rotation`: what `rotate` would do. A person rotates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.mcp.parameters import Switch
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.people.rotate import RotateRequest, plan_rotation
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page
from fluxsecrets.report.rekey import FORMATS, rotation_notes
from fluxsecrets.report.wire.files import Rekeyed

from .common import ENVIRONMENT, PATHS


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    request = RotateRequest(
        arguments["paths"], arguments["environment"], everything=arguments["all"], dry_run=True
    )
    plan = plan_rotation(session, request)
    done = plan.rekeying.run(lambda items, _: items, write=False, partial=True)
    return FORMATS["json"]("rotate", BatchResult(done.files, rotation_notes(plan, done.files)))


TOOL = Tool(
    name="plan_rotation",
    title="Show what a rotation of data keys would do",
    about="Show which files a rotation would give a new data key, and why others fail. Writes "
    "nothing; a person rotates. Name paths, an environment, or all.",
    command="rotate",
    gives=Rekeyed,
    run=_run,
    parameters=(PATHS, ENVIRONMENT, Switch(name="all", about="The whole repository.")),
    paged="files",
    opens=True,
    needs_key=True,
)
