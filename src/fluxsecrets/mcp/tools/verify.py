"""The tool `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets import __version__
from fluxsecrets.mcp.tool import Tool
from fluxsecrets.ops.checks.verify import verify
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page
from fluxsecrets.report.verify import FORMATS
from fluxsecrets.report.wire.flux import Verification

from .common import ENVIRONMENT


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    return FORMATS["json"](verify(session, arguments["environment"]), False, __version__)


def _trim(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out objects that are applied as they should be, and those that are in the data twice."""
    verdicts = [{**each, "objects": _noteworthy(each["objects"])} for each in data["kustomizations"]]
    shown = [item for each in verdicts for item in each["objects"]]
    others = [item for item in _noteworthy(data["items"]) if item not in shown]
    return {**data, "kustomizations": verdicts, "items": others}


def _noteworthy(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in items if each["problem"] is not None]


TOOL = Tool(
    name="verify",
    title="Show what Flux would do with each Kustomization",
    about="Show what Flux would do with each Kustomization: applied, altered, ciphertext, fails, or can't be "
    "told, with the reason and the line. Only objects with a problem are listed. Nothing is decrypted, and "
    "no cluster is contacted.",
    command="verify",
    gives=Verification,
    run=_run,
    parameters=(ENVIRONMENT,),
    paged="kustomizations",
    trim=_trim,
)
