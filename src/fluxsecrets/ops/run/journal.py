"""Changes to many files that are all made, or none of them, whatever interrupts them.

All new contents, and the old ones, are first written down in the state folder, which git does not see: one
file of contents and a plan with their hashes. A rename makes the two a journal. From then on the whole change
can be completed or taken back, by this process or the next, and the files are replaced one by one. At every
moment each file holds its old or its new content.

The journal holds what goes into the tree and what was there, which can be plain text. So all contents are
encrypted with a key in the user's own folder, see `Box`: what a killed run leaves reveals nothing.

A journal tells fluxsecrets to write files, and a `.git` folder can come with an archive. So a plan is
followed only if this user's fluxsecrets wrote it for this very root (it is authenticated with a key in the
user's folder), and its paths cannot leave the root or enter git's folder (`PlanPath`).

Somebody else may have put a plan where it is read. So anything but a plain relative path, which cannot leave
the plan's folder nor enter git's, is refused by `PlanPath.parse`, by the rules of the operating system.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files.beside import remove_leftovers
from fluxsecrets.files.deadfolders import remove_dead_folders
from fluxsecrets.files.locks import is_named, try_lock
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import PendingWrite, write_atomic, write_batch

from .journalbox import Box
from .results import FileChange
from .statefolder import JOURNAL, Place, claim, journal_key, require_ours

_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{name}{digit}" for name in ("COM", "LPT") for digit in "0123456789¹²³"
}
_NOT_ON_WINDOWS = frozenset('<>:"|?*\\')
_JUNCTION = 0xA0000003  # a folder elsewhere, on Windows: IO_REPARSE_TAG_MOUNT_POINT
_NOT_BELOW = "not a path below the root"
_GIT_NAMES = frozenset({".git", "git~1"})


@dataclass(frozen=True, slots=True)
class PlanPath:
    """A file or folder below a plan's root; made by `parse` alone.

    Attributes:
        parts: its names, from the outermost on.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: object, *, windows: bool = os.name == "nt") -> PlanPath:
        """Read a path relative to the root, with `/`.

        Raises:
            ValueError: it is something else, or leads out of the root or into git's folder.
        """
        if not isinstance(text, str) or not text or "\0" in text:
            raise ValueError(_NOT_BELOW)
        parts = tuple(text.split("/"))
        if not all(_is_plain(part, windows=windows) for part in parts):
            raise ValueError(_NOT_BELOW)
        return cls(parts)

    def __str__(self) -> str:
        """With `/`, as it was read."""
        return "/".join(self.parts)

    def below(self, root: Path) -> Path:
        """The path on disk.

        Raises:
            FileAccessError: it, or a folder above it, is a link: it would be another file.
        """
        path = root
        for part in self.parts:
            path = path / part
            try:
                status = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                reason = (getattr(error, "strerror", None) or "the name is not valid").lower()
                raise FileAccessError(f"cannot be looked at: {reason}", path=str(path)) from None
            if stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", None) == _JUNCTION:
                raise FileAccessError(
                    "is a link, and the interrupted operation was about a file or folder",
                    hint="put back what was there, such as with `git checkout`, or remove the link",
                    path=str(path),
                )
        return path


def _is_plain(part: str, *, windows: bool) -> bool:
    if part in ("", ".", ".."):
        return False
    # As git judges names: case, what Windows drops at the end, and what macOS ignores make no difference.
    shown = "".join(one for one in part if unicodedata.category(one) != "Cf")
    if shown.casefold().split(":")[0].rstrip(" .") in _GIT_NAMES:
        return False
    if not windows:
        return True
    stem = part.partition(".")[0].rstrip(" ").upper()
    return (
        not _NOT_ON_WINDOWS & set(part) and min(part) >= " " and part[-1] not in " ." and stem not in _DEVICES
    )


VERSION = 3
_LIMIT = 2**31
_BATCH = 256
_DRAFT, _DONE, _LOCK = f"{JOURNAL}.draft", f"{JOURNAL}.done", "lock"
_PLAN, _CONTENTS, _MAC = "plan.json", "contents", "plan.mac"
_MAC_CONTEXT = b"fluxsecrets journal\n"
_COMMAND = re.compile(r"[a-z]+(?: [a-z]+)*")


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """An operation that was interrupted.

    Attributes:
        paths: its files, relative to the root with `/`.
    """

    name: str
    root: Path
    details: Mapping[str, object]
    paths: tuple[str, ...]


def apply(
    place: Place,
    name: str,
    changes: Sequence[FileChange],
    details: Mapping[str, object],
    first: Callable[[], None] | None = None,
) -> None:
    """Make changes; on return all of them are done, and on an error none.

    A journal is left only where taking back failed, too, or the process was ended; the error then says so.

    Args:
        place: the work tree that all files are in.
        name: the command that resumes or aborts it; people who find the journal are told it.
        changes: each file once, in the order in which they are replaced; removals come last.
        details: what the command needs to say or do when it is resumed; no values of secrets.
        first: called when the journal is there and before the first file is replaced.

    Raises:
        UsageError: another operation is at work, or was interrupted and has to be ended first.
        FileAccessError: a file is not what it was expected to be, or cannot be written.
    """
    if not changes:
        return
    with _locked(place):
        refuse_pending(place)
        for change in changes:
            _check(change)
        _write_journal(place, name, changes, details)
        try:
            if first is not None:
                first()
            _replace(_read_journal(place), forward=True)
        except FluxsecretsError as error:
            _take_back(place, error)
            raise
        _remove_journal(place.state)


def pending(place: Place) -> PendingOperation | None:
    """The operation that was interrupted in a work tree, or None.

    Raises:
        FileAccessError: the journal cannot be read, was not written by this user's fluxsecrets, or is about
            another folder.
    """
    if not os.path.lexists(place.state / JOURNAL):
        return None
    journal = _read_journal(place)
    paths = tuple(str(entry.path) for entry in journal.entries)
    return PendingOperation(journal.name, journal.root, journal.details, paths)


def refuse_pending(place: Place) -> None:
    """Stop where an operation was interrupted: nothing else may change its files before it is ended.

    Raises:
        UsageError: there is one; it says how to complete it and how to take it back.
    """
    found = pending(place)
    if found is not None:
        raise UsageError(
            f"`fluxsecrets {found.name}` was interrupted here, and {len(found.paths)} files wait for it",
            hint=f"complete it with `fluxsecrets {found.name} --resume`, or take it back with "
            f"`fluxsecrets {found.name} --abort`",
        )


def resume(place: Place) -> PendingOperation:
    """Complete the operation that was interrupted.

    Raises:
        UsageError: nothing was interrupted, or another process works on it.
        FileAccessError: a file was changed since, or cannot be written; the journal stays.
    """
    return _end(place, forward=True)


def abort(place: Place) -> PendingOperation:
    """Take back the operation that was interrupted; raises as `resume` does."""
    return _end(place, forward=False)


def _end(place: Place, *, forward: bool) -> PendingOperation:
    with _locked(place):
        found = pending(place)
        if found is None:
            raise UsageError("nothing was interrupted here", hint="there is nothing to resume or to abort")
        for folder in {(found.root / path).parent for path in found.paths}:
            remove_leftovers(folder)  # of the process that was ended
        remove_dead_folders((str(place.state),))
        _replace(_read_journal(place), forward=forward)
        _remove_journal(place.state)
        return found


def _take_back(place: Place, error: FluxsecretsError) -> None:
    try:
        _replace(_read_journal(place), forward=False)
    except FluxsecretsError:
        name = _read_journal(place).name
        error.hint = (
            f"some files are changed and some are not; each can be read. When the reason is fixed, "
            f"`fluxsecrets {name} --resume` completes it, and `fluxsecrets {name} --abort` takes it back"
        )
        return
    _remove_journal(place.state)


# The journal on disk.


@dataclass(frozen=True, slots=True)
class _Content:
    """A content in the journal: its number, its place in the file of contents, and its hash; see `Box`."""

    number: int
    start: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class _Entry:
    path: PlanPath
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
    made_folders: tuple[PlanPath, ...]
    box: Box


def _write_journal(
    place: Place, name: str, changes: Sequence[FileChange], details: Mapping[str, object]
) -> None:
    state, root = place.state, place.root
    draft = state / _DRAFT
    key = journal_key(make=True)
    assert key is not None  # noqa: S101 - it was made
    box = Box.make(key)
    contents = bytearray()
    numbers = count()

    def keep(data: bytes | None) -> dict[str, object] | None:
        if data is None:
            return None
        number, start = next(numbers), len(contents)
        contents.extend(box.seal(number, data))
        length = len(contents) - start
        return {"number": number, "start": start, "length": length, "digest": box.digest(data)}

    files = [
        {
            "path": _plan_path(change.path, place),
            "mode": _mode(change),
            "old": keep(change.old_data),
            "new": keep(change.new),
        }
        for change in changes
    ]
    plan = {
        "version": VERSION,
        "name": name,
        "root": str(root),
        "salt": box.salt.hex(),
        "details": dict(details),
        "files": files,
        "folders": _missing_folders(changes, place),
    }
    data = json.dumps(plan).encode()
    with _reported("the journal could not be written", state, "nothing was changed"):
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        try:
            write_atomic(draft / _CONTENTS, bytes(contents))
            write_atomic(draft / _PLAN, data)
            write_atomic(draft / _MAC, _mac(key, data))
            draft.rename(state / JOURNAL)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)  # a full disk needs the space
            raise
        _sync(state)


def _mode(change: FileChange) -> int | None:
    """What a file that is made anew gets; one that is removed, when that is taken back."""
    return stat.S_IMODE(change.path.stat().st_mode) & 0o777 if change.new is None else change.mode


def _plan_path(path: Path, place: Place) -> str:
    """A path as the plan holds it; one that could not be read back is refused here."""
    text = path.relative_to(place.root).as_posix()
    try:
        PlanPath.parse(text)
    except ValueError:
        raise FileAccessError("belongs to git, or its name is not portable", path=str(path)) from None
    return text


def _mac(key: bytes, plan: bytes) -> bytes:
    return hmac.digest(key, _MAC_CONTEXT + plan, "sha256").hex().encode()


def _missing_folders(changes: Sequence[FileChange], place: Place) -> list[str]:
    """Folders that new files need, the outer ones first."""
    missing: dict[str, None] = {}
    for change in changes:
        if change.new is not None:
            above = [folder for folder in change.path.parents if folder.is_relative_to(place.root)]
            for folder in reversed(above):
                if not folder.is_dir():
                    missing[_plan_path(folder, place)] = None
    return list(missing)


def _read_journal(place: Place) -> _Journal:
    """The journal of a place, authenticated; its paths are below the root, and none is behind a link."""
    folder = place.state / JOURNAL
    for each in (place.state, folder):
        require_ours(each)
    data = read_file(folder / _PLAN, limit=_LIMIT).data
    key = _authenticate(folder, data)
    try:
        journal = _parse(folder, data, key)
    except (ValueError, KeyError, TypeError):
        raise _damaged(folder) from None
    if journal.root != place.root:
        raise FileAccessError(
            f"the journal of an interrupted operation is about another folder, {str(journal.root)!a}",
            hint="move the work tree back to there; or compare its files with git, then remove this folder",
            path=str(folder),
        )
    for path in (*(entry.path for entry in journal.entries), *journal.made_folders):
        found = path.below(place.root)
        if place.git_dir is not None and found.is_relative_to(place.git_dir):
            raise _damaged(folder)
    return journal


def _authenticate(folder: Path, plan: bytes) -> bytes:
    """Make sure that this user's fluxsecrets wrote a plan; the key that shows it is returned."""
    key = journal_key(make=False)
    given = read_file(folder / _MAC, limit=2**10).data if os.path.lexists(folder / _MAC) else b""
    if key is None or not hmac.compare_digest(given, _mac(key, plan)):
        raise FileAccessError(
            "the journal of an interrupted operation is not one that your fluxsecrets wrote",
            hint="it came with the folder, or another user, machine or version began it: look at "
            f"{_PLAN} in it, compare the files that it names with git, then remove this folder",
            path=str(folder),
        )
    return key


def _parse(folder: Path, data: bytes, key: bytes) -> _Journal:
    plan = json.loads(data)
    if plan["version"] != VERSION:
        raise FileAccessError(
            f"the journal has version {plan['version']}, and this fluxsecrets knows {VERSION}",
            hint="end the operation with the version of fluxsecrets that began it",
            path=str(folder),
        )
    name, details = plan["name"], plan["details"]
    if not (isinstance(name, str) and _COMMAND.fullmatch(name) and isinstance(details, dict)):
        raise TypeError
    entries = tuple(
        _Entry(
            PlanPath.parse(item["path"]),
            _checked_mode(item["mode"]),
            _content(item["old"]),
            _content(item["new"]),
        )
        for item in plan["files"]
    )
    made = tuple(PlanPath.parse(path) for path in plan["folders"])
    box = Box.of(key, bytes.fromhex(plan["salt"]))
    return _Journal(folder, name, Path(plan["root"]), details, entries, made, box)


def _damaged(folder: Path) -> FileAccessError:
    return FileAccessError(
        "the journal of an interrupted operation is damaged",
        hint="compare the work tree with git, then remove this folder",
        path=str(folder),
    )


def _checked_mode(mode: object) -> int | None:
    if mode is None or (type(mode) is int and 0 <= mode <= 0o777):
        return mode
    raise TypeError


def _content(data: dict[str, object] | None) -> _Content | None:
    if data is None:
        return None
    number, start, length, digest = data["number"], data["start"], data["length"], data["digest"]
    if not (isinstance(number, int) and isinstance(start, int) and isinstance(length, int)):
        raise TypeError
    if not isinstance(digest, str):
        raise TypeError
    return _Content(number, start, length, digest)


def _remove_journal(state: Path) -> None:
    """The rename ends the operation; what is deleted after it no longer means anything."""
    done = state / _DONE
    hint = "all files are done; fix the reason, then run it again with --resume"
    with _reported("the journal could not be removed", state, hint):
        if done.exists():
            shutil.rmtree(done)
        (state / JOURNAL).rename(done)
        _sync(state)
    shutil.rmtree(done, ignore_errors=True)


def remove_remains(state: Path) -> None:
    """Delete drafts and ended journals that killed runs left, unless a run is at work there."""
    with suppress(FluxsecretsError, OSError), _locked(Place(state.parent, state, state.parent)):
        for name in (_DRAFT, _DONE):
            shutil.rmtree(state / name, ignore_errors=True)


@contextmanager
def _reported(what: str, path: Path, hint: str | None = None) -> Iterator[None]:
    """Raise the system's errors as FileAccessError that says what failed."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise FileAccessError(f"{what}: {reason}", hint=hint, path=str(path)) from None


def _sync(folder: Path) -> None:
    """Make renames in a folder durable; not every system can."""
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
    if content != change.old_data:
        raise FileAccessError(
            "was changed while its new content was being made" if content is not None else "is gone",
            hint="run the command again",
            path=str(change.path),
        )


def _replace(journal: _Journal, *, forward: bool) -> None:
    """Give every file its new content, or its old one back; files that have it already are left alone."""
    waiting = _waiting(journal, forward=forward)
    contents = read_file(journal.folder / _CONTENTS, limit=_LIMIT).data
    if forward:
        _make_folders(journal)
    writes = [
        PendingWrite(path, _data(journal, contents, goal), mode)
        for path, goal, mode in waiting
        if goal is not None
    ]
    for start in range(0, len(writes), _BATCH):
        for result in write_batch(writes[start : start + _BATCH]):
            if result.error is not None:
                raise result.error
    for path, goal, _ in waiting:
        if goal is None:
            _remove(path)
    if not forward:
        for name in reversed(journal.made_folders):
            with suppress(OSError):  # somebody put something there
                name.below(journal.root).rmdir()


def _waiting(journal: _Journal, *, forward: bool) -> list[tuple[Path, _Content | None, int | None]]:
    """The files to replace, with their content and mode.

    All are checked before the first is replaced: one that somebody changed since then stops everything.
    """
    waiting = []
    for entry in journal.entries:
        path = entry.path.below(journal.root)
        goal, other = (entry.new, entry.old) if forward else (entry.old, entry.new)
        digest = _digest(journal.box, path)
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


def _data(journal: _Journal, contents: bytes, content: _Content) -> bytes:
    part = contents[content.start : content.start + content.length]
    try:
        data = journal.box.open(content.number, part)
    except ValueError:
        raise _damaged(journal.folder) from None
    if journal.box.digest(data) != content.digest:
        raise _damaged(journal.folder)
    return data


def _digest(box: Box, path: Path) -> str | None:
    if not os.path.lexists(path):
        return None
    return box.digest(read_file(path, limit=_LIMIT).data)


def _digest_of(content: _Content | None) -> str | None:
    return content.digest if content is not None else None


def _make_folders(journal: _Journal) -> None:
    for name in journal.made_folders:
        path = name.below(journal.root)
        with _reported("the folder could not be made", path):
            path.mkdir(exist_ok=True)


def _remove(path: Path) -> None:
    with _reported("could not be removed", path):
        path.unlink(missing_ok=True)
    _sync(path.parent)


# One operation at a time.


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Hold the state folder's lock; it ends with the process, however that ends.

    Raises:
        UsageError: another process holds it.
        FileAccessError: the folder is not ours, or cannot be made or written.
    """
    state = place.state
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    with _reported("the folder for what is under way could not be written", state, "nothing was changed"):
        claim(state)
        descriptor = os.open(state / _LOCK, flags, 0o600)
    try:
        if not try_lock(descriptor) or not is_named(descriptor, state / _LOCK):
            raise UsageError(
                "another fluxsecrets is changing files in this work tree", hint="wait until it is done"
            )
        try:
            yield
        finally:
            if place.git_dir is None:
                _leave_nothing(state)
    finally:
        os.close(descriptor)


def _leave_nothing(state: Path) -> None:
    """Trees without git come and go: their folder does too, unless something is under way or was logged."""
    if not os.path.lexists(state / JOURNAL):
        with suppress(OSError):
            (state / _LOCK).unlink()
            state.rmdir()
