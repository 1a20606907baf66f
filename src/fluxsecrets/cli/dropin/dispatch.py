"""Runs a command line of sops: finds the command, and makes exit codes of errors."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from fluxsecrets import __version__
from fluxsecrets.cli.dispatch import clean_up_first, end_log, require_output
from fluxsecrets.cli.dropin.arguments import Parsed, Values, parse
from fluxsecrets.cli.dropin.codes import (
    COULD_NOT_WRITE_OUTPUT,
    GENERIC,
    EmptyGroupError,
    as_sops_says,
    exit_code_of,
)
from fluxsecrets.cli.dropin.commands import APP_FLAGS, COMMANDS, GROUPS, Command
from fluxsecrets.cli.ending import drop_output, say, show, with_library_named, without_folder
from fluxsecrets.cli.signals import TerminatedError, exit_code_of_end, terminable
from fluxsecrets.errors import FluxsecretsError, NeedsPersonError
from fluxsecrets.ops.run.logged import Call as LoggedCall
from fluxsecrets.ops.run.logged import Logged
from fluxsecrets.ops.run.record import recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.keys.keyservice import AskedServices

_HELP = ("help", "h")


def run(arguments: Sequence[str], log: Logged | None = None, *, tidy: bool = True) -> int:
    """Run a command line of sops.

    Args:
        arguments: without the program's name.
        log: what is logged of it; made here by default.
        tidy: delete what killed runs left, first.

    Returns:
        The exit code, one of sops's. Messages have been written; no traceback is.
    """
    log, code = log or Logged(), GENERIC
    failure: BaseException | None = None
    try:
        with terminable(), recording(None):
            require_output()
            if tidy:
                clean_up_first()
            code = _dispatch(arguments, dict(os.environ), log)
            sys.stdout.flush()
    except NeedsPersonError:  # in the agent, whose client runs this again
        raise
    except BaseException as error:  # noqa: BLE001 - the caller gets the exit code
        failure, code = error, _report(error)
    logged = code if failure is None else code or GENERIC
    return end_log(log, logged, failure, unwritten=code or COULD_NOT_WRITE_OUTPUT)


def _report(error: BaseException) -> int:
    """Say what went wrong, and give sops's exit code for it."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else GENERIC
    error = without_folder(error) or with_library_named(error)
    if isinstance(error, FluxsecretsError):
        if isinstance(error, EmptyGroupError) and not _is_read_by_people():
            say(error.words)
        else:
            show(as_sops_says(error))
        return exit_code_of(error)
    if isinstance(error, KeyboardInterrupt | TerminatedError):
        return exit_code_of_end(error)
    if isinstance(error, BrokenPipeError):
        drop_output()  # the reader of our output stopped, such as `head`
        return 128 + getattr(signal, "SIGPIPE", 13)
    if isinstance(error, OSError):
        drop_output()
        from fluxsecrets.files.reasons import reason_of  # only when something fails

        what = "" if error.filename is not None else "the output could not be written: "
        say(f"error: {what}{reason_of(error).text}")
        return COULD_NOT_WRITE_OUTPUT
    # No traceback reaches a user: it may hold a value.
    say(f"error: unexpected {type(error).__name__}; please report it, without the file's values")
    return GENERIC


def _is_read_by_people() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _dispatch(arguments: Sequence[str], environ: Mapping[str, str], log: Logged) -> int:
    app = parse(APP_FLAGS, arguments, environ, reorder=False)
    if app.values.on("help"):
        return _help(())
    if app.values.on("version"):
        from fluxsecrets.cli.dropin.usage import version_lines

        return _print(version_lines(app.values))
    return _to_command(app, environ, log)


def _to_command(app: Parsed, environ: Mapping[str, str], log: Logged) -> int:
    name, rest = (app.arguments[0], app.arguments[1:]) if app.arguments else ("", ())
    if name in _HELP:
        return _help(rest)
    command = COMMANDS.get(name)
    if command is None:
        return _run(_mode(app.values), "plain:run", app, app.values, log)
    if name == "groups":
        return _groups(app, rest, environ, log)
    if command.parent:
        return _run(name, command.run, Parsed(Values(), rest), app.values, log)
    return _command(name, command, app, rest, environ, log)


def _command(
    name: str,
    command: Command,
    app: Parsed,
    arguments: Sequence[str],
    environ: Mapping[str, str],
    log: Logged,
) -> int:
    parsed = parse(command.flags, arguments, environ, reorder=True)
    if parsed.values.on("help"):
        from fluxsecrets.cli.dropin import usage

        return _print(usage.command_lines(name, command))
    return _run(name, command.run, parsed, app.values, log)


def _groups(app: Parsed, arguments: Sequence[str], environ: Mapping[str, str], log: Logged) -> int:
    command = GROUPS.get(arguments[0]) if arguments else None
    if command is None:
        from fluxsecrets.cli.dropin import usage

        return _print(usage.parent_lines("groups", GROUPS))
    return _command(f"groups {arguments[0]}", command, app, arguments[1:], environ, log)


def _help(arguments: Sequence[str]) -> int:
    from fluxsecrets.cli.dropin import usage

    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None:
        return _print(usage.app_lines())
    return _print(usage.command_lines(arguments[0], command))


def _run(name: str, target: str, parsed: Parsed, app: Values, log: Logged) -> int:
    from fluxsecrets.cli.dropin.call import Call, DropInSession
    from fluxsecrets.cli.output import Output, seen_now

    module, _, function = target.partition(":")
    action: Callable[[Call], int] = getattr(
        importlib.import_module(f"fluxsecrets.cli.dropin.{module}"), function
    )
    out = Output()
    config = app.text("config")
    output = parsed.values.text("output")
    session = DropInSession(
        dict(os.environ),
        Path.cwd(),
        config_path=Path(config) if config else None,
        ask=_ask,
        notify=out.note,
        outputs={Path(output): seen_now(Path(output))} if output else {},
        services=_services(parsed.values),
    )
    paths = _named_files(name, parsed)
    log.start(LoggedCall(f"fluxsecrets-sops {__version__}", name, paths), session.environ, session.cwd)
    return action(Call(parsed.values, app, parsed.arguments, session, out))


def _mode(values: Values) -> str:
    """What a command line without a subcommand does, see `plain`."""
    modes = ("set", "rotate", "decrypt", "encrypt")
    return next((mode for mode in modes if values.on(mode) or values.text(mode)), "edit")


def _named_files(name: str, parsed: Parsed) -> tuple[str, ...]:
    """The files of a command line; what else stands there may be a value or a command."""
    count = None if name == "updatekeys" else 1
    named = (parsed.values.text("file"), parsed.values.text("filename-override"))
    return (*parsed.arguments[:count], *(text for text in named if text))


def _ask(question: str) -> str:
    from fluxsecrets.keys.prompt import ask_at_terminal

    return ask_at_terminal(question)


def _services(values: Values) -> AskedServices:
    from fluxsecrets.keys.keyservice import AskedServices

    uris, local = values.many("keyservice"), values.on("enable-local-keyservice", default=True)
    if not uris:
        return AskedServices(local)
    from fluxsecrets.keys.keyservice.endpoints import services_of

    return services_of(uris, local=local)


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 0
