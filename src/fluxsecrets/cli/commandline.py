"""What a command line says, read by click or by `quick`: the session of a command, and what the log shows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fluxsecrets import __version__
from fluxsecrets.errors import UsageError
from fluxsecrets.marks import holds_private_key
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.run.session import Session

from .output import Output
from .parameter import PATH, SECRET, SHOWN, Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.files.reading import FileIdentity
    from fluxsecrets.ops.run.logged import Logged


class CommandLine(NamedTuple):
    """One command line.

    Attributes:
        words: the command, such as `recipients add`.
        log: where it is logged; None where it is not.
        quiet: results and errors only.
        order: kinds of keys to try first, or None.
        partial_history: take the history of a shallow clone for all there is.
        flux_version: of the clusters, or None.
        outputs: the files of `-o` as they were when the command began.
    """

    words: str = ""
    parameters: tuple[Parameter, ...] = ()
    log: Logged | None = None
    quiet: bool = False
    order: tuple[str, ...] | None = None
    partial_history: bool = False
    flux_version: str | None = None
    outputs: Mapping[Path, FileIdentity | None] | None = None


def open_session(line: CommandLine, config: Path | None = None) -> Session:
    """The session of this process, after the log began.

    Args:
        line: what was asked for.
        config: `--config`; it is read at once, so that a fault in it is said before any file is touched.

    Raises:
        ConfigError, FileAccessError: it is not there, or invalid; or what is to be done cannot be logged,
            and has to be.
        UsageError: a private key is on the command line.
    """
    out = Output(quiet=line.quiet)
    session = Session(
        dict(os.environ),
        Path.cwd(),
        config_path=config,
        ask=_ask,
        notify=_notify,
        warn=lambda text: out.warning(f"warning: {text}"),
        order=line.order,
        partial_history=line.partial_history,
        flux_version=line.flux_version,
        note=out.note,
        progress=out.progress,
        outputs={} if line.outputs is None else line.outputs,
    )
    _start_log(line, session)
    if config is not None:
        session.load_config(session.cwd / config)
    return session


def only_path(paths: Sequence[str], hint: str) -> str:
    """The one path that was named.

    The hint says what to do with none, or several.

    Raises:
        UsageError: none, or several.
    """
    if len(paths) != 1:
        raise UsageError(
            "name exactly one file for this" if paths else "name a file, or - for standard input",
            hint=hint,
        )
    return paths[0]


def _start_log(line: CommandLine, session: Session) -> None:
    """Log the command that is being run, where that is wanted; before it does anything.

    Raises:
        ConfigError, FileAccessError: it cannot be logged, and has to be.
        UsageError: a private key is on the command line.
    """
    if line.log is None:
        return
    paths: list[str] = []
    details: dict[str, object] = {}
    switches: list[str] = []
    for name, role, value in line.parameters:
        if value in (None, (), "", False):
            continue
        if value is True:
            switches.append(name.replace("_", "-"))
            continue
        if role != SECRET:
            _refuse_private_keys(value)
        if role == PATH:
            paths += _texts(value)
        elif role == SHOWN:
            details[name] = str(value)
    if switches:
        details["switches"] = sorted(switches)
    from fluxsecrets.ops.run.logged import Call

    call = Call(f"fluxsecrets {__version__}", line.words, tuple(paths), details)
    line.log.start(call, session.environ, session.cwd)


def _refuse_private_keys(value: object) -> None:
    if any(holds_private_key(text) for text in _texts(value)):
        raise UsageError(
            "a private key does not belong on a command line: others on this machine see it there, "
            "and it is in your shell's history now",
            hint="give the file that it is in, or - for standard input; and make a new key",
        )


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return tuple(str(each) for each in values)


def _ask(question: str) -> str:
    from fluxsecrets.keys.prompt import ask_at_terminal

    return ask_at_terminal(question)


def _notify(text: str) -> None:
    from fluxsecrets.report.text import printable

    from .terminal import echo

    echo(printable(text), err=True)
