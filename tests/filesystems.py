"""What tests of reading and writing share: other platforms, failing calls, and contents to write."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from fluxsecrets.files import system
from fluxsecrets.files.writing import PendingWrite
from fluxsecrets.marks import is_leftover_name

LIMIT = 2**20
OLD, NEW = b"old: content\n", b"new: content that is longer\n"

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes, links or FIFOs")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
root_only = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount or to give files away"
)

PLATFORMS = ["here", "no O_TMPFILE", "macos", "windows"]
"""The ways to prepare a file: nameless (Linux), named (any POSIX), and what Windows has."""


def pretend(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "here":
        return
    monkeypatch.setattr(system, "O_TMPFILE", 0)
    if name == "no O_TMPFILE":
        return
    monkeypatch.setattr(system, "LINUX", False)
    monkeypatch.delattr(os, "listxattr", raising=False)
    monkeypatch.delattr(os, "sync", raising=False)
    if name == "windows":
        monkeypatch.setattr(system, "WINDOWS", True)
        monkeypatch.setattr(system, "O_NOFOLLOW", 0)
        monkeypatch.delattr(os, "fchmod", raising=False)
        monkeypatch.delattr(os, "fchown", raising=False)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def failing(number: int):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


def others(path: Path, data: bytes) -> list[PendingWrite]:
    return [PendingWrite(path.with_name(f"other-{number:02}"), data) for number in range(30)]


def change_content(path: Path) -> None:
    path.write_bytes(b"somebody else's\n")


def temporary_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_leftover_name(path.name))
