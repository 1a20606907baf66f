"""What is said when a command fails: an exception becomes a message on standard error, and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError

from .signals import TerminatedError, exit_code_of_end

EXIT_ERROR = 2

_OUTPUT_ERRNOS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF})
_MACHINE_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO})
"""Errors of the machine. They can come from any library, and nobody has to report them."""


def drop_output() -> None:
    """Keep Python from complaining at its end about what could not be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Write a line to standard error, where that is possible."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{text}\n")


def show(error: FluxsecretsError) -> None:
    """Show an error with its hint."""
    try:
        from .output import Output
    except ImportError:  # without click, nothing can be known of the terminal
        say(f"error: {error}\n  hint: {error.hint}")
        return
    with suppress(OSError):
        Output().error(error)


def with_library_named(error: BaseException) -> BaseException:
    """Return the error to report: for a package of others that can't be imported, one that names it."""
    if not isinstance(error, ImportError):
        return error
    from .libraries import missing_library

    return missing_library(error) or error


def without_folder(error: BaseException) -> FluxsecretsError | None:
    """Return the error to report if the working directory was deleted; None for any other."""
    if not isinstance(error, FileNotFoundError):
        return None
    try:
        os.getcwd()  # noqa: PTH109 - only whether there is one
    except FileNotFoundError:
        return FileAccessError("the working directory no longer exists", hint="change to another folder")
    return None


def report(error: BaseException) -> tuple[int, FluxsecretsError | None]:
    """Say what went wrong.

    Returns:
        The exit code, and the error that users were told; None if nobody reads the output.
    """
    error = with_library_named(error)
    if isinstance(error, FluxsecretsError):
        show(error)
        return error.exit_code, error
    # A signal may have cut off the import of click: the modules that it had by then are no attributes of it.
    from click.exceptions import Abort, NoArgsIsHelpError

    if isinstance(error, NoArgsIsHelpError):
        error.show()
        return EXIT_ERROR, UsageError("a command is missing", hint="see `fluxsecrets --help`")
    if isinstance(error, KeyboardInterrupt | Abort | TerminatedError):
        if isinstance(error, Abort) and error.__cause__ is None:
            say("")  # below the question that was not answered
        return exit_code_of_end(error), _say_interrupted()
    if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_ERRNOS:
        drop_output()
        if not isinstance(error, BrokenPipeError):  # the reader of our output stopped, such as `head`
            show(_unwritten(error))
        return EXIT_ERROR, None
    shown = _known(error)
    if shown is not None:
        show(shown)
        return EXIT_ERROR, shown
    # Only the kind: the text of an unexpected error may hold a value.
    what = f"unexpected {type(error).__name__}; no file was left half-written"
    hint = "run it again with --debug, look over what it shows for secrets, and report it"
    say(f"error: {what}\n  hint: {hint}")
    return EXIT_ERROR, FluxsecretsError(what, hint=hint)


def _unwritten(error: OSError) -> FluxsecretsError:
    from fluxsecrets.files.reasons import reason_of  # only when something fails

    what = f"the output could not be written: {reason_of(error).text}"
    return FileAccessError(what, hint="what the command changed stays changed: `git status` shows it")


def _known(error: BaseException) -> FluxsecretsError | None:
    """Return an error of click or of the machine as one of ours; None for any other."""
    from click.exceptions import ClickException

    if isinstance(error, ClickException):
        from .usage import usage_error  # only when a command line is wrong

        return usage_error(error)
    if (gone := without_folder(error)) is not None:
        return gone
    if isinstance(error, OSError) and error.errno in _MACHINE_ERRNOS:
        from fluxsecrets.files.reasons import reason_of  # only when something fails

        reason, hint = reason_of(error)
        where = error.filename if isinstance(error.filename, str) else None
        return FileAccessError(f"the system refused to go on: {reason}", hint=hint, path=where)
    return None


def _say_interrupted() -> FluxsecretsError:
    """Say that the command was interrupted, and return that as an error."""
    from pathlib import Path

    from fluxsecrets.ops.run.onefile import refuse_interrupted

    try:
        refuse_interrupted((Path.cwd() / "-",))
    except FluxsecretsError as error:
        show(error)
        return error
    what = "interrupted; files that were already done stay done, the others are as they were"
    say(what)
    return FluxsecretsError(what)
