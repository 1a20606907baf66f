"""Which of some hundred patterns occur in a file at all: one pass of hyperscan, or a look for keywords.

Whatever is said to occur is then looked for with RE2, pattern by pattern, so that this pass may say too
much, but never too little. Patterns are written in what both engines read.

hyperscan's compiled database is kept in the user's cache folder. Its name holds a hash of the patterns, of
hyperscan's version and of the machine; its content is checked with another one. A file that is damaged, or
that somebody else could have written, is not used but made again; where nothing can be written, the
database is compiled for the run.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

_MAGIC = b"fluxsecrets-hyperscan-1\n"
_DIGEST = 32
_MOST = 256 * 2**20  # bytes of a cached database
_ANYTHING = "(?s)."
_PLACES_UP_TO = 2**20  # bytes of data; in more there may be millions of places
_STALE = 30 * 24 * 3600  # seconds; older databases belong to versions that are gone


class Pattern(NamedTuple):
    """Something to look for.

    Attributes:
        expression: a regular expression on bytes in the common part of RE2 and hyperscan.
        keywords: lower-case texts of which one is in every match.
        every: all places are wanted, not only the first.
    """

    expression: str
    keywords: tuple[bytes, ...]
    every: bool = False


Hit = tuple[int, int]
"""The number of a pattern, and where a match of it ends, or -1 if that is unknown."""


class Matcher(Protocol):
    """Tells which patterns occur."""

    def hits(self, data: bytes) -> Collection[int]:
        """The numbers of the patterns that may occur in the data; none that does is left out."""

    def places(self, data: bytes) -> Sequence[Hit]:
        """The same with the places: all of those patterns of which every one is wanted."""


class KeywordMatcher:
    """Looks for the keywords; the way without hyperscan."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Take the patterns."""
        by_keyword: dict[bytes, list[int]] = {}
        for number, pattern in enumerate(patterns):
            for keyword in pattern.keywords or (b"",):
                by_keyword.setdefault(keyword, []).append(number)
        self._by_keyword = tuple(by_keyword.items())

    def hits(self, data: bytes) -> Collection[int]:
        """See `Matcher.hits`."""
        lower = data.lower()
        found: set[int] = set()
        for keyword, numbers in self._by_keyword:
            if keyword in lower:
                found.update(numbers)
        return found

    def places(self, data: bytes) -> Sequence[Hit]:
        """See `Matcher.places`."""
        return [(number, -1) for number in self.hits(data)]


class HyperscanMatcher:
    """Runs a hyperscan database."""

    def __init__(self, database: Any) -> None:
        """Take a compiled database."""
        self._scan = database.scan
        # The database does not hold on to it by itself.
        self._database = database

    def hits(self, data: bytes) -> Collection[int]:
        """See `Matcher.hits`."""
        if not data:
            return ()
        found: list[int] = []
        add = found.append
        self._scan(data, match_event_handler=lambda number, _start, _end, _flags, _context: add(number))
        return frozenset(found)

    def places(self, data: bytes) -> Sequence[Hit]:
        """See `Matcher.places`."""
        if not data:
            return ()
        if len(data) > _PLACES_UP_TO:
            return [(number, -1) for number in self.hits(data)]
        found: list[Hit] = []
        add = found.append
        self._scan(data, match_event_handler=lambda number, _start, end, _flags, _context: add((number, end)))
        return found


def make_matcher(patterns: Sequence[Pattern], cache: Path | None = None, *, lenient: bool = False) -> Matcher:
    """The fastest matcher that this machine has.

    Hits are positions in `patterns`.

    Args:
        patterns: what to look for.
        cache: a folder that need not exist, or None.
        lenient: a pattern that hyperscan does not take is said to occur in every file.
    """
    try:
        import hyperscan
    except ImportError:
        return KeywordMatcher(patterns)
    try:
        name = _cache_name(patterns, hyperscan)
        data = None if cache is None else _load(cache / name)
        if data is not None:
            try:
                return _prepared(hyperscan, hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK))
            except hyperscan.HyperscanError:  # another version's or machine's in spite of its name
                pass
        try:
            database = _compile(patterns, hyperscan)
        except hyperscan.HyperscanError:
            if not lenient:
                raise
            database = _compile([_taken(pattern, hyperscan) for pattern in patterns], hyperscan)
        if cache is not None:
            _store(cache / name, hyperscan.dumpb(database))
        return _prepared(hyperscan, database)
    except hyperscan.HyperscanError:  # this processor or build cannot
        return KeywordMatcher(patterns)


def _prepared(hyperscan: Any, database: Any) -> HyperscanMatcher:
    database.scratch = hyperscan.Scratch(database)
    return HyperscanMatcher(database)


def _compile(patterns: Sequence[Pattern], hyperscan: Any) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.expression.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[0 if pattern.every else hyperscan.HS_FLAG_SINGLEMATCH for pattern in patterns],
    )
    return database


def _taken(pattern: Pattern, hyperscan: Any) -> Pattern:
    """The pattern, or one that is in every file, if hyperscan does not take it."""
    try:
        _compile([pattern], hyperscan)
    except hyperscan.HyperscanError:
        return pattern._replace(expression=_ANYTHING)
    return pattern


def _blake2b(size: int) -> Any:
    try:
        from _blake2 import blake2b  # without the rest of hashlib, which loads OpenSSL
    except ImportError:
        from hashlib import blake2b
    return blake2b(digest_size=size)


def _cache_name(patterns: Sequence[Pattern], hyperscan: Any) -> str:
    state = _blake2b(16)
    machine = os.uname().machine if hasattr(os, "uname") else sys.platform
    wanted = (f"{each.every:d}{each.expression}" for each in patterns)
    for text in (sys.platform, machine, str(hyperscan.__version__), *wanted):
        data = text.encode()
        state.update(len(data).to_bytes(8, "big") + data)
    return f"patterns-{state.hexdigest()}.hs"


def _load(path: Path) -> bytes | None:
    """The cached database, or None if there is no trusted one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not _is_ours(status) or not len(_MAGIC) + _DIGEST < status.st_size <= _MOST:
                return None
            content = stream.read(_MOST)
    except OSError:
        return None
    head, digest, data = (
        content[: len(_MAGIC)],
        content[len(_MAGIC) :][:_DIGEST],
        content[len(_MAGIC) + _DIGEST :],
    )
    return data if head == _MAGIC and digest == _digest(data) else None


def _is_ours(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid in (os.getuid(), 0) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(data: bytes) -> bytes:
    state = _blake2b(_DIGEST)
    state.update(data)
    digest: bytes = state.digest()
    return digest


def _store(path: Path, data: bytes) -> None:
    """Keep a database for the next run; a failure to do so is not an error."""
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.files.writing import write_atomic

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_symlink():
            return
        write_atomic(path, _MAGIC + _digest(data) + data, mode=0o600)
        for other in path.parent.glob("patterns-*.hs"):  # of versions before
            if other != path and other.is_file() and other.stat().st_mtime < path.stat().st_mtime - _STALE:
                other.unlink(missing_ok=True)
    except (OSError, FluxsecretsError):
        return
