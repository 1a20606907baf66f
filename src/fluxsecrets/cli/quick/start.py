"""Runs a command whose line was read without click."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fluxsecrets.cli.ending import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fluxsecrets.ops.policy.given import GivenRecipients
    from fluxsecrets.ops.run.logged import Logged
    from fluxsecrets.ops.run.session import Session

    from .parse import Parsed


def start(parsed: Parsed, log: Logged) -> int:
    """Run the command.

    Returns:
        The exit code.
    """
    values = parsed.values
    run = _RUNS[parsed.command]
    try:
        return run(partial(_session, parsed, log, quiet=bool(values.get("quiet"))), values)
    except (EOFError, KeyboardInterrupt) as error:
        say("")  # below the ^C that the terminal shows, as click does it
        raise KeyboardInterrupt from error


def _session(parsed: Parsed, log: Logged, *, quiet: bool) -> Session:
    from fluxsecrets.cli.commandline import CommandLine, open_session  # a scan has none

    return open_session(CommandLine(parsed.command, parsed.parameters, log, quiet=quiet))


def _taken(kind: type, values: dict[str, Any]) -> Any:
    """Return a value of a class, from those parameters that are its fields."""
    return kind(**{name: values.pop(name) for name in [*values] if name in kind.__annotations__})


def _nobody() -> GivenRecipients:
    """Return what click makes of options for recipients that are not given."""
    from fluxsecrets.ops.policy.given import GivenRecipients
    from fluxsecrets.sops.recipients import KINDS

    return GivenRecipients(dict.fromkeys(KINDS, ()))


def _decrypt(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.decrypt import DecryptRequest, decrypt

    return decrypt(session, _taken(DecryptRequest, values), **values)


def _encrypt(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.encrypt import encrypt
    from fluxsecrets.ops.files.encrypt import EncryptRequest

    values["recipients"] = _nobody()
    return encrypt(session, _taken(EncryptRequest, values), **values)


def _get(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.get import get
    from fluxsecrets.ops.files.getting import ValueRequest

    return get(session, _taken(ValueRequest, values), **values)


def _set(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.set import set_value
    from fluxsecrets.cli.runs.valuesource import ValueSource
    from fluxsecrets.ops.files.getting import ValueRequest
    from fluxsecrets.ops.sealing.sealers import Sealers

    asked, source = _taken(ValueRequest, values), _taken(ValueSource, values)
    return set_value(session, asked, source, Sealers(), **values)


def _rotate(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.rotate import rotate
    from fluxsecrets.ops.people.rotate import RotateRequest

    values |= {"add": _nobody(), "remove": _nobody()}
    return rotate(session, _taken(RotateRequest, values), **values)


def _status(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.status import status
    from fluxsecrets.ops.files.status import StatusRequest

    return status(session, _taken(StatusRequest, values), **values)


def _scan(_session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.baseline import Baseline
    from fluxsecrets.cli.reportfile import Reports
    from fluxsecrets.cli.runs.fleet import Fleet
    from fluxsecrets.cli.runs.scan import Where, Work, find_secrets

    where, known, work = (_taken(kind, values) for kind in (Where, Baseline, Work))
    reports = Reports(values.pop("report"), None)
    return find_secrets(where, known, Fleet(), work, reports, config=None, **values)


def _exec_env(session: Callable[[], Session], values: dict[str, Any]) -> int:
    from fluxsecrets.cli.runs.execenv import ExecRequest, exec_env

    return exec_env(session, _taken(ExecRequest, values))


_RUNS = {
    "decrypt": _decrypt,
    "encrypt": _encrypt,
    "get": _get,
    "rotate": _rotate,
    "scan": _scan,
    "set": _set,
    "status": _status,
    "exec-env": _exec_env,
}
