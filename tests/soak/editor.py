"""An editor that saves files at random, in the ways in which editors do."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class Editor:
    """Saves files in a thread until it is stopped. Each save adds a line of its own on top.

    It saves more often than people do, but not so often that every command finds changed files.

    Attributes:
        last: the line that was saved last, by file.
        saves: how often it saved.
    """

    def __init__(self, files: Sequence[Path], pause: float, chance: random.Random) -> None:
        self.last: dict[Path, bytes] = {}
        self.saves = 0
        self._files, self._pause, self._chance = files, pause, chance
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Editor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._chance.random() * 2 * self._pause):
            self.save(self._chance.choice(self._files))

    def save(self, path: Path) -> None:
        """Save one file."""
        line = b"# edit %d\n" % self._chance.getrandbits(48)
        try:
            self._chance.choice((_in_place, _slowly_in_place, _over, _by_rename))(path, line)
        except FileNotFoundError:
            return  # a command removed or renamed it
        self.last[path] = line
        self.saves += 1


def _in_place(path: Path, line: bytes) -> None:
    """As `nano` and `vim` with backupcopy=yes: the file is truncated and written."""
    with path.open("r+b") as file:
        data = file.read()
        file.seek(0)
        file.truncate()
        file.write(line + data)


def _slowly_in_place(path: Path, line: bytes) -> None:
    """The same in two writes, on a busy machine."""
    with path.open("r+b", buffering=0) as file:
        data = line + file.read()
        file.seek(0)
        file.truncate()
        file.write(data[: len(data) // 2])
        time.sleep(0.003)
        file.write(data[len(data) // 2 :])


def _over(path: Path, line: bytes) -> None:
    """Written over the old text without truncating first."""
    with path.open("r+b", buffering=0) as file:
        data = line + file.read()
        time.sleep(0.001)
        file.seek(0)
        file.write(data)
        file.truncate()


def _by_rename(path: Path, line: bytes) -> None:
    """As most editors of today: a new file is renamed over the old one."""
    before = path.lstat()
    new = path.with_name(f".{path.name}.swp")
    new.write_bytes(line + path.read_bytes())
    # An editor asks if the file on disk is another one by now; what is left of the gap is its own.
    if _is_same(path, before):
        new.replace(path)
        return
    with suppress(FileNotFoundError):
        new.unlink()
    raise FileNotFoundError(os.fspath(path))


def _is_same(path: Path, before: os.stat_result) -> bool:
    try:
        now = path.lstat()
    except FileNotFoundError:
        return False
    return (now.st_ino, now.st_mtime_ns, now.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
