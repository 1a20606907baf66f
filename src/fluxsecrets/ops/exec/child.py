"""Run a user's command as a child process: pass on signals, and return its exit code."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.run.record import note_leaving
from fluxsecrets.programs import find_program, users_own_limits
from fluxsecrets.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

NOT_FOUND, NOT_STARTED = 127, 126
"""Exit codes of shells for a command that was not found or could not be started."""

_WINDOWS: bool = os.name == "nt"
_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT")
_FROM_TERMINAL = ("SIGINT", "SIGQUIT")
_LONGEST_WAIT = 1.0  # seconds between two looks, if a system loses a SIGCHLD

ChildEnvironment = Mapping[bytes, bytes] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class User:
    """The user that runs a command, on POSIX systems.

    Attributes:
        environ: HOME, USER and LOGNAME, which sops sets as well.
    """

    uid: int
    gid: int
    groups: tuple[int, ...]
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    Attributes:
        arguments: the program and its arguments; one text where a shell is to run it.
        shell: run the text through the system's shell, as sops does.
        user: whom it runs as, or None for the current user.
        folder: where it runs, or None for the working directory of this process.
    """

    arguments: tuple[str, ...]
    shell: bool = False
    user: User | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a command that can't be run.

        Raises:
            UsageError: nothing, several texts for a shell, or a null character.
        """
        if not self.arguments or not self.arguments[0]:
            raise UsageError("there is no command to run", hint="put it behind the file, after --")
        if self.shell and len(self.arguments) > 1:
            raise UsageError(
                "--shell takes the whole command as one text", hint="put it into quotes, or leave out --shell"
            )
        if any("\0" in argument for argument in self.arguments):
            raise UsageError("the command holds a null character", hint="no program can be given one")


def find_user(name: str) -> User:
    """A user of this system.

    Raises:
        UsageError: the user is unknown, this process may not become that user, or it runs on Windows.
    """
    if _WINDOWS:
        raise UsageError("--user does not work on Windows", hint="use runas for that")
    import pwd  # POSIX only

    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):
        raise UsageError(f"there is no user {name!a} on this machine", hint="check its spelling") from None
    if os.geteuid() not in (0, entry.pw_uid):
        raise UsageError("the user cannot be changed", hint="only root can run a command as another user")
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    environ = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    return User(entry.pw_uid, entry.pw_gid, groups, environ)


def child_environment(environ: Mapping[str, str], values: Mapping[str, bytes]) -> ChildEnvironment:
    """Return an environment for a child, with a file's values added.

    The values win. They are bytes so that no locale changes them on their way.

    Raises:
        UsageError: a value is not text, on Windows.
    """
    if not _WINDOWS:
        inherited = {os.fsencode(name): os.fsencode(text) for name, text in environ.items()}
        return inherited | {name.encode(): value for name, value in values.items()}
    texts = dict(environ)
    for name, value in values.items():
        try:
            texts[name] = value.decode("utf-8")
        except UnicodeDecodeError:
            raise UsageError(
                f"the value of {name!a} is not text, and the environment on Windows only holds text",
                hint="use `fluxsecrets exec-file FILE -- COMMAND {}`",
            ) from None
    return texts


def replace_process(command: Command, environ: Mapping[str, str], environment: ChildEnvironment) -> NoReturn:
    """Run a command in place of this process.

    PATH is looked up in `environ`; the command gets `environment`.

    Raises:
        FluxsecretsError: it cannot be started; with a shell's exit code for that. Or this could not be
            logged, and has to be.
        UsageError: on Windows, where a process cannot be replaced.
    """
    if _WINDOWS:
        raise UsageError("--same-process does not work on Windows", hint="leave it out")
    program, arguments = _program(command, environ)
    note_leaving()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        if command.user is not None:
            os.setgroups(command.user.groups)
            os.setgid(command.user.gid)
            os.setuid(command.user.uid)
        # Python ignores these two, and a program inherits that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        with users_own_limits():
            os.execve(program, arguments, dict(environment))  # type: ignore[arg-type]  # noqa: S606
    except OSError as error:
        raise _start_error(command, error) from None


@dataclass(slots=True)
class Child:
    """Runs one command at a time, and remembers a signal that came before it was started."""

    environ: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = None
    _pending: list[int] = field(default_factory=list)

    def run(self, command: Command, environment: ChildEnvironment) -> int:
        """Run a command to its end.

        Returns:
            Its exit code; 128 and the signal's number where a signal ended it, as in a shell.

        Raises:
            FluxsecretsError: it cannot be started; with a shell's exit code for that.
        """
        if self._pending:
            return 128 + self._pending[0]
        program, arguments = _program(command, self.environ)
        user = command.user
        switched: dict[str, Any] = (
            {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": user.groups}
        )
        try:
            if command.shell and _WINDOWS:
                self._process = subprocess.Popen(  # noqa: S602 - asked for
                    command.arguments[0], shell=True, env=environment, cwd=command.folder
                )
            else:
                with users_own_limits():
                    self._process = subprocess.Popen(  # noqa: S603
                        arguments, executable=program, env=environment, cwd=command.folder, **switched
                    )
        except (OSError, subprocess.SubprocessError) as error:
            raise _start_error(command, error) from None
        for number in self._pending:
            self._send(number)
        code = _wait(self._process)
        return 128 - code if code < 0 else code

    def receive(self, number: int, _frame: object = None) -> None:
        """Pass a signal on."""
        if self._process is None:
            self._pending.append(number)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        # Ctrl-C goes to all processes of the terminal by itself, and many programs take a second one
        # for "at once, without cleaning up".
        if signal.Signals(number).name in _FROM_TERMINAL and _in_foreground():
            return
        if self._process is not None:
            with suppress(OSError, ValueError):
                self._process.send_signal(number)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a command's end, and miss no signal on the way.

    Python runs its handlers in the main thread, between two of its own steps. A signal that arrives just
    before `waitpid` starts, or in another thread, would wait for its end. A byte in a pipe wakes us up.
    """
    if _WINDOWS or threading.current_thread() is not threading.main_thread():
        return process.wait()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler it writes no byte
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        while (code := process.poll()) is None:
            if select.select([reading], [], [], _LONGEST_WAIT)[0]:
                os.read(reading, 512)
        return code
    finally:
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGCHLD, handler if handler is not None else signal.SIG_DFL)
        os.close(reading)
        os.close(writing)


@contextmanager
def passing_signals(environ: Mapping[str, str]) -> Iterator[Child]:
    """Runs commands; signals meant to end this process go to the command instead, which decides.

    What stands around the command is thus cleaned up in order. Signals that were ignored stay ignored.
    """
    child = Child(environ)
    before: dict[int, Any] = {}
    try:
        for name in _PASSED_ON:
            number = getattr(signal, name, None)
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                before[number] = signal.signal(number, child.receive)
            except ValueError:  # only the main thread can handle signals
                break
        yield child
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


def _in_foreground() -> bool:
    """Return whether this process is in the group that gets the terminal's signals."""
    if _WINDOWS:
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _program(command: Command, environ: Mapping[str, str]) -> tuple[str, Sequence[str]]:
    """The executable and its arguments.

    PATH is that of this process: a value in a file must not decide which program runs.
    """
    if command.shell:
        return "/bin/sh", ("/bin/sh", "-c", command.arguments[0])
    name = command.arguments[0]
    found = find_program(name, environ)
    if found is None:
        raise _not_found(name)
    return found, command.arguments


def _start_error(command: Command, error: Exception) -> FluxsecretsError:
    name = command.arguments[0]
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        return _not_found(name)
    if command.user is not None and (number is None or number == errno.EPERM):
        return _with_code(NOT_STARTED, "the user cannot be changed", "run it as root, or leave out --user")
    reason = os.strerror(number).lower() if number else type(error).__name__
    return _with_code(
        NOT_STARTED,
        f"the command {name!a} cannot be started: {reason}",
        "check that it may be executed, and that it is made for this machine",
    )


def _not_found(name: str) -> FluxsecretsError:
    hint = "check its spelling, and that it is on PATH"
    if any(letter.isspace() for letter in name):
        hint = "give program and arguments one by one after --, or add --shell"
    elif os.sep in name:
        hint = "check its path, and its first line where it is a script"
    return _with_code(NOT_FOUND, f"there is no command {name!a}", hint)


def _with_code(code: int, message: str, hint: str) -> FluxsecretsError:
    error = FluxsecretsError(message, hint=hint)
    error.exit_code = code
    return error
