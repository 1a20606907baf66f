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
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from fluxsecrets.files.hashing import fast_hash
from fluxsecrets.namedtuples import NamedTuple

from .cachefile import read_cached, write_cached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol
else:
    Protocol = object  # that of `typing` is for the type checker alone

_MAGIC = b"fluxsecrets-hyperscan-2\n"
_ANYTHING = "(?s)."
_PLACES_UP_TO = 2**20  # bytes of data; in more there may be millions of places


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
        name = cache_name(patterns)
        ready = None if cache is None else load_matcher(cache / name)
        if ready is not None:
            return ready
        try:
            database = _compile(patterns, hyperscan)
        except hyperscan.HyperscanError:
            if not lenient:
                raise
            database = _compile([_taken(pattern, hyperscan) for pattern in patterns], hyperscan)
        if cache is not None:
            write_cached(cache / name, _MAGIC, hyperscan.dumpb(database), "patterns-*.hs", checked=True)
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


def load_matcher(path: Path) -> Matcher | None:
    """The matcher of compiled patterns in the cache, or None if there are none that this machine takes."""
    try:
        import hyperscan
    except ImportError:
        return None
    data = read_cached(path, _MAGIC, checked=True)
    if data is None:
        return None
    try:
        return _prepared(hyperscan, hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK))
    except hyperscan.HyperscanError:  # another version's or machine's in spite of its name
        return None


def running_on() -> tuple[str, ...] | None:
    """What compiled patterns depend on beside the patterns, or None without hyperscan."""
    try:
        import hyperscan
    except ImportError:
        return None
    library: Any = hyperscan
    machine = os.uname().machine if hasattr(os, "uname") else sys.platform
    return sys.platform, machine, str(library.__version__)


def cache_name(patterns: Sequence[Pattern]) -> str:
    """What the file of compiled patterns is called: a hash of them, and of all that they depend on."""
    state = fast_hash(16)
    wanted = (f"{each.every:d}{each.expression}" for each in patterns)
    for text in (*(running_on() or ()), *wanted):
        data = text.encode()
        state.update(len(data).to_bytes(8, "big") + data)
    return f"patterns-{state.hexdigest()}.hs"
