"""Asks the agent to run a command line. Every command does this first, so only compiled modules are imported.

An agent that is dead, slow or not this user's never makes a command fail: the command then runs as usual.
Once it has begun to print, there is no other way but its answer.
"""

from __future__ import annotations

import sys

from .forms import may_answer
from .interpreter import interpreter
from .place import NO_AGENT, folder_of, socket_in
from .wire import BEGUN, DECLINED, DONE, GO, READY, RUN, Request, encoded, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from socket import socket
    from typing import Any

ABSENT = -1
"""No agent is there."""

DECLINES = -2
"""An agent is there, and the command has to run as usual."""

LOST = -3
"""The agent ended after it began to print."""

_PATIENCE = 1.0
"""Seconds in which an agent has to say that it can run a command line."""

_ENDING = (1, 2, 3, 15)
"""SIGHUP, SIGINT, SIGQUIT and SIGTERM, whose numbers are the same on all systems that have an agent."""

_INTERRUPTED = 130
_OTHERS = 0o077


def ask(program: str, arguments: Sequence[str]) -> int:
    """Have the agent run a command line.

    Args:
        program: `fluxsecrets` or `fluxsecrets-sops`.
        arguments: the command line, without the program's name.

    Returns:
        The exit code of the run, or one of `ABSENT`, `DECLINES` and `LOST`.
    """
    if sys.platform == "win32":
        return ABSENT
    import posix

    path = present(posix.environ)
    if path is None:
        return ABSENT
    if sys.stdout is None or sys.stderr is None or not may_answer(program, arguments):
        return DECLINES
    line = connect(path)
    if line is None:
        return DECLINES
    try:
        return _asked(line, _request(program, posix.environ))
    except (OSError, ValueError):  # ValueError: a name that is not in the encoding of file names
        return DECLINES
    except KeyboardInterrupt:
        posix._exit(_INTERRUPTED)  # noqa: SLF001 - os takes longer to import
    finally:
        line.close()


def present(environ: Mapping[bytes, bytes]) -> bytes | None:
    """Return the path of the agent's socket if one is there, is this user's, and may be asked."""
    import posix

    folder = folder_of(environ, sys.platform)
    if folder is None or environ.get(NO_AGENT):
        return None
    path = socket_in(folder)
    try:
        found, around = posix.lstat(path), posix.lstat(folder)
    except OSError:
        return None
    user = posix.geteuid()
    if found.st_uid != user or around.st_uid != user or user != posix.getuid():
        if found.st_uid != user or around.st_uid != user:
            _warn(path, "it belongs to another user")
        return None
    # S_IFSOCK and S_IFDIR, and nothing for group and others: a link is neither.
    if found.st_mode & 0o170000 != 0o140000 or around.st_mode & 0o170000 != 0o040000:
        _warn(path, "it is not a socket in a folder")
        return None
    if (found.st_mode | around.st_mode) & _OTHERS:
        _warn(path, "other users have access to it")
        return None
    return path


def connect(path: bytes) -> socket | None:
    """Connect to the agent of this user; None if nobody answers, or somebody else."""
    import posix

    sockets = _sockets()
    line: socket = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    try:
        line.settimeout(_PATIENCE)
        line.connect(path)
        if peer_of(line) == posix.geteuid():
            return line
        _warn(path, "another user listens there")
    except OSError:
        pass
    line.close()
    return None


def peer_of(line: socket) -> int:
    """Return the user at the other end, as the system knows it.

    Raises:
        OSError: the system does not say.
    """
    if sys.platform == "linux":
        sockets = _sockets()
        found = line.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12)
    else:
        found = line.getsockopt(0, 1, 76)  # SOL_LOCAL, LOCAL_PEERCRED, the size of a struct xucred
    if len(found) < 8:
        raise OSError("no credentials")
    # Both structures begin with another number, then the user.
    return int.from_bytes(found[4:8], sys.byteorder)


def _request(program: str, environ: Mapping[bytes, bytes]) -> bytes:
    import posix

    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    mask = posix.umask(_OTHERS)
    posix.umask(mask)
    streams = (*_form_of(sys.stdout), *_form_of(sys.stderr))
    argv, path = ([text.encode(encoding, errors) for text in texts] for texts in (sys.argv, sys.path))
    return frame(RUN, encoded(Request(program, interpreter(), path, mask, streams, argv, environ)))


def _form_of(stream: Any) -> tuple[str, str, str, str]:
    lines, through = str(int(stream.line_buffering)), str(int(stream.write_through))
    return stream.encoding, stream.errors or "strict", lines, through


def _asked(line: socket, message: bytes) -> int:
    line.sendall(message)
    if line.recv(1) != READY:
        return DECLINES
    line.settimeout(None)
    return _with_signals(line)


def _let_begin(line: socket) -> None:
    """Hand over standard output, standard error and folder.

    Only a process that has answered gets them. What was sent can't be taken back, and one that is stopped
    would keep a pipe open, whose reader waits for its end.
    """
    import posix

    sockets = _sockets()
    folder = posix.open(b".", posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        given = b"".join(each.to_bytes(4, sys.byteorder) for each in (1, 2, folder))
        line.sendmsg([GO], [(sockets.SOL_SOCKET, sockets.SCM_RIGHTS, given)])
    finally:
        posix.close(folder)


def _with_signals(line: socket) -> int:
    """Let the run begin, and pass on the signals that end it: this process ends as the run does."""
    signals = _signals()
    got: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        got.append(number)
        try:  # noqa: SIM105 - contextlib takes longer to import
            line.send(bytes((number,)))
        except OSError:  # the run has ended, which is what the signal is to bring about
            pass

    before: dict[int, object] = {}
    try:
        for number in _ENDING:
            if signals.getsignal(number) != signals.SIG_IGN:  # as under nohup
                before[number] = signals.signal(number, pass_on)
        _let_begin(line)
        code = _answer(line)
    finally:
        for number, handler in before.items():
            signals.signal(number, signals.SIG_DFL if handler is None else handler)
    if code < 0 and got:  # nobody has handled it
        signals.raise_signal(got[0])
    return code


def _answer(line: socket) -> int:
    begun = False
    while True:
        try:
            said = line.recv(1)
            if said == DONE:
                code = line.recv(1)
                if code:
                    return code[0]
                said = b""
        except OSError:
            said = b""
        if said == BEGUN:
            begun = True
        elif said == DECLINED and not begun:
            return DECLINES
        else:
            return LOST if begun else DECLINES


def _sockets() -> Any:
    """Return `socket`, or rather its compiled half: the other one takes longer to import than an answer."""
    try:
        import _socket as found
    except ImportError:
        import socket as found  # type: ignore[no-redef]
    return found


def _signals() -> Any:
    """Return `signal`, or its compiled half, as for `_sockets`."""
    try:
        import _signal as found  # type: ignore[import-not-found]
    except ImportError:
        import signal as found
    return found


def _warn(path: bytes, what: str) -> None:
    import posix

    shown = path.decode("utf-8", "replace").encode("unicode_escape")
    try:  # noqa: SIM105
        posix.write(2, b"warning: " + shown + b": " + what.encode() + b"; no agent is asked\n")
    except OSError:
        pass
