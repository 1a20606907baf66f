"""What `fluxsecrets exec-env` does."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.exec.child import Command, find_user
from fluxsecrets.ops.exec.execute import EnvOptions, file_values, run_with_values
from fluxsecrets.ops.run.inputs import Input, read_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


class ExecRequest(NamedTuple):
    """Which command to run with the values of which file.

    Attributes:
        file: the encrypted file.
        arguments: the command.
        pristine: only the values, and not the environment of this process.
        same_process: the command takes the place of this process.
        allowed: risky variables that the file may set.
        shell: the command is one text for a shell.
        user: whom to run the command as, or None.
        input_type: format of the file, or None.
    """

    file: str
    arguments: tuple[str, ...]
    pristine: bool = False
    same_process: bool = False
    allowed: tuple[str, ...] = ()
    shell: bool = False
    user: str | None = None
    input_type: str | None = None


def exec_env(start: Callable[[], Session], asked: ExecRequest) -> int:
    """Run a command with the values of a file in its environment.

    Args:
        start: makes the session.
        asked: the command, and the file.

    Returns:
        The command's exit code.
    """
    session = start()
    wanted = make_command(asked.arguments, shell=asked.shell, user=asked.user)
    given = read_encrypted(session, asked.file, asked.input_type)
    try:
        values = file_values(session, given.data, given.target.format, asked.allowed)
    except FluxsecretsError as error:
        raise error.in_file(given.target.shown) from None
    return run_with_values(session, wanted, values, EnvOptions(asked.pristine, asked.same_process))


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
