"""One operation at a time in a work tree: a lock that says who holds it.

The lock is one of the operating system, which ends with the process, however it ends. What is written into
its file tells people whom they wait for. Where file systems have no locks, or a child of a dead process holds
on to one, it decides, too: by machine, process number and the process's start.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files import system
from fluxsecrets.files.locks import is_named, try_lock
from fluxsecrets.files.processes import host_name, is_running, machine_tag, start_of, user_name
from fluxsecrets.files.reading import access_error, read_file
from fluxsecrets.namedtuples import NamedTuple

from .statefolder import JOURNAL, Place, claim

_LOCK = "lock"
_LIMIT = 2**16
_ATTEMPTS = 10  # of 20 ms: somebody may only be looking


class RunInfo(NamedTuple):
    """Who runs, or ran, which command.

    Attributes:
        command: such as `rotate`.
        since: when it began to write, in UTC, as ISO 8601.
        machine: see `processes.machine_tag`.
        start: see `processes.start_of`.
    """

    command: str
    since: str
    user: str
    host: str
    machine: str
    pid: int
    start: str | None = None

    @classmethod
    def of_this(cls, command: str) -> RunInfo:
        """This process."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        pid = os.getpid()
        return cls(command, now, user_name(), host_name(), machine_tag(), pid, start_of(pid))

    @classmethod
    def parse(cls, data: object) -> RunInfo:
        """Read what `data` gave.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(data, Mapping):
            raise ValueError("not a run")  # noqa: TRY004 - one error for all that is malformed
        names = ("command", "since", "user", "host", "machine")
        texts, pid, start = {name: data.get(name) for name in names}, data.get("pid"), data.get("start")
        if (
            not all(isinstance(text, str) for text in texts.values())
            or type(pid) is not int
            or not (start is None or isinstance(start, str))
        ):
            raise ValueError("not a run")
        return cls(**{name: str(text) for name, text in texts.items()}, pid=pid, start=start)

    def data(self) -> dict[str, object]:
        """As JSON holds it."""
        return self._asdict()

    @property
    def is_here(self) -> bool:
        """Whether it ran on this machine, so that it can be told whether it still does."""
        return self.machine == machine_tag()

    @property
    def is_dead(self) -> bool:
        """Whether it certainly runs no more."""
        return self.is_here and not is_running(self.pid, self.start)

    @property
    def is_this(self) -> bool:
        """Whether it is this very process."""
        return self.is_here and self.pid == os.getpid()

    @property
    def shown_since(self) -> str:
        """When it began, for people."""
        return self.since.replace("T", " ").replace("+00:00", " UTC")


@contextmanager
def only_run(place: Place, command: str) -> Iterator[RunInfo]:
    """Hold the lock of a work tree.

    Yields:
        This run, as others see it.

    Raises:
        UsageError: another process holds it; the message says which.
        FileAccessError: the state folder is not ours, or cannot be made or written.
    """
    state, path = place.state, place.state / _LOCK
    info = RunInfo.of_this(command)
    try:
        claim(state)
        descriptor = _taken(path)
    except OSError as error:
        raise _not_writable(state, error) from None
    try:
        with suppress(OSError):  # a full disk; the lock is held all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(info.data()).encode(), 0)
        try:
            yield info
        finally:
            if place.git_dir is None:
                _leave_nothing(state)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | system.SAFE_FLAGS | system.O_NOFOLLOW
    for attempt in range(_ATTEMPTS):
        descriptor = os.open(path, flags, 0o600)
        try:
            if _lock(descriptor, path) and is_named(descriptor, path):
                return descriptor
            holder = _read(path)
            if holder is not None and holder.is_dead:
                path.unlink(missing_ok=True)  # a child of it holds a file that nobody looks at any more
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if attempt < _ATTEMPTS - 1:
            time.sleep(0.02)
    raise running_error(_read(path))


def _lock(descriptor: int, path: Path) -> bool:
    try:
        return try_lock(descriptor)
    except OSError:  # a file system without locks
        holder = _read(path)
        return holder is None or holder.is_dead or holder.is_this


def running(place: Place) -> RunInfo | None:
    """Who changes files in a work tree right now, or None.

    Of a process that left no readable note, only the lock is known.
    """
    path = place.state / _LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | system.SAFE_FLAGS | system.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if _lock(descriptor, path):
            return None
    finally:
        os.close(descriptor)
    holder = _read(path)
    if holder is None:
        return RunInfo("", "", "", "", "", 0)
    return None if holder.is_dead else holder


def running_error(holder: RunInfo | None) -> UsageError:
    """The refusal to change files that another process is changing."""
    if holder is None or not holder.command:
        what = "another fluxsecrets is changing files in this work tree"
    else:
        where = "" if holder.is_here else f" on {holder.host}"
        what = (
            f"another fluxsecrets is running in this work tree: `fluxsecrets {holder.command}` "
            f"(process {holder.pid}{where}, since {holder.shown_since})"
        )
    return UsageError(what, hint="wait until it is done, then run this command again")


def _read(path: Path) -> RunInfo | None:
    try:
        return RunInfo.parse(json.loads(read_file(path, limit=_LIMIT).data))
    except (FileAccessError, ValueError):
        return None


def _not_writable(state: Path, error: OSError) -> FileAccessError:
    found = access_error(error, state, "written")
    return FileAccessError(
        f"the folder for what is under way {found.message}; nothing was changed",
        hint=found.hint,
        path=str(state),
    )


def _leave_nothing(state: Path) -> None:
    """Trees without git come and go: their folder does too, unless something is under way or was logged."""
    if not os.path.lexists(state / JOURNAL):
        with suppress(OSError):
            (state / _LOCK).unlink()
            state.rmdir()
