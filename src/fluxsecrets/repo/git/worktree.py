"""Which files of the work tree differ from HEAD, without a `git diff`, which runs configured filters.

git says what is in the index, with the size and times that each file had when git last looked. A file that
still has those is unchanged, as it is for git; any other is hashed here.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Sequence
from typing import NamedTuple

from .process import BLOB_LIMIT
from .repository import Repository, split_records

_REGULAR, _LINK = "100", "120000"
_SECOND = 10**9
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"):
    _FLAGS |= getattr(os, _name, 0)

# A record of `git ls-files -t --stage --debug -z`: `H 100644 <id> 0\t<path>\0` and five lines.
_ENTRY = re.compile(
    rb"(?P<tag>[A-Za-z]) (?P<mode>\d{6}) (?P<blob>[0-9a-f]{40,64}) (?P<stage>[0-3])\t(?P<path>[^\0]+)\0"
    rb"  ctime: (?P<ctime>\d+:\d+)\n  mtime: (?P<mtime>\d+:\d+)\n  dev: \d+\tino: \d+\n"
    rb"  uid: \d+\tgid: \d+\n  size: (?P<size>\d+)\tflags: [0-9a-f]+\n|\? (?P<untracked>[^\0]+)\0"
)


class _Entry(NamedTuple):
    """What the index says of a file; without times where git did not say them."""

    path: str
    mode: str
    blob: str
    merged: bool
    times: tuple[int, int] | None = None
    size: int = 0


def changes_since_head(repository: Repository) -> dict[str, str]:
    """As the method of a repository says."""
    if not repository.has_head():
        return dict.fromkeys(repository.files(), "")
    staged = _staged(repository)
    found: dict[str, str] = {}
    entries, untracked = _index(repository)
    looked = _last_looked(repository)
    root = str(repository.root)
    for entry in entries:
        path = entry.path
        if path in staged or not entry.merged:
            if os.path.lexists(f"{root}/{path}"):
                found[path] = staged.get(path, "")
        elif _differs(root, entry, looked):
            found[path] = entry.blob
    return found | dict.fromkeys(untracked, "") | {
        # Out of the index, but still there
        path: blob for path, blob in staged.items() if path not in found and _is_file(root, path)
    }  # fmt: skip


def changed_since_staged(repository: Repository, paths: Sequence[str]) -> frozenset[str]:
    """Those of some paths whose working copy is not what the index has, or is gone.

    A working copy that differs in its line ends alone is the same: git makes them so where it is configured.
    """
    if not paths:
        return frozenset()
    entries, _ = _index(repository, paths)
    looked = _last_looked(repository)
    root = str(repository.root)
    same = {
        entry.path
        for entry in entries
        if entry.merged and os.path.lexists(f"{root}/{entry.path}")
        and not _differs(root, entry, looked, line_ends=True)
    }  # fmt: skip
    return frozenset(paths) - same


def _staged(repository: Repository) -> dict[str, str]:
    """The paths whose staged content differs from HEAD's, with the blob at HEAD or ""."""
    fields = split_records(
        repository.run(
            "diff-index", "--cached", "-z", "--no-renames", "--ignore-submodules=all", "HEAD", "--"
        )
    )
    found = {}
    for entry, path in zip(fields[::2], fields[1::2], strict=True):
        mode, _, blob, _, _ = entry.lstrip(":").split(" ")
        found[path] = blob if blob.strip("0") and mode.startswith(_REGULAR) else ""
    return found


def _index(repository: Repository, paths: Sequence[str] = ()) -> tuple[list[_Entry], list[str]]:
    """The files in the index that are checked out, and the untracked ones, which paths leave out."""
    others = () if paths else ("--others", "--exclude-standard")
    arguments = ("ls-files", "-z", "-t", "--stage", "--cached", *others)
    listing = repository.run(*arguments, "--debug", "--", *paths)
    entries: list[_Entry] = []
    untracked: list[str] = []
    place = 0
    for match in _ENTRY.finditer(listing):
        if match.start() != place:
            break
        place = match.end()
        if match["untracked"] is not None:
            untracked.append(os.fsdecode(match["untracked"]))
        elif match["tag"] != b"S":  # sparse, not checked out
            times = (_nanoseconds(match["ctime"]), _nanoseconds(match["mtime"]))
            entries.append(
                _entry(match["mode"], match["blob"], match["stage"], match["path"], times, int(match["size"]))
            )
    if place != len(listing):  # a git that says it in another way: each file is hashed
        entries, untracked = _plain_index(repository.run(*arguments, "--", *paths))
    return (
        [entry for entry in entries if entry.mode.startswith(_REGULAR) or entry.mode == _LINK],
        [path for path in untracked if not path.endswith("/")],  # a repository inside the repository
    )


def _entry(
    mode: bytes, blob: bytes, stage: bytes, path: bytes, times: tuple[int, int] | None = None, size: int = 0
) -> _Entry:
    return _Entry(os.fsdecode(path), mode.decode(), blob.decode(), stage == b"0", times, size)


def _plain_index(listing: bytes) -> tuple[list[_Entry], list[str]]:
    entries, untracked = [], []
    for record in listing.split(b"\0"):
        tag, _, rest = record.partition(b" ")
        if tag == b"?":
            untracked.append(os.fsdecode(rest))
        elif rest and tag != b"S":
            words, _, path = rest.partition(b"\t")
            mode, blob, stage = words.split(b" ")
            entries.append(_entry(mode, blob, stage, path))
    return entries, untracked


def _nanoseconds(text: bytes) -> int:
    seconds, _, rest = text.partition(b":")
    return int(seconds) * 10**9 + int(rest)


def _last_looked(repository: Repository) -> int:
    """When the index was written; a file that was written then or later may have changed unseen."""
    index = dict(repository.environment).get("GIT_INDEX_FILE") or f"{repository.git_dir}/index"
    try:
        return os.stat(index).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _differs(root: str, entry: _Entry, looked: int, *, line_ends: bool = False) -> bool:
    """Whether a file is there and is not, for sure, what the index has."""
    place = f"{root}/{entry.path}"
    try:
        status = os.lstat(place)
    except OSError:
        return False
    if stat.S_ISLNK(status.st_mode):
        target = os.fsencode(os.readlink(place))  # noqa: PTH115
        return entry.mode != _LINK or _hash(entry, target) != entry.blob
    if not stat.S_ISREG(status.st_mode):
        return True
    if status.st_size & 0xFFFFFFFF == entry.size and _untouched(entry, status, looked):
        return False
    try:
        return not _is_blob(place, status.st_size, entry, line_ends=line_ends)
    except OSError:
        return True


def _untouched(entry: _Entry, status: os.stat_result, looked: int) -> bool:
    """Whether a file has the times that it had when git last looked, and had them before that."""
    if entry.times is None:
        return False
    now = (status.st_ctime_ns, status.st_mtime_ns)
    if now == entry.times:
        return now[1] < looked
    # Not every git keeps parts of seconds.
    if any(time % _SECOND for time in entry.times):
        return False
    whole = tuple(time // _SECOND * _SECOND for time in now)
    return whole == entry.times and whole[1] < looked // _SECOND * _SECOND


def _is_blob(place: str, size: int, entry: _Entry, *, line_ends: bool) -> bool:
    with os.fdopen(os.open(place, _FLAGS), "rb", buffering=0) as stream:
        digest = _digest(entry, size)
        while chunk := stream.read(2**20):
            digest.update(chunk)
        if digest.hexdigest() == entry.blob:
            return True
        if not line_ends or size > BLOB_LIMIT:
            return False
        stream.seek(0)
        return _hash(entry, stream.read(size).replace(b"\r\n", b"\n")) == entry.blob


def _hash(entry: _Entry, content: bytes) -> str:
    digest = _digest(entry, len(content))
    digest.update(content)
    return digest.hexdigest()


def _digest(entry: _Entry, size: int) -> hashlib._Hash:
    """What git names a blob by, in the repository's own kind of id."""
    start = b"blob %d\0" % size
    if len(entry.blob) == 64:
        return hashlib.sha256(start)
    return hashlib.sha1(start, usedforsecurity=False)


def _is_file(root: str, path: str) -> bool:
    place = f"{root}/{path}"
    return os.path.lexists(place) and not (os.path.isdir(place) and not os.path.islink(place))  # noqa: PTH112, PTH114
