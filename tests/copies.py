"""Copies a folder many times. It is read once, so that a copy costs a test less than `shutil.copytree`."""

import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class Copies:
    """A folder as it was when this was made: its folders, its links, and its files with their modes."""

    def __init__(self, folder: Path) -> None:
        self._folders: list[str] = []
        self._links: list[tuple[str, str]] = []
        self._files: list[tuple[str, int, bytes]] = []
        self._read(folder, "")

    def _read(self, folder: Path, name: str) -> None:
        self._folders.append(name)
        for path in folder.iterdir():
            below = f"{name}/{path.name}"
            if path.is_symlink():
                self._links.append((below, str(path.readlink())))
            elif path.is_dir():
                self._read(path, below)
            else:
                self._files.append((below, stat.S_IMODE(path.stat().st_mode), path.read_bytes()))

    def copy(self, to: Path) -> Path:
        """Write a copy over what is there, and return its folder."""
        base = str(to)
        for name in self._folders:
            Path(base + name).mkdir(exist_ok=True)
        for name, target in self._links:
            with suppress(FileExistsError):
                Path(base + name).symlink_to(target)
        for name, mode, data in self._files:
            file = os.open(
                base + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), mode
            )
            try:
                os.write(file, data)
            finally:
                os.close(file)
            if mode & 0o133 != 0:  # what the umask may have taken away
                Path(base + name).chmod(mode)
        return to


def take_over(source: Path, target: Path, patterns: Mapping[str, int], most: int = 3) -> None:
    """Copy the newest files from one folder to another, and delete older ones from there.

    Several processes may do so at a time.

    Args:
        patterns: names, with the least bytes that a file has.
        most: files of each name.
    """
    for pattern, least in patterns.items():
        for path in _newest(source, pattern, least)[:most]:
            part = target / f"{os.getpid()}-{path.name}.part"
            with suppress(FileNotFoundError):  # another process deleted it
                if not (target / path.name).exists():
                    shutil.copy2(path, part)
                    part.replace(target / path.name)
        for path in _newest(target, pattern, least)[most:]:
            path.unlink(missing_ok=True)


def _newest(folder: Path, pattern: str, least: int) -> list[Path]:
    found = []
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):
            status = path.stat()
            if status.st_size >= least:
                found.append((status.st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]
