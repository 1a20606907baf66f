"""What `fluxsecrets exec-env` does."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.exec.child import Command, find_user
from fluxsecrets.ops.exec.execute import EnvOptions, file_values, run_with_values
from fluxsecrets.ops.run.inputs import Input, read_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


def exec_env(
    start: Callable[[], Session],
    *,
    file: str,
    arguments: tuple[str, ...],
    pristine: bool,
    same_process: bool,
    allowed: tuple[str, ...],
    shell: bool,
    user: str | None,
    input_type: str | None,
) -> int:
    """Run a command with the values of a file in its environment.

    Args:
        start: makes the session.
        file: the encrypted file.
        arguments: the command.
        pristine: only the values, and not the environment of this process.
        same_process: the command takes the place of this process.
        allowed: risky variables that the file may set.
        shell: the command is one text for a shell.
        user: whom to run the command as, or None.
        input_type: format of the file, or None.

    Returns:
        The command's exit code.
    """
    session = start()
    wanted = make_command(arguments, shell=shell, user=user)
    given = read_encrypted(session, file, input_type)
    try:
        values = file_values(session, given.data, given.target.format, allowed)
    except FluxsecretsError as error:
        raise error.in_file(given.target.shown) from None
    return run_with_values(session, wanted, values, EnvOptions(pristine, same_process))


def make_command(arguments: tuple[str, ...], *, shell: bool, user: str | None) -> Command:
    """The command that was asked for.

    Raises:
        UsageError: there is no command, or no such user.
    """
    if arguments[:1] == ("--",):
        arguments = arguments[1:]
    return Command(arguments, shell, find_user(user) if user is not None else None)


def read_encrypted(session: Session, file: str, input_type: str | None) -> Input:
    """Read FILE.

    Raises:
        UsageError: it is `-`: the command needs standard input for itself.
        FileAccessError: it cannot be read.
    """
    if file == "-":
        raise UsageError("standard input belongs to the command", hint="name a file")
    return read_input(session, file, None, input_type)
