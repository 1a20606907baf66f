"""What `fluxsecrets encrypt` does."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable

from fluxsecrets.cli.commandline import only_path
from fluxsecrets.cli.output import Output, write_output
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.encrypt import EncryptRequest, encrypt_given
from fluxsecrets.ops.files.encrypt import encrypt as encrypt_files
from fluxsecrets.ops.policy.given import override_note
from fluxsecrets.ops.run.inputs import is_same_file, read_input
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.report.page import Warn
from fluxsecrets.report.results import FORMATS, warning_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from fluxsecrets.ops.run.session import Session


def encrypt(
    start: Callable[[], Session],
    asked: EncryptRequest,
    *,
    in_place: bool,
    to_stdout: bool,
    filename: str | None,
    report: str,
    quiet: bool,
) -> int:
    """Encrypt files in place, or one content.

    Args:
        start: makes the session.
        asked: what to encrypt, and how.
        in_place: `-i` was given.
        to_stdout: the result of one file goes to standard output.
        filename: the name of what is on standard input.
        report: format of the report.
        quiet: no messages but errors.

    Returns:
        The exit code.
    """
    session, out = start(), Output(quiet=quiet)
    to_one = to_stdout or asked.output is not None
    if asked.staged:
        if asked.paths or asked.environment is not None or to_one or filename is not None:
            raise UsageError(
                "--staged says which files are meant, and where they go", hint="leave out the rest"
            )
    elif "-" in asked.paths or to_one:
        if in_place or asked.environment is not None:
            raise UsageError(
                "one content is encrypted with -, --stdout or -o, many files with --env or in place",
                hint="leave out --env and -i, or -, --stdout and -o",
            )
        return _encrypt_one(session, out, asked, filename, report)
    elif filename is not None:
        raise UsageError("--filename is for standard input", hint="give - as the path as well")
    elif asked.writes and not asked.paths and asked.environment is None:
        _refuse_piped_input()
    elif asked.paths and asked.writes and not in_place and report == "text" and _goes_to_file():
        raise UsageError(
            "standard output goes to a file, but encrypt works in place",
            hint="add --stdout to write the encrypted text there, or -i to encrypt in place",
        )
    if asked.staged:
        from fluxsecrets.ops.files.staged import encrypt_staged

        batch = encrypt_staged(session, asked)
    elif asked.check:
        from fluxsecrets.ops.checks.checking import check_encrypted

        batch = check_encrypted(session, asked)
    else:
        batch = encrypt_files(session, asked)
    out.show(FORMATS[report]("encrypt", batch))
    return _exit_code(batch, asked)


def _encrypt_one(
    session: Session, out: Output, asked: EncryptRequest, filename: str | None, report: str
) -> int:
    """Encrypt one content to standard output or to a file."""
    text = only_path(asked.paths, "without -, --stdout and -o several files are encrypted in place")
    if text == "-" and filename is None and not asked.recipients:
        raise UsageError(
            "standard input has no name, so no creation rule can match it",
            hint="add --filename NAME, or name recipients with --age",
        )
    if report != "text" and asked.writes and asked.output is None:
        raise UsageError(
            "standard output cannot take both the encrypted text and a report as JSON", hint="add -o FILE"
        )
    given = read_input(session, text, filename, asked.input_type)
    replaced = asked.output is not None and is_same_file(session.cwd / asked.output, session.cwd / text)
    result, encrypted = encrypt_given(session, given, asked, replaced=replaced)
    batch = BatchResult((result,))
    if asked.writes and report == "text":
        out.show(map(Warn, (*override_note(asked.recipients), *warning_lines(batch.files))))
    else:
        out.show(FORMATS[report]("encrypt", batch))
    if asked.writes:
        write_output(session, out, encrypted, asked.output, mode=0o644)
    return _exit_code(batch, asked)


def _exit_code(batch: BatchResult, asked: EncryptRequest) -> int:
    if batch.failed:
        return 2
    if not asked.check:
        return 0
    from fluxsecrets.ops.checks.checking import offenders

    return 1 if offenders(batch) else 0


def _refuse_piped_input() -> None:
    """Refuse to take the whole repository where something is piped in.

    `kubectl create secret … -o yaml | fluxsecrets encrypt` means what comes through the pipe. An empty pipe
    can't be told from a slow one, so it is refused too: `.` names the folder. A terminal, /dev/null and a
    socket are not input that somebody gave.

    Raises:
        UsageError: standard input is a pipe or a file.
    """
    mode = _mode(sys.stdin)
    if stat.S_ISFIFO(mode) or stat.S_ISREG(mode):
        raise UsageError(
            "standard input is a pipe or a file, but no path is given",
            hint="`fluxsecrets encrypt - --filename NAME` reads standard input; "
            "`fluxsecrets encrypt .` encrypts the secrets in this folder",
        )


def _goes_to_file() -> bool:
    """Whether standard output is redirected to a regular file."""
    return stat.S_ISREG(_mode(sys.stdout))


def _mode(stream: TextIO | None) -> int:
    """The kind of a stream's file; 0 where it is closed, or not a file of the system."""
    if stream is None:
        return 0
    try:
        return os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return 0
