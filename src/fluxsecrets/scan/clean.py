"""Which contents had nothing in them when a run before looked, so that a history is not read anew each time.

For each clean content at a path, a hash of its id and the path is kept; for one that is encrypted without any
finding, also one of its ciphertexts and keys. Nothing is kept of contents in which anything was found or
allowed. The hashes count for the same rules, program and libraries only, and only for the file as such: that
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
from .matcher import Pattern

MOST = 500_000
"""Hashes in a file; beyond, those of the present run are kept."""

_HEAD = b"fluxsecrets-clean-2\n"
_SIZE = 16


class CleanContents:
    """What is known to be clean in one repository."""

    def __init__(self, folder: Path, repository: Path, judged_by: Collection[str]) -> None:
        """Read what earlier runs left.

        Args:
            folder: the user's cache folder; it need not exist.
            repository: the folder of its objects.
            judged_by: all that a result depends on beside the content and the path.
        """
        state = fast_hash(_SIZE)
        for text in (str(repository), *judged_by):
            part = text.encode("utf-8", "surrogateescape")
            state.update(len(part).to_bytes(8, "big") + part)
        self._key: bytes = state.digest()
        self._state = fast_hash(_SIZE)
        self._state.update(self._key)
        self._path = folder / f"clean-{self._key.hex()}.ids"
        self._known = self._read()
        self._used: set[bytes] = set()
        self._fresh: set[bytes] = set()

    def __contains__(self, place: tuple[str, str]) -> bool:
        """Whether a content, by its id, is known to be clean at a path."""
        return self._has(self._mark(*place))

    def add(self, blob: str, path: str) -> None:
        """Note that a content is clean at a path."""
        self._fresh.add(self._mark(blob, path))

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

    def _mark(self, *place: str) -> bytes:
        state = self._state.copy()
        state.update("\0".join(place).encode("utf-8", "surrogateescape"))
        mark: bytes = state.digest()
        return mark

    def _read(self) -> set[bytes]:
        data = read_cached(self._path, _HEAD)
        if data is None or len(data) % _SIZE or len(data) > MOST * _SIZE:
            return set()
        return {data[start : start + _SIZE] for start in range(0, len(data), _SIZE)}


def _encrypted(shown: Shown | None) -> tuple[str, ...]:
    if shown is None:
        return ("encrypted",)
    return ("encrypted", *map(str, sorted(shown.ciphertexts)), "keys", *map(str, sorted(shown.keys)))


def judged_by(patterns: Collection[Pattern], custom: str) -> tuple[str, ...]:
    """What decides about a content: the program as it is installed, its libraries, and rules.

    Args:
        patterns: all that is looked for.
        custom: what the team's rules are known by.
    """
    from importlib.metadata import PackageNotFoundError, version

    libraries = []
    for name in ("hyperscan", "pyyaml", "google-re2"):
        try:
            libraries.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            libraries.append(f"{name} missing")
    return (
        *_modules(),
        *(pattern.expression for pattern in patterns),
        *libraries,
        sys.version,
        custom,
    )


def _modules() -> Iterator[str]:
    """The modules of the program, each with its size and when it was last changed."""
    program = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - a thousand paths, for each scan
    found = []
    for folder, _, names in os.walk(program):
        found += [os.path.join(folder, name) for name in names if name.endswith(".py")]  # noqa: PTH118
    for path in sorted(found):
        status = os.stat(path)  # noqa: PTH116
        yield f"{path.removeprefix(program)} {status.st_size} {status.st_mtime_ns}"
