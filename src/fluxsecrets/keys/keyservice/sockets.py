"""Where a key service listens: Unix sockets for their owner alone, and ports."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.clouds import refusal
from fluxsecrets.errors import FileAccessError, ServiceError
from fluxsecrets.files.reasons import reason_of

from .endpoints import Endpoint

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check_owner(path: str, service: str) -> None:
    """Refuse a socket that another user may have put in place of the right one.

    That is one of another user, or a link of another user's, on whose path others can write to a folder: each
    folder above it counts, and where links lead. Without a socket, connecting fails.

    Raises:
        ServiceError: it is one.
    """
    if not hasattr(os, "geteuid"):
        return
    try:
        owners = {os.lstat(path).st_uid, os.stat(path).st_uid}  # noqa: PTH116 - as its neighbour
        planted = owners - _trusted() and any(folder.st_mode & _OTHERS for folder in _open_folders(path))
    except OSError:
        return
    if planted:
        raise ServiceError(
            f"{service} belongs to another user, in a folder that others can write to",
            hint="use a socket in a folder of your own, such as $XDG_RUNTIME_DIR",
            reason=refusal.UNTRUSTED,
        )


def make_way(path: str) -> str | None:
    """Check the folder of a socket that is to be made, and remove the one that a killed service left there.

    Returns:
        A warning about the folder, or None.

    Raises:
        FileAccessError: a service listens there, something else has the path, or others can replace what is
            in the folder.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise FileAccessError("this system has no Unix sockets", hint="use --network tcp", path=path)
    folder = Path(path).resolve().parent
    try:
        found = folder.stat()
        _remove_stale(path)
        doubtful = hasattr(os, "geteuid") and _is_doubtful(path, found)
    except OSError as error:
        reason, hint = reason_of(error)
        raise FileAccessError(f"no socket can be made: {reason}", hint=hint, path=path) from None
    if not doubtful:
        return None
    if found.st_mode & stat.S_ISVTX or not found.st_mode & _OTHERS:
        return (
            f"others can put a socket of their own in place of {path} while the key service does not run; "
            "$XDG_RUNTIME_DIR is a better place"
        )
    raise FileAccessError(
        "no socket is made in a folder where others can replace it",
        hint=f"run `chmod go-w {folder}`, or choose a folder of your own, such as $XDG_RUNTIME_DIR",
        path=path,
    )


def _trusted() -> frozenset[int]:
    return frozenset((0, os.geteuid()))


def _open_folders(path: str) -> Iterator[os.stat_result]:
    """Yield the folders above a path in which another user can replace what leads to it.

    Those are folders of another user, and those that others can write to. The sticky bit protects what is
    there already and belongs to this user.
    """
    for start in {Path(os.path.abspath(path)), Path(path).resolve()}:  # noqa: PTH100 - links count, too
        for child in (start, *start.parents):
            folder = child.parent.stat()
            sticky = folder.st_mode & stat.S_ISVTX and child.exists()
            protected = sticky and child.lstat().st_uid in _trusted()
            if folder.st_uid not in _trusted() or (folder.st_mode & _OTHERS and not protected):
                yield folder


def _is_doubtful(path: str, folder: os.stat_result) -> bool:
    """Whether others can replace a socket. Above its folder, groups do not count: many are of one user."""
    return bool(folder.st_mode & _OTHERS) or any(
        above.st_uid not in _trusted() or above.st_mode & stat.S_IWOTH for above in _open_folders(path)
    )


@contextmanager
def only_for_owner() -> Iterator[None]:
    """Let what is made meanwhile be for this user alone; a socket has no moment in which it is not."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def remove_socket(path: str) -> None:
    """Remove a socket that was listened on, if it is still there."""
    with suppress(OSError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            Path(path).unlink()


def _remove_stale(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileAccessError("is not a socket", hint="choose another path for the key service", path=path)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
    raise FileAccessError(
        "another process listens on this socket", hint="stop it, or choose another path", path=path
    )


def check_port(endpoint: Endpoint) -> None:
    """Find out whether a port can be listened on; gRPC does not tell why it can't.

    Raises:
        FileAccessError: it can't, with the reason.
    """
    host, _, port = endpoint.address.rpartition(":")
    try:
        found = socket.getaddrinfo(
            host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, _, _, address = found[0]
        with socket.socket(family, kind) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason, hint = reason_of(error)
        raise FileAccessError(
            f"the key service can't listen there: {reason}",
            hint=hint or "choose another address",
            path=str(endpoint),
        ) from None
