"""Which files of the work tree differ from HEAD, without a `git diff`, which runs configured filters.

git says what is in the index, with the size and times that each file had when git last looked. A file that
still has those is unchanged, as it is for git; any other is hashed here.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Set

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.namedtuples import NamedTuple

from .process import BLOB_LIMIT
from .repository import Repository, split_records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_REGULAR, _LINK = b"100", b"120000"
_SECOND = 10**9
_LARGE = 2**20  # bytes
_FEW = 200
"""Paths that git is asked for by name; it compares each with all files."""
_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"):
    _FLAGS |= getattr(os, _name, 0)

# A record of `git ls-files -z -t --stage --debug`: `H 100644 <id> 0\t<path>\0` and lines, or `? <path>\0`.
_RECORD = re.compile(
    rb"(([A-Za-z]) (\d{6}) ([0-9a-f]{40,64}) ([0-3])\t([^\0]+)\0"
    rb"  ctime: (\d+:\d+)\n  mtime: (\d+:\d+)\n  dev: \d+\tino: \d+\n"
    rb"  uid: \d+\tgid: \d+\n  size: (\d+)\tflags: [0-9a-f]+\n|\? ([^\0]+)\0)"
)


class _Entry(NamedTuple):
    """A file in the index that may not be as git last saw it."""

    path: str
    mode: bytes
    blob: bytes
    stage: bytes


def changed_since_head(repository: Repository, paths: Collection[str] | None = None) -> frozenset[str]:
    """Paths in the work tree that HEAD has not, or may have with other content; untracked ones too.

    No filter of the configuration is applied. A file counts as changed where only its line ends are
    others, or a filter makes other content of it, and it was touched since git last looked.

    Args:
        repository: the repository.
        paths: only of these, which takes less time; None means all.

    Raises:
        GitError: HEAD or the index cannot be read.
    """
    return frozenset(changes_since_head(repository, paths))


def changes_since_head(repository: Repository, paths: Collection[str] | None = None) -> dict[str, str]:
    """Those paths, each with the id of its blob at HEAD, or "" where HEAD does not have it.

    Raises:
        GitError: HEAD or the index cannot be read.
    """
    return _compare(repository, paths).changed


class Comparison(NamedTuple):
    """Some files of the work tree, compared with HEAD and the index.

    Attributes:
        changed: those that HEAD has not, or may have with other content, see `changes_since_head`.
        staged: those of `changed` whose very content is in the index.
    """

    changed: dict[str, str]
    staged: frozenset[str]


def compare_with_head(repository: Repository, paths: Collection[str]) -> Comparison:
    """Compare files with HEAD and the index, in the time that `changed_since_head` takes.

    Raises:
        GitError: HEAD or the index cannot be read.
    """
    found = _compare(repository, frozenset(paths))
    root = str(repository.root)
    other = {
        entry.path for entry in found.listed.touched if entry.path in found.staged and _differs(root, entry)
    }
    staged = (found.staged & found.changed.keys()) - found.listed.untracked - other
    return Comparison(found.changed, frozenset(staged))


class _Compared(NamedTuple):
    """What git says, with what was hashed.

    Attributes:
        changed: see `changes_since_head`.
        staged: paths whose staged content differs from HEAD's, also those that are no longer in the index.
        listed: the files in the index.
    """

    changed: dict[str, str]
    staged: Set[str]
    listed: _Index


def _compare(repository: Repository, paths: Collection[str] | None) -> _Compared:
    index: _Index | FluxsecretsError
    with repository.begun(*_LIST_STAGED) as listing:  # beside the git that lists the index
        try:
            index = _read_index(repository, paths)
        except FluxsecretsError as error:
            index = error  # what is wrong with HEAD comes first
        try:
            staged = _staged(listing())
        except GitError:
            if repository.has_head():  # else there is nothing yet to differ from
                raise
            if isinstance(index, FluxsecretsError):
                index = _Index([], frozenset(paths or ()), frozenset(paths or ()))
            new = dict.fromkeys(repository.files() if paths is None else paths, "")
            return _Compared(new, new.keys(), index)
    if isinstance(index, FluxsecretsError):
        raise index
    root = str(repository.root)
    found = {
        entry.path: entry.blob.decode()
        for entry in index.touched
        if entry.path not in staged and _differs(root, entry)
    }
    # Out of the index, but still there; or staged, or in conflict.
    found |= {path: "" for path in index.untracked if paths is None or _is_file(f"{root}/{path}")}
    found |= {
        path: blob
        for path, blob in staged.items()
        if (paths is None or path in index.wanted) and _is_file(f"{root}/{path}")
    }
    return _Compared(found, staged.keys(), index)


def changed_since_staged(repository: Repository, paths: Collection[str]) -> frozenset[str]:
    """Those of some paths whose working copy is not what the index has, or is gone.

    A working copy that differs in its line ends alone is the same: some settings make git write it so.
    """
    if not paths:
        return frozenset()
    root = str(repository.root)
    index = _read_index(repository, paths)
    changed = {entry.path for entry in index.touched if _differs(root, entry, line_ends=True)}
    return frozenset(changed | index.untracked | {path for path in paths if not _is_file(f"{root}/{path}")})


_LIST_STAGED = ("diff-index", "--cached", "-z", "--no-renames", "--ignore-submodules=all", "HEAD", "--")


def _staged(listing: bytes) -> dict[str, str]:
    """The paths whose staged content differs from HEAD's, with the blob at HEAD or ""."""
    fields = split_records(listing)
    found = {}
    for entry, path in zip(fields[::2], fields[1::2], strict=True):
        mode, _, blob, _, _ = entry.lstrip(":").split(" ")
        found[path] = blob if blob.strip("0") and mode.startswith(_REGULAR.decode()) else ""
    return found


class _Index(NamedTuple):
    """Files by their state in the index.

    Attributes:
        touched: files that are in it and may not be as git last saw them.
        untracked: files that are not in it.
        wanted: the paths that were asked for; empty for all.
    """

    touched: list[_Entry]
    untracked: frozenset[str]
    wanted: frozenset[str]


def _read_index(repository: Repository, paths: Collection[str] | None) -> _Index:
    """Look at the files in the index; with paths at these alone, of which the others are untracked."""
    wanted = frozenset(paths or ())
    arguments = ["ls-files", "-z", "-t", "--stage", "--cached"]
    if paths is None:
        arguments += ["--others", "--exclude-standard"]
    few = sorted(wanted) if len(wanted) <= _FEW else []
    looked = _last_looked(repository)
    listing = repository.run(*arguments, "--debug", "--", *few)
    records = _RECORD.findall(listing)
    if sum(len(record[0]) for record in records) != len(listing):
        # This git prints it differently: hash each file.
        records = _without_times(repository.run(*arguments, "--", *few))
    root = str(repository.root)
    touched: list[_Entry] = []
    untracked: list[str] = []
    known: list[str] = []
    for _, tag, mode, blob, stage, raw, changed, modified, size, other in records:
        path = os.fsdecode(raw or other)
        if other:
            if path[-1] != "/":  # a repository inside the repository
                untracked.append(path)
            continue
        if paths is not None:
            if path not in wanted:
                continue
            known.append(path)
        if tag == b"S" or (mode[:3] != _REGULAR and mode != _LINK):  # sparse, not checked out; a submodule
            continue
        if stage != b"0" or not _is_untouched(f"{root}/{path}", changed, modified, size, looked):
            touched.append(_Entry(path, mode, blob, stage))
    return _Index(touched, frozenset(untracked) | wanted.difference(known), wanted)


def _without_times(listing: bytes) -> list[tuple[bytes, ...]]:
    """The fields of `_RECORD`, of a listing without `--debug`."""
    found = []
    for record in listing.split(b"\0"):
        tag, _, rest = record.partition(b" ")
        if tag == b"?":
            found.append((record, *[b""] * 8, rest))
        elif rest:
            words, _, path = rest.partition(b"\t")
            found.append((record, tag, *words.split(b" "), path, *[b""] * 4))
    return found


def _is_untouched(place: str, changed: bytes, modified: bytes, size: bytes, looked: int) -> bool:
    """Whether a file has the times and size that it had when git last looked, and had them before that.

    One that is gone is untouched: there is nothing to look at.
    """
    try:
        status = os.lstat(place)
    except OSError:
        return True
    now = status.st_mtime_ns
    if b"%d" % (status.st_size & 0xFFFFFFFF) != size:
        return False
    if b"%d:%d" % (now // _SECOND, now % _SECOND) == modified:
        then = status.st_ctime_ns
        return now < looked and b"%d:%d" % (then // _SECOND, then % _SECOND) == changed
    # Not every git keeps parts of seconds.
    return (b"%d:0" % (now // _SECOND), b"%d:0" % (status.st_ctime_ns // _SECOND)) == (
        modified,
        changed,
    ) and now // _SECOND < looked // _SECOND


def _last_looked(repository: Repository) -> int:
    """When the index was written; a file that was written then or later may have changed unseen."""
    index = dict(repository.environment).get("GIT_INDEX_FILE") or f"{repository.git_dir}/index"
    try:
        return os.stat(index).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _differs(root: str, entry: _Entry, *, line_ends: bool = False) -> bool:
    """Whether a file is there and is not, for sure, what the index has."""
    place = f"{root}/{entry.path}"
    try:
        status = os.lstat(place)
        if stat.S_ISLNK(status.st_mode):
            target = os.fsencode(os.readlink(place))  # noqa: PTH115
            return entry.mode != _LINK or _hash(entry, target) != entry.blob
    except OSError:
        return False
    if stat.S_ISDIR(status.st_mode):  # the file is gone
        return False
    if not stat.S_ISREG(status.st_mode) or entry.stage != b"0":
        return True
    try:
        return not _is_blob(place, status.st_size, entry, line_ends=line_ends)
    except OSError:
        return True


def _is_blob(place: str, size: int, entry: _Entry, *, line_ends: bool) -> bool:
    with os.fdopen(os.open(place, _FLAGS), "rb", buffering=0) as stream:
        digest = _digest(entry, size)
        while chunk := stream.read(2**20):
            digest.update(chunk)
        if digest.hexdigest().encode() == entry.blob:
            return True
        if not line_ends or size > BLOB_LIMIT:
            return False
        stream.seek(0)
        return _hash(entry, stream.read(size).replace(b"\r\n", b"\n")) == entry.blob


def _hash(entry: _Entry, content: bytes) -> bytes:
    digest = _digest(entry, len(content))
    digest.update(content)
    return digest.hexdigest().encode()


def _digest(entry: _Entry, size: int) -> Hash:
    """What git names a blob by, in the repository's own kind of id."""
    start = b"blob %d\0" % size
    if size <= _LARGE:  # OpenSSL takes longer to load than to hash hundreds of these
        from fluxsecrets.files.hashing import sha1, sha256

        return sha256(start) if len(entry.blob) == 64 else sha1(start)
    import hashlib

    return hashlib.new("sha256" if len(entry.blob) == 64 else "sha1", start, usedforsecurity=False)


def _is_file(place: str) -> bool:
    try:
        return not stat.S_ISDIR(os.lstat(place).st_mode)
    except OSError:
        return False
