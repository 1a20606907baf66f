"""The matcher of all patterns, without making the patterns where the cache holds what came of them.

Half a thousand rules are imported to know what their compiled patterns are called. A commit waits for that,
and most commits hold nothing that a token rule looks at. So a note beside the compiled patterns says what
they are called, and from which files and folders of the program they came: each with its size, its place on
the disk, and when it was last changed by the file system's clock, which nobody sets. While all of that holds,
the name does. Else the rules are imported, and the name is what it has always been, a hash of every pattern.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from fluxsecrets.files.hashing import fast_hash

from .cachefile import read_cached, write_cached
from .matcher import Matcher, Pattern, cache_name, load_matcher, make_matcher, running_on

_HEAD = b"fluxsecrets-prepared-1\n"
_PACKAGE = __name__.partition(".")[0]
_STARTED = time.time_ns()
_SETTLED = 60 * 10**9
"""Nanoseconds for which the files were as they are when this module was imported. Of those that were written
later, this process may have the rules of before in its memory."""


def prepared_matcher(cache: Path | None) -> Matcher:
    """The fastest matcher of all patterns that this machine has.

    Args:
        cache: a folder that need not exist, or None.
    """
    note = _note(cache)
    if cache is None or note is None:
        return make_matcher(_patterns(), cache)
    name = _noted(note)
    matcher = load_matcher(cache / name) if name else None
    if matcher is not None:
        return matcher
    patterns = _patterns()
    matcher = make_matcher(patterns, cache)
    _noted_anew(note, patterns)
    return matcher


def known_as(cache: Path | None) -> str:
    """What all patterns together are known by: a hash of them, and of what compiled ones depend on."""
    note = _note(cache)
    if note is None:
        return cache_name(_patterns())
    return _noted(note) or _noted_anew(note, _patterns())


def _note(cache: Path | None) -> Path | None:
    """The note that says what the compiled patterns are called, or None where there can be none."""
    running = running_on()
    if cache is None or running is None or os.name != "posix":  # elsewhere, times may be those of before
        return None
    state = fast_hash(16)
    state.update("\0".join((__file__, sys.version, *running)).encode("utf-8", "surrogateescape"))
    return cache / f"prepared-{state.hexdigest()}.txt"


def _patterns() -> tuple[Pattern, ...]:
    from .patterns import patterns

    return patterns()


def _noted(note: Path) -> str:
    """What the compiled patterns are called, or "" unless every file is as it was."""
    data = read_cached(note, _HEAD)
    if data is None:
        return ""
    name, *files = data.decode("utf-8", "surrogateescape").split("\n")
    try:
        return name if all(_line(each.rpartition("\t")[2])[0] == each for each in files) else ""
    except OSError:
        return ""


def _noted_anew(note: Path, patterns: Sequence[Pattern]) -> str:
    """Note what patterns are called that were just made, if that holds for the next run; the name."""
    name = cache_name(patterns)
    came_from = _came_from()
    if came_from:
        text = "\n".join((name, *came_from))
        write_cached(note, _HEAD, text.encode("utf-8", "surrogateescape"), "prepared-*.txt")
    return name


def _came_from() -> list[str]:
    """The files that this process has its own modules from; none if they may be others than it has read."""
    found = []
    try:
        for path in _loaded():
            line, changed = _line(path)
            if changed > _STARTED - _SETTLED or "\n" in path or "\t" in path:
                return []
            found.append(line)
    except OSError:  # in an archive, or gone
        return []
    return found


def _loaded() -> Iterable[str]:
    """The paths of all modules of ours, where what makes the patterns is among them, and of their folders.

    A folder changes when another file in it takes a module's name.
    """
    paths = [
        getattr(module, "__file__", None) or f"{os.devnull}/"  # the latter cannot be a file
        for name, module in sys.modules.items()
        if name == _PACKAGE or name.startswith(f"{_PACKAGE}.")
    ]
    return sorted({*paths, *map(os.path.dirname, paths)})


def _line(path: str) -> tuple[str, int]:
    """A file as it is now, on a line that another content would change; and when it was last changed.

    Raises:
        OSError: it is missing.
    """
    status = os.stat(path)  # noqa: PTH116 - a hundred of them for each commit
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    told = (status.st_size, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    return "\t".join((*map(str, told), path)), changed
