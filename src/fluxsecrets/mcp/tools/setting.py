"""The tool `set_generated_value`. An agent never has a value: it says what kind to generate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.errors import UnprotectedError, UsageError
from fluxsecrets.mcp.parameters import Number
from fluxsecrets.mcp.reviewed import refuse_unreviewed
from fluxsecrets.mcp.tool import DRY_RUN, Tool
from fluxsecrets.ops.files.generated import generate
from fluxsecrets.ops.files.getting import ValueRequest
from fluxsecrets.ops.files.values import NewValue, change_value
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.sealers import is_sealed_file
from fluxsecrets.report.page import Page
from fluxsecrets.report.values import FORMATS
from fluxsecrets.report.wire.files import ValueSet

from .common import DRY, GENERATE, KEY, SECRET


def _run(session: Session, arguments: Mapping[str, Any]) -> Page:
    path = arguments["path"]
    if is_sealed_file(session, path):
        raise UsageError(
            "this is a SealedSecret, and tools set values of files that SOPS encrypts",
            hint="ask a person to set it",
            path=path,
        )
    refuse_unreviewed(session.cwd, path)
    new = NewValue(data=generate(arguments["generate"]).encode())
    request = ValueRequest(
        path,
        arguments["key"],
        document=arguments["document"],
        only_encrypted=True,
        dry_run=arguments[DRY_RUN],
    )
    try:
        return FORMATS["json"]("set", change_value(session, request, lambda: new))
    except UnprotectedError as error:
        error.hint = "choose a key that is encrypted; `explain` lists them"
        raise


TOOL = Tool(
    name="set_generated_value",
    title="Set one value of an encrypted file to a generated one",
    about="Set one value of an encrypted file to a new random one, in place. The old value is gone from the "
    "file, so that its user must get the new one. Needs an identity that opens the file; else use "
    "propose_generated_value.",
    command="set",
    gives=ValueSet,
    run=_run,
    parameters=(
        SECRET,
        KEY,
        GENERATE,
        Number(name="document", about="The YAML document in the file, from 1.", least=1, most=10_000),
        DRY,
    ),
    writes=True,
    overwrites=True,
    opens=True,
    needs_key=True,
)
