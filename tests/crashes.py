"""What a kill would leave on disk, at every write of a run: the run is not disturbed, its disk is copied.

So nothing of the run cleans up, as if the power were cut, and one run gives the states of all its writes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from fluxsecrets.files import swap
from fluxsecrets.ops.run import settling

_WRITES = (
    *("rename", "replace", "link", "symlink", "unlink", "remove", "mkdir", "rmdir", "open", "write"),
    *("pwrite", "truncate", "ftruncate", "chmod", "fchmod"),
)
_CREATES = os.O_CREAT | os.O_TRUNC


class Entry(NamedTuple):
    """A file or folder; folders have no data."""

    data: bytes | None
    mode: int


Disk = dict[Path, Entry]
"""All that is in some folders."""


def disk(roots: Sequence[Path]) -> Disk:
    """What is on disk now; of `.git` only what is ours."""
    found: Disk = {}
    for root in roots:
        for place, folders, files in os.walk(root):
            here = Path(place)
            if here.name == ".git":
                folders[:] = [name for name in folders if name == "fluxsecrets"]
            for name in (*folders, *(() if here.name == ".git" else files)):
                path = here / name
                data = None if path.is_dir() else path.read_bytes()
                found[path] = Entry(data, path.lstat().st_mode & 0o777)
    return found


def put_back(state: Disk, roots: Sequence[Path]) -> None:
    """Make the disk what it was."""
    for path in sorted(disk(roots), reverse=True):
        if path not in state:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path, entry in sorted(state.items()):
        if entry.data is None:
            path.mkdir(exist_ok=True)
        elif not path.exists() or path.read_bytes() != entry.data:
            path.write_bytes(entry.data)
        path.chmod(entry.mode)


def states_of(run: Callable[[], object], roots: Sequence[Path]) -> list[Disk]:
    """Run something, and return the states that the disk had before each of its writes, and at its end.

    States that follow each other and are the same count once. Files are replaced one by one.
    """
    states = [disk(roots)]
    looking = False

    def look() -> None:
        nonlocal looking
        if looking:
            return
        looking = True
        try:
            now = disk(roots)
            if now != states[-1]:
                states.append(now)
        finally:
            looking = False

    def watched(function, name):
        def call(*args, **kwargs):
            if name != "open" or (len(args) > 1 and args[1] & _CREATES):
                look()
            return function(*args, **kwargs)

        return call

    exchange = swap._exchange

    def watched_exchange(**system):
        found = exchange(**system)
        return None if found is None else watched(found, "exchange")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "BATCH", 1)
        patch.setattr(swap, "_exchange", watched_exchange)
        for name in _WRITES:
            patch.setattr(os, name, watched(getattr(os, name), name))
        run()
    look()
    return states
