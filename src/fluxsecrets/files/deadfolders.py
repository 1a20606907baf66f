"""Private folders of runs that were killed: found by their names, told from living ones by their locks.

Each run holds a lock of the operating system on its folder, which ends with the process, however it ends. A
process number would not do: numbers are used again, and mean nothing in another container. Every command
passes here, so nothing heavy is imported before a folder is found.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.namedtuples import NamedTuple

from . import system

TYPE_CHECKING = False
if TYPE_CHECKING:  # only when a folder is found
    from .cameout import Keep

PREFIX = "fluxsecrets-"
"""How the name of a private folder starts; 32 random hexadecimal digits follow."""

FOLDER_FLAGS: int = (
    os.O_RDONLY | system.SAFE_FLAGS | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
)

_DIGITS = frozenset("0123456789abcdef")
_LENGTH = len(PREFIX) + 32


class DeadFolders(NamedTuple):
    """What became of the folders of killed runs.

    Attributes:
        deleted: those that held something, and are gone.
        left: those that can't be deleted, or may be in use: the file system has no locks.
        kept: what other programs saved, and these runs held: the path of the file, and where it is now.
    """

    deleted: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()
    kept: tuple[tuple[str, Path], ...] = ()


def temporary_folder(environ: Mapping[str, str]) -> str:
    """The usual place for temporary files; it is on a disk, as a rule."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        folder = environ.get(name, "")
        if os.path.isabs(folder) and os.path.isdir(folder):  # noqa: PTH112, PTH117 - pathlib is slower
            return folder
    if not system.WINDOWS:
        return "/tmp"  # noqa: S108 - the folders in it are private
    import tempfile

    return tempfile.gettempdir()


def usual_places(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The folders in which private folders are made, in memory or on disk."""
    found = (environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm", temporary_folder(environ))  # noqa: S108
    return tuple(dict.fromkeys(place for place in found if os.path.isabs(place)))  # noqa: PTH117


def remove_dead_folders(places: Iterable[str], keep: Keep | None = None) -> DeadFolders:
    """Delete this user's private folders whose run is gone.

    A folder goes where its name has our form, it is this user's alone, not a link, and nobody holds its lock.
    On Windows, where folders have no locks, all are left.

    Args:
        places: the folders to look into, each once; those that can't be read have none.
        keep: what to do with what other programs saved, see `cameout`; without it, the folder stays.
    """
    deleted: list[Path] = []
    left: list[Path] = []
    kept: list[tuple[str, Path]] = []
    for place in places:
        with suppress(OSError):
            for name in os.listdir(place):  # noqa: PTH208
                if (
                    len(name) == _LENGTH
                    and name.startswith(PREFIX)
                    and _DIGITS.issuperset(name[len(PREFIX) :])
                ):
                    _remove_dead(Path(place, name), deleted, left, kept, keep)
    return DeadFolders(tuple(deleted), tuple(left), tuple(kept))


def _remove_dead(
    folder: Path,
    deleted: list[Path],
    left: list[Path],
    kept: list[tuple[str, Path]],
    keep: Keep | None,
) -> None:
    if system.WINDOWS:
        if folder.is_dir():
            left.append(folder)
        return
    from .locks import is_named, try_lock
    from .removal import remove_folder

    try:
        lock = os.open(folder, FOLDER_FLAGS)
    except OSError:
        return  # a link, another user's, or gone
    try:
        status = os.fstat(lock)
        if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return
        try:
            if not try_lock(lock):
                return
            if is_named(lock, folder):
                names = os.listdir(lock)  # noqa: PTH208 - of a descriptor
                found = _keep_edits(folder, names, keep)
                remove_folder(folder, lock)
                if found:
                    kept += found
                elif names:
                    deleted.append(folder)
        except (OSError, FluxsecretsError):
            if os.path.lexists(folder):
                left.append(folder)
    finally:
        os.close(lock)


def _keep_edits(folder: Path, names: Iterable[str], keep: Keep | None) -> list[tuple[str, Path]]:
    """Keep what other programs saved; a folder goes only if nothing is lost with it."""
    from .cameout import came_out, is_marked

    kept = []
    for name in filter(is_marked, names):
        saved = came_out(folder / name)
        if saved is None:
            continue
        if keep is None:
            raise OSError(0, "it holds what another program saved")
        where = keep(folder, saved)
        if where is not None:
            kept.append((saved.shown, where))
    return kept
