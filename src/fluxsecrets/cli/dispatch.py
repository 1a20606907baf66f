"""Runs a command line: signals end it in order, errors become a message and an exit code.

Every command pays for what is imported here, and a commit waits for the hook. So click, the log and the
commands are imported when they are needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from fluxsecrets.errors import FluxsecretsError, NeedsPersonError, UsageError
from fluxsecrets.marks import without_private_keys

from .ending import EXIT_ERROR, drop_output, report, say, show
from .signals import terminable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.logged import Logged


_COMMIT_HOOKS = (["pre-commit"], ["pre-merge-commit"])

EXIT_CLEAN = 0

NO_AGENT_OPTION = "--no-agent"
"""Keeps a command from asking the agent."""


def dispatch(arguments: list[str], log: Logged | None = None, *, tidy: bool = True) -> int:
    """Run a command line. What git waits for runs without click, whose import takes longer than its work.

    Args:
        arguments: without the program's name.
        log: what is logged of it; made here by default.
        tidy: delete what killed runs left, first.

    Returns:
        The exit code, see `run`.
    """
    if (
        arguments[:2] == ["hook", "run"]
        and arguments[2:3] in _COMMIT_HOOKS
        and not any(text.startswith("-") for text in arguments[3:])
    ):
        from .hookrun import run_hook

        return guarded(lambda: run_hook(arguments[2], tuple(arguments[3:])))[0]
    if arguments[:1] == ["textconv"] and len(arguments) == 2 and not arguments[1].startswith("-"):
        from .textconvshow import may_want_values, show_masked

        if not may_want_values(os.environ):
            return guarded(lambda: show_masked(arguments[1]), tidy=False)[0]
    return run(arguments, log, tidy=tidy)


def run(arguments: Sequence[str], log: Logged | None = None, *, tidy: bool = True) -> int:
    """Run a command line, without the program's name; `--debug` and `--no-agent` may be anywhere in it.

    Returns:
        The exit code. Messages have been written; a traceback only with --debug.
    """
    from .quick.parse import parse

    arguments = _take(NO_AGENT_OPTION, arguments)[0]
    parsed = parse(arguments, os.environ)
    if parsed is not None:

        def start_parsed(log: Logged) -> object:
            from .quick.start import start  # in here, where it is reported if a library is missing

            return start(parsed, log)

        return _logged(arguments, start_parsed, log, tidy=tidy)
    kept, debug = _take("--debug", arguments)

    def start_click(log: Logged) -> object:
        from .app import cli  # in here, where it is reported if click is missing

        # `options.make_session` starts the log.
        return cli.main(args=kept, prog_name=_program(), standalone_mode=False, obj=log)

    return _logged(kept, start_click, log, debug=debug, tidy=tidy)


def _logged(
    arguments: Sequence[str],
    action: Callable[[Logged], object],
    log: Logged | None,
    *,
    debug: bool = False,
    tidy: bool = True,
) -> int:
    """Run a command line's work, which gets the log that it is to start; the exit code."""
    from fluxsecrets.ops.run.logged import Logged
    from fluxsecrets.ops.run.record import recording

    from .failure import Answer, wants_json
    from .keptreport import keeping_reports

    log = Logged() if log is None else log

    def start() -> object:
        with recording(None), keeping_reports():
            return action(log)

    if wants_json(arguments):
        answer = Answer(arguments)
        with answer.expected():
            code, failure = guarded(start, debug=debug, tidy=tidy, told=answer.fail)
    else:
        code, failure = guarded(start, debug=debug, tidy=tidy)
    return end_log(log, code, failure, unwritten=EXIT_ERROR)


def _program() -> str:
    """Return what the user typed to start the program, for usage lines."""
    folder, name = os.path.split(sys.argv[0])
    by_module = name == "__main__.py" and os.path.basename(folder) == "fluxsecrets"  # noqa: PTH119 - pathlib takes longer
    return "python -m fluxsecrets" if by_module else "fluxsecrets"


def _take(option: str, arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Return the arguments without an option, and whether it was given before `--`.

    It may be anywhere: users who are told to run a command again with `--debug` add it at the end.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [text for index, text in enumerate(arguments) if text != option or index > end]
    return kept, len(kept) < len(arguments)


def guarded(
    action: Callable[[], object],
    *,
    debug: bool = False,
    tidy: bool = True,
    told: Callable[[FluxsecretsError], None] | None = None,
) -> tuple[int, BaseException | None]:
    """Run a command line's work. Whatever it raises is reported here, and never means success.

    Args:
        action: the work; an int that it returns is the exit code, anything else means 0.
        debug: show the traceback of an error.
        tidy: delete what killed runs left, first.
        told: is told what users were told, after that.

    Returns:
        The exit code, and what stopped the work, if anything did.
    """
    try:
        with terminable():
            require_output()
            _require(sys.stderr, "standard error")
            if tidy:
                clean_up_first()
            code = action()
            sys.stdout.flush()
    except SystemExit as error:
        # click's answer to a broken pipe is exit code 1, which would mean findings
        drop_output()
        return EXIT_ERROR, error
    except NeedsPersonError:  # in the agent, whose client runs this again
        raise
    except BaseException as error:  # noqa: BLE001 - no traceback reaches a user
        if debug:
            import traceback

            say(without_private_keys("".join(traceback.format_exception(error)).rstrip("\n")))
        code, shown = report(error)
        if told is not None and shown is not None:
            _tell(told, shown)
        return code, error
    return (code if isinstance(code, int) else EXIT_CLEAN), None


def clean_up_first() -> None:
    """Delete what killed runs of this user left, and say so."""
    from fluxsecrets.ops.run.afterkill import clean_up, messages  # `--version` does without

    try:
        folder = os.getcwd()  # noqa: PTH109 - every command comes by here
    except OSError:  # it is gone; the command will say so
        return
    for message in messages(clean_up(os.environ, folder)):
        say(f"warning: {without_private_keys(message)}")


def end_log(log: Logged, code: int, failure: BaseException | None, *, unwritten: int) -> int:
    """Log what came of a command line, and show the log's warnings.

    `unwritten` is the exit code if a log that is required cannot be written.

    Returns:
        The exit code.
    """
    try:
        log.end(code, failure)
    except FluxsecretsError as error:
        show(error)
        code = unwritten
    for warning in log.warnings:
        say(f"warning: {warning}")
    return code


def require_output() -> None:
    """Refuse to run where results can't be printed.

    Raises:
        UsageError: standard output is closed.
    """
    _require(sys.stdout, "standard output")


def _require(stream: object, name: str) -> None:
    if stream is None:
        raise UsageError(f"{name} is closed", hint="redirect it to /dev/null if you do not want it")


def _tell(told: Callable[[FluxsecretsError], None], error: FluxsecretsError) -> None:
    try:
        told(error)
    except OSError:
        drop_output()
