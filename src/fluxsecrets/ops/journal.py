"""Changes to many files that are made all or none, whatever interrupts them.

All new contents, and the old ones, are first written down in the state folder, which git does not see: one
file of contents and a plan with their hashes. A rename makes the two a journal, and from then on the whole
change can be completed or taken back, by this process or the next. Only then the first file is replaced,
each atomically. Each file holds its old or its new content at every moment.

What is written down is what goes into the tree and what was there: ciphertext and configuration, and plain
text only where a file of the tree held it anyway. It is readable for its owner alone, and gone at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files import (
    PendingWrite,
    read_file,
    remove_leftovers,
    resolve_inside,
    try_lock,
    write_atomic,
    write_batch,
)
from fluxsecrets.ops.interrupted import STATE_NAME
from fluxsecrets.repo.git import Repository

VERSION = 1
_LIMIT = 2**31
_BATCH = 256
_JOURNAL, _DRAFT, _LOCK = "journal", "journal.draft", "lock"
_PLAN, _CONTENTS = "plan.json", "contents"

Progress = Callable[[int, int], None]
"""Told after each batch: files done, files in all."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of an operation.

    Attributes:
        path: absolute, links resolved, below the operation's root.
        new: its new content; None removes it.
        expected: what it holds now; None where it must not be there.
        mode: permission bits of a new file; None keeps the old file's, or is 0o600.
    """

    path: Path
    new: bytes | None = field(repr=False)
    expected: bytes | None = field(repr=False)
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of many files.

    Attributes:
        name: the command, such as `rotate`; whoever finds the journal is told it.
        root: absolute path of the folder that all files are in.
        changes: each file once, in the order in which they are replaced; removals come last.
        details: what the command needs to say or do when it is resumed; no values of secrets.
    """

    name: str
    root: Path
    changes: tuple[FileChange, ...]
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """An operation that was interrupted.

    Attributes:
        name, root, details: those of the operation.
        paths: its files, relative to the root with `/`.
    """

    name: str
    root: Path
    details: Mapping[str, object]
    paths: tuple[str, ...]


def state_folder(root: Path, repository: Repository | None) -> Path:
    """Where fluxsecrets keeps what concerns one work tree and is not to be committed."""
    return repository.git_dir / "fluxsecrets" if repository is not None else root / STATE_NAME


def apply(state: Path, operation: Operation, progress: Progress | None = None) -> None:
    """Make a change; on return all of it is done, and on an error none of it.

    Only where even taking it back failed, or the process was ended, a journal is left, and the error says so.

    Args:
        state: the state folder; it need not exist.
        operation: what to change.
        progress: told how far it is.

    Raises:
        UsageError: another operation is at work, or was interrupted and has to be ended first.
        FileAccessError: a file is not what it was expected to be, or cannot be written.
    """
    if not operation.changes:
        return
    with _locked(state):
        refuse_pending(state)
        for change in operation.changes:
            _check(change)
        _write_journal(state, operation)
        try:
            _replace(_read_journal(state), forward=True, progress=progress)
        except FluxsecretsError as error:
            _take_back(state, error)
            raise
        _remove_journal(state)


def pending(state: Path) -> PendingOperation | None:
    """The operation that was interrupted in a work tree, or None.

    Raises:
        FileAccessError: the journal cannot be read.
    """
    if not (state / _JOURNAL).is_dir():
        return None
    journal = _read_journal(state)
    paths = tuple(entry.path for entry in journal.entries)
    return PendingOperation(journal.name, journal.root, journal.details, paths)


def refuse_pending(state: Path) -> None:
    """Stop where an operation was interrupted: nothing else may change its files before it is ended.

    Raises:
        UsageError: there is one; it says how to complete it and how to take it back.
    """
    found = pending(state)
    if found is not None:
        raise UsageError(
            f"`fluxsecrets {found.name}` was interrupted here, and {len(found.paths)} files wait for it",
            hint=f"complete it with `fluxsecrets {found.name} --resume`, or take it back with --abort",
        )


def resume(state: Path, progress: Progress | None = None) -> PendingOperation:
    """Complete the operation that was interrupted.

    Raises:
        UsageError: there is none, or another process is at it.
        FileAccessError: a file was changed since, or cannot be written; the journal stays.
    """
    return _end(state, forward=True, progress=progress)


def abort(state: Path, progress: Progress | None = None) -> PendingOperation:
    """Take back the operation that was interrupted; raises as `resume` does."""
    return _end(state, forward=False, progress=progress)


def _end(state: Path, *, forward: bool, progress: Progress | None) -> PendingOperation:
    with _locked(state):
        found = pending(state)
        if found is None:
            raise UsageError("nothing was interrupted here", hint="there is nothing to resume or to abort")
        for folder in {(found.root / path).parent for path in found.paths}:
            remove_leftovers(folder)  # of the process that was ended
        _replace(_read_journal(state), forward=forward, progress=progress)
        _remove_journal(state)
        return found


def _take_back(state: Path, error: FluxsecretsError) -> None:
    try:
        _replace(_read_journal(state), forward=False, progress=None)
    except FluxsecretsError:
        name = _read_journal(state).name
        error.hint = (
            f"some files are changed and some are not; each can be read. When the reason is mended, "
            f"`fluxsecrets {name} --resume` completes it, and --abort takes it back"
        )
        return
    _remove_journal(state)


# The journal on disk.


@dataclass(frozen=True, slots=True)
class _Content:
    """A content in the journal: where it stands in the file of contents, and its hash."""

    start: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    mode: int | None
    old: _Content | None
    new: _Content | None


@dataclass(frozen=True, slots=True)
class _Journal:
    folder: Path
    name: str
    root: Path
    details: Mapping[str, object]
    entries: tuple[_Entry, ...]
    made_folders: tuple[str, ...]


def _write_journal(state: Path, operation: Operation) -> None:
    draft = state / _DRAFT
    contents = bytearray()

    def keep(data: bytes | None) -> dict[str, object] | None:
        if data is None:
            return None
        start = len(contents)
        contents.extend(data)
        return {"start": start, "length": len(data), "sha256": sha256(data).hexdigest()}

    files = [
        {
            "path": change.path.relative_to(operation.root).as_posix(),
            "mode": _mode(change),
            "old": keep(change.expected),
            "new": keep(change.new),
        }
        for change in operation.changes
    ]
    plan = {
        "version": VERSION,
        "name": operation.name,
        "root": str(operation.root),
        "details": dict(operation.details),
        "files": files,
        "folders": _missing_folders(operation),
    }
    try:
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        write_atomic(draft / _CONTENTS, bytes(contents))
        write_atomic(draft / _PLAN, json.dumps(plan).encode())
        draft.rename(state / _JOURNAL)
        _sync(state)
    except OSError as error:
        raise FileAccessError(
            f"the journal could not be written: {os.strerror(error.errno or 0).lower()}",
            hint="nothing was changed",
            path=str(state),
        ) from None


def _mode(change: FileChange) -> int | None:
    """What a file that is made anew gets; one that is removed, when that is taken back."""
    return stat.S_IMODE(change.path.stat().st_mode) if change.new is None else change.mode


def _missing_folders(operation: Operation) -> list[str]:
    """Folders that new files need, the outer ones first."""
    missing: dict[str, None] = {}
    for change in operation.changes:
        if change.new is not None:
            above = [folder for folder in change.path.parents if folder.is_relative_to(operation.root)]
            for folder in reversed(above):
                if not folder.is_dir():
                    missing[folder.relative_to(operation.root).as_posix()] = None
    return list(missing)


def _read_journal(state: Path) -> _Journal:
    folder = state / _JOURNAL
    try:
        plan = json.loads(read_file(folder / _PLAN, limit=_LIMIT).data)
        if plan["version"] != VERSION:
            raise FileAccessError(
                f"the journal has version {plan['version']}, and this fluxsecrets knows {VERSION}",
                hint="end the operation with the version of fluxsecrets that began it",
                path=str(folder),
            )
        entries = tuple(
            _Entry(item["path"], item["mode"], _content(item["old"]), _content(item["new"]))
            for item in plan["files"]
        )
        made = tuple(plan["folders"])
        return _Journal(folder, plan["name"], Path(plan["root"]), plan["details"], entries, made)
    except (ValueError, KeyError, TypeError):
        raise FileAccessError(
            "the journal of an interrupted operation is damaged",
            hint="compare the work tree with git, then remove this folder",
            path=str(folder),
        ) from None


def _content(data: dict[str, object] | None) -> _Content | None:
    if data is None:
        return None
    start, length, digest = data["start"], data["length"], data["sha256"]
    if not (isinstance(start, int) and isinstance(length, int) and isinstance(digest, str)):
        raise TypeError
    return _Content(start, length, digest)


def _remove_journal(state: Path) -> None:
    """The rename ends the operation; what is removed after it has no meaning any more."""
    done = state / f"{_JOURNAL}.done"
    try:
        if done.exists():
            shutil.rmtree(done)
        (state / _JOURNAL).rename(done)
        _sync(state)
    except OSError as error:
        raise FileAccessError(
            f"the journal could not be removed: {os.strerror(error.errno or 0).lower()}",
            hint="all files are done; run it again with --resume when the reason is mended",
            path=str(state),
        ) from None
    shutil.rmtree(done, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Make renames in a folder last; not every system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# The files.


def _check(change: FileChange) -> None:
    try:
        content: bytes | None = read_file(change.path, limit=_LIMIT).data
    except FileAccessError:
        if os.path.lexists(change.path):
            raise
        content = None
    if content != change.expected:
        raise FileAccessError(
            "was changed while its new content was being made" if content is not None else "is gone",
            hint="run the command again",
            path=str(change.path),
        )


def _replace(journal: _Journal, *, forward: bool, progress: Progress | None) -> None:
    """Bring every file to its new, or back to its old, content; those that have it already are left alone."""
    waiting = _waiting(journal, forward=forward)
    contents = read_file(journal.folder / _CONTENTS, limit=_LIMIT).data
    if forward:
        _make_folders(journal)
    writes = [
        PendingWrite(path, _data(contents, goal), mode) for path, goal, mode in waiting if goal is not None
    ]
    for start in range(0, len(writes), _BATCH):
        batch = writes[start : start + _BATCH]
        for result in write_batch(batch):
            if result.error is not None:
                raise result.error
        if progress is not None:
            progress(start + len(batch), len(waiting))
    for path, goal, _ in waiting:
        if goal is None:
            _remove(path)
    if not forward:
        for name in reversed(journal.made_folders):
            with suppress(OSError):  # somebody put something there
                (journal.root / name).rmdir()


def _waiting(journal: _Journal, *, forward: bool) -> list[tuple[Path, _Content | None, int | None]]:
    """The files that have to be touched, with their content and mode.

    All are looked at before the first is replaced: one that somebody changed since then stops everything.
    """
    waiting = []
    for entry in journal.entries:
        path = resolve_inside(journal.root / entry.path, journal.root)
        goal, other = (entry.new, entry.old) if forward else (entry.old, entry.new)
        digest = _digest(path)
        if digest == _digest_of(goal):
            continue
        if digest != _digest_of(other):
            raise FileAccessError(
                "was changed since the operation was interrupted",
                hint="put back the content from before or from after it, such as with `git checkout`",
                path=str(path),
            )
        waiting.append((path, goal, entry.mode))
    return waiting


def _data(contents: bytes, content: _Content) -> bytes:
    data = contents[content.start : content.start + content.length]
    if sha256(data).hexdigest() != content.digest:
        raise FileAccessError(
            "the journal of an interrupted operation is damaged",
            hint="compare the work tree with git, then remove the journal's folder",
        )
    return data


def _digest(path: Path) -> str | None:
    if not os.path.lexists(path):
        return None
    return sha256(read_file(path, limit=_LIMIT).data).hexdigest()


def _digest_of(content: _Content | None) -> str | None:
    return content.digest if content is not None else None


def _make_folders(journal: _Journal) -> None:
    for name in journal.made_folders:
        path = journal.root / name
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise FileAccessError(
                f"the folder could not be made: {os.strerror(error.errno or 0).lower()}", path=str(path)
            ) from None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise FileAccessError(
            f"could not be removed: {os.strerror(error.errno or 0).lower()}", path=str(path)
        ) from None
    _sync(path.parent)


# One operation at a time.


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Hold the state folder's lock; a process that ends gives it up, however it ends.

    Raises:
        UsageError: another process has it.
        FileAccessError: the folder cannot be made or written.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(state / _LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as error:
        raise FileAccessError(
            f"the folder for what is under way could not be written: {os.strerror(error.errno or 0).lower()}",
            hint="nothing was changed",
            path=str(state),
        ) from None
    try:
        if not try_lock(descriptor) or not _is_lock(descriptor, state / _LOCK):
            raise UsageError(
                "another fluxsecrets is changing files in this work tree", hint="wait until it is done"
            )
        try:
            yield
        finally:
            _leave_nothing(state)
    finally:
        os.close(descriptor)


def _leave_nothing(state: Path) -> None:
    """Outside of git, where anybody sees the folder, it is gone when nothing is under way."""
    if state.name == STATE_NAME and not (state / _JOURNAL).exists():
        shutil.rmtree(state, ignore_errors=True)


def _is_lock(descriptor: int, path: Path) -> bool:
    """Whether a lock that was got is still the one that others look for."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
