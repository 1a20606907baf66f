"""One call of a tool: check the arguments, log it, run it, and answer. Nothing leaves by an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fluxsecrets import __version__
from fluxsecrets.errors import FluxsecretsError, UnprotectedError, UsageError
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.run.logged import Call, Logged
from fluxsecrets.ops.run.record import recording
from fluxsecrets.ops.run.session import Session

from .answers import Answer, answer, data_of, failure
from .parameters import read_arguments
from .reviewed import unreviewed
from .served import Served
from .tool import DRY_RUN, Tool
from .tools import NAMES, tools

_VIA = "mcp"
_LONGEST_AGENT = 80


@dataclass(frozen=True, slots=True)
class Request:
    """What an agent asks for.

    Attributes:
        tool: the name of a tool.
        arguments: as they came.
        agent: what the client calls itself; anybody can say anything.
    """

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    agent: str = ""


def call(served: Served, request: Request) -> Answer:
    """Run a tool and return its answer, which is an error for whatever goes wrong."""
    warnings: list[str] = []
    try:
        return _run(served, _tool(served, request.tool), request, warnings)
    except FluxsecretsError as error:
        return failure(_shown_name(request.tool), error, warnings)
    except Exception as error:  # noqa: BLE001 - its text may hold anything
        fault = FluxsecretsError(
            f"fluxsecrets made a mistake: {type(error).__name__}",
            hint="ask a person to run the same command with --debug, and to report it",
        )
        return failure(_shown_name(request.tool), fault, warnings)


def _tool(served: Served, name: str) -> Tool:
    tool = tools(served).get(name)
    if tool is None:
        raise UsageError("there is no such tool here", hint="list the tools")
    return tool


def _shown_name(name: str) -> str:
    return name if name in NAMES else "unknown"


def _run(served: Served, tool: Tool, request: Request, warnings: list[str]) -> Answer:
    arguments = read_arguments(tool.all_parameters, request.arguments, served.confinement)
    changed = unreviewed(served.root)
    if changed and not served.offline:
        warnings.append(f"no key service is asked, as {changed[0]} differs from the last commit")
    session = served.session(warnings.append, offline=bool(changed), opens=tool.opens)
    logged = _logged(tool, arguments, request.agent)
    if SETTINGS_NAME in changed and logged.is_logged:
        raise UnprotectedError(
            f"{SETTINGS_NAME} differs from the last commit, and it decides what is logged",
            hint="ask a person to review and commit it",
            path=SETTINGS_NAME,
        )
    log = Logged()
    with recording(None):
        log.start(logged, served.environ, served.root)
        data = _logged_run(log, tool, session, arguments)
    warnings.extend(log.warnings)
    return answer(tool.name, tool.trim(data), tool.paging(arguments), tool.paged, _once(warnings))


def _logged_run(log: Logged, tool: Tool, session: Session, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run the operation, and log what came of it even if it fails."""
    try:
        data = data_of(tool.run(session, arguments))
    except BaseException as error:
        log.end(getattr(error, "exit_code", 2), error)
        raise
    log.end(0)
    return data


def _logged(tool: Tool, arguments: Mapping[str, Any], agent: str) -> Call:
    """Return what the log says: that an agent did it, and which."""
    named = arguments.get("path")
    paths = (named,) if named else arguments.get("paths", ())
    # As the command line's options are named there.
    fields = {"key": "key", "environment": "environment", "generate": "spec"}
    details = {field: str(arguments[name]) for name, field in fields.items() if arguments.get(name)}
    switches = ["dry-run"] if arguments.get(DRY_RUN) or tool.command == "rotate" else []
    return Call(
        f"fluxsecrets {__version__}",
        tool.command,
        tuple(paths),
        {
            **details,
            **({"switches": switches} if switches else {}),
            "via": _VIA,
            "agent": ascii(agent[:_LONGEST_AGENT])[1:-1],
        },
    )


def _once(texts: Sequence[str]) -> Sequence[str]:
    return [*dict.fromkeys(texts)]
