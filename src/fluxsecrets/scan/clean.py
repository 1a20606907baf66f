"""Which contents had nothing in them when a run before looked, so that a history is not read anew each time.

For each clean content at a path, its id is kept with a hash of the path; for one that is encrypted without
any finding, also one with its ciphertexts and keys. Nothing is kept of contents in which anything was found
or allowed. They count for the same rules, program and libraries only, and only for the file as such: that
its name or a creation rule makes it a secret is asked anew in each run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from fluxsecrets.files.hashing import fast_hash

from .cachefile import read_cached, write_cached
from .ciphertexts import Shown

_LIBRARIES = ("hyperscan", "yaml", "re2")

MOST = 500_000
"""Marks in a file; beyond, those of the present run are kept."""

_HEAD = b"fluxsecrets-clean-3\n"
_HASH = 16
_ID = 20
"""Bytes of a content's id: all of SHA-1's, which git makes sure of."""

_SIZE = _ID + _HASH
"""A mark is both. A path has thousands of contents, so that it is hashed once for all of them."""


class CleanContents:
    """What is known to be clean in one repository."""

    def __init__(self, folder: Path, repository: Path, judged_by: Collection[str]) -> None:
        """Read what earlier runs left.

        Args:
            folder: the user's cache folder; it need not exist.
            repository: the folder of its objects.
            judged_by: all that a result depends on beside the content and the path.
        """
        state = fast_hash(_HASH)
        for text in (str(repository), *judged_by):
            part = text.encode("utf-8", "surrogateescape")
            state.update(len(part).to_bytes(8, "big") + part)
        self._key: bytes = state.digest()
        self._state = fast_hash(_HASH)
        self._state.update(self._key)
        self._hashes: dict[str, bytes] = {}
        self._path = folder / f"clean-{self._key.hex()}.ids"
        self._known = self._read()
        self._used: set[bytes] = set()
        self._fresh: set[bytes] = set()

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._known)

    def has(self, blob: str, path: str) -> bool:
        """Whether a content, by its id, is known to be clean at a path."""
        return self._has(bytes.fromhex(blob)[:_ID] + (self._hashes.get(path) or self._hash(path)))

    def add(self, blob: str, path: str) -> None:
        """Note that a content is clean at a path."""
        self._fresh.add(bytes.fromhex(blob)[:_ID] + (self._hashes.get(path) or self._hash(path)))

    def is_encrypted(self, blob: str, path: str, shown: Shown | None = None) -> bool:
        """Return whether a content is known to be encrypted, and otherwise clean, at a path.

        Args:
            blob: its id.
            path: where it is.
            shown: its ciphertexts and keys, which must be those that it had; None asks for any.
        """
        return self._has(self._mark(blob, path, *_encrypted(shown)))

    def add_encrypted(self, blob: str, path: str, shown: Shown) -> None:
        """Note that a content is encrypted, and otherwise clean, at a path."""
        self._fresh.add(self._mark(blob, path, *_encrypted(None)))
        self._fresh.add(self._mark(blob, path, *_encrypted(shown)))

    def save(self) -> None:
        """Write what is new, with what other runs wrote meanwhile; a failure is not an error."""
        if not self._fresh:
            return
        wanted = self._used | self._fresh
        everything = wanted | self._read()
        kept = everything if len(everything) <= MOST else set(sorted(wanted)[:MOST])
        write_cached(self._path, _HEAD, b"".join(sorted(kept)), "clean-*.ids")

    def _has(self, mark: bytes) -> bool:
        if mark not in self._known:
            return False
        self._used.add(mark)
        return True

    def _mark(self, blob: str, *place: str) -> bytes:
        state = self._state.copy()
        state.update("\0".join(place).encode("utf-8", "surrogateescape"))
        return bytes.fromhex(blob)[:_ID] + bytes(state.digest())

    def _hash(self, path: str) -> bytes:
        state = self._state.copy()
        state.update(path.encode("utf-8", "surrogateescape"))
        hashed = self._hashes[path] = bytes(state.digest())
        return hashed

    def _read(self) -> set[bytes]:
        data = read_cached(self._path, _HEAD)
        if data is None or len(data) % _SIZE or len(data) > MOST * _SIZE:
            return set()
        return {data[start : start + _SIZE] for start in range(0, len(data), _SIZE)}


def _encrypted(shown: Shown | None) -> tuple[str, ...]:
    if shown is None:
        return ("encrypted",)
    return ("encrypted", *map(str, sorted(shown.ciphertexts)), "keys", *map(str, sorted(shown.keys)))


def judged_by(patterns: str, custom: str) -> tuple[str, ...]:
    """What decides about a content: the program as it is installed, its libraries, and rules.

    Args:
        patterns: what all that is looked for is known by.
        custom: what the team's rules are known by.
    """
    libraries = (each for name in _LIBRARIES for each in _files(name))
    return (*_modules(), patterns, *libraries, sys.version, custom)


def _files(library: str) -> Iterator[str]:
    """The files of a package, each with its size and when it was last changed: it is not imported.

    `importlib.metadata` would know the versions, and takes as long to import as all of a scan.
    """
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec(library)
    folders = () if spec is None else spec.submodule_search_locations or ()
    yield f"{library} {None if spec is None else spec.origin}"
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                found = sorted((entry.name, entry.stat()) for entry in entries if entry.is_file())
        except OSError:  # in an archive
            continue
        yield from (f"{library} {name} {status.st_size} {status.st_mtime_ns}" for name, status in found)


def _modules() -> Iterator[str]:
    """The modules of the program, each with its size and when it was last changed."""
    program = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - a thousand paths, for each scan
    found = []
    for folder, _, names in os.walk(program):
        found += [os.path.join(folder, name) for name in names if name.endswith(".py")]  # noqa: PTH118
    for path in sorted(found):
        status = os.stat(path)  # noqa: PTH116
        yield f"{path.removeprefix(program)} {status.st_size} {status.st_mtime_ns}"
