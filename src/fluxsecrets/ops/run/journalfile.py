"""The journal on disk: a plan, its MAC, and the old and new contents of files, encrypted.

A journal tells fluxsecrets to write files, and a `.git` folder can come with an archive. So a plan is
followed only if this user's fluxsecrets wrote it for this very root (it is authenticated with a key in the
user's folder), and its paths cannot leave the root or enter git's folder (`PlanPath`).
"""

from __future__ import annotations

import hmac
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import system
from fluxsecrets.files.reading import read_file, require_regular, translated
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.files.writing import PendingWrite, write_batch
from fluxsecrets.records import dataclass

from .journalbox import Box
from .journaldraft import Draft, Drafted
from .planpath import PlanPath
from .results import FileChange
from .runlock import RunInfo
from .statefolder import JOURNAL, Place, journal_key, require_ours

VERSION = 3
LIMIT = 2**31
"""Most bytes of a file that is changed, and of a journal."""

_DRAFT, _DONE = f"{JOURNAL}.draft", f"{JOURNAL}.done"
_PLAN, _CONTENTS, _MAC = "plan.json", "contents", "plan.mac"
_MAC_CONTEXT = b"fluxsecrets journal\n"
_COMMAND = re.compile(r"[a-z]+(?: [a-z]+)*")


@dataclass(frozen=True, slots=True)
class Content:
    """A content in the journal: its number, its place in the file of contents, and its hash; see `Box`."""

    number: int
    start: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the plan.

    Attributes:
        mode: what it gets if it is made anew.
        old: None if it did not exist.
        new: None if it is removed.
    """

    path: PlanPath
    mode: int | None
    old: Content | None
    new: Content | None


@dataclass(frozen=True, slots=True)
class Journal:
    """A plan that was read and authenticated.

    Attributes:
        begun: who began it, and when.
        made_folders: those that new files need, the outer ones first.
    """

    folder: Path
    begun: RunInfo
    root: Path
    details: Mapping[str, object]
    entries: tuple[Entry, ...]
    made_folders: tuple[PlanPath, ...]
    box: Box

    @property
    def name(self) -> str:
        """The command."""
        return self.begun.command

    @contextmanager
    def contents(self) -> Iterator[int]:
        """Open the file of contents, for `data`, which takes from it what it needs: it may be large.

        Raises:
            FileAccessError: it can't be opened, or is not a regular file.
        """
        path = self.folder / _CONTENTS
        with translated(path, "read"):
            descriptor = os.open(path, os.O_RDONLY | system.SAFE_FLAGS | system.O_NOFOLLOW)
        try:
            require_regular(path, os.fstat(descriptor), "read")
            yield descriptor
        finally:
            os.close(descriptor)

    def data(self, contents: int, content: Content) -> bytes:
        """One content.

        Args:
            contents: see there; processes that are forked from this one may share it.
            content: which one.

        Raises:
            FileAccessError: it is damaged, or can't be read.
        """
        with translated(self.folder / _CONTENTS, "read"):
            part = _read_at(contents, content.start, content.length)
        try:
            data = self.box.open(content.number, part)
        except ValueError:
            raise _damaged(self.folder) from None
        if self.box.digest(data) != content.digest:
            raise _damaged(self.folder)
        return data


def _read_at(descriptor: int, start: int, length: int) -> bytes:
    """The bytes of a file from a place on; fewer where it ends before."""
    if hasattr(os, "pread"):
        part = os.pread(descriptor, length, start)
        if len(part) == length:
            return part
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(start)
        return file.read(length)


def write_journal(
    place: Place,
    begun: RunInfo,
    changes: Sequence[FileChange],
    old: Iterable[bytes | Drafted | None],
    details: Mapping[str, object],
    draft: Draft | None = None,
) -> None:
    """Write down a change of files. From its last step on the change can be completed and taken back.

    Args:
        place: the work tree.
        begun: who begins it.
        changes: each file once.
        old: what these files hold, None for those that do not exist, or what the draft has of them; each is
            taken once.
        details: see `journal.apply`.
        draft: contents that are encrypted already.

    Raises:
        FileAccessError: it can't be written, or a path can't be in a plan; nothing was changed.
    """
    state, root = place.state, place.root
    folder = state / _DRAFT
    key = journal_key(make=True)
    assert key is not None  # noqa: S101 - it was made
    draft = draft or Draft(key)
    files = [
        {
            "path": _plan_path(change.path, place),
            "mode": _mode(change),
            "old": data.old if isinstance(data, Drafted) else draft.keep(data),
            "new": data.new if isinstance(data, Drafted) else draft.keep(change.new),
        }
        for change, data in zip(changes, old, strict=True)
    ]
    plan = {
        "version": VERSION,
        "begun": begun.data(),
        "root": str(root),
        "salt": draft.box.salt.hex(),
        "details": dict(details),
        "files": files,
        "folders": _missing_folders(changes, place),
    }
    data = json.dumps(plan).encode()
    with reported("nothing was changed: the journal could not be written", state):
        if folder.exists():
            _delete(folder)
        folder.mkdir(mode=0o700)
        try:
            _write_all(folder, {_CONTENTS: draft.contents(), _PLAN: data, _MAC: _mac(key, data)})
            folder.rename(state / JOURNAL)
        except BaseException:
            _delete(folder, ignore_errors=True)  # a full disk needs the space
            raise
        sync(state)


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a journal into its new folder; they share the folder's sync.

    Raises:
        OSError, FileAccessError: the first error; the system's own is for `reported`.
    """
    writes = [PendingWrite(folder / name, data, new=True) for name, data in files.items()]
    for result in write_batch(writes):
        if result.error is not None:
            cause = result.error.__cause__
            raise cause if isinstance(cause, OSError) else result.error


def _mode(change: FileChange) -> int | None:
    """What a file that is made anew gets; one that is removed, when that is taken back."""
    return stat.S_IMODE(change.path.stat().st_mode) & 0o777 if change.new is None else change.mode


def _plan_path(path: Path, place: Place) -> str:
    """A path as the plan holds it; one that could not be read back is refused here."""
    whole, root = str(path), f"{place.root}{os.sep}"
    if whole.startswith(root):  # most files; the rest says the same
        text = whole[len(root) :].replace(os.sep, "/")
    else:
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
    for folder in dict.fromkeys(change.path.parent for change in changes if change.new is not None):
        if os.path.isdir(folder):  # noqa: PTH112 - and so are those above it
            continue
        above = [each for each in (folder, *folder.parents) if each.is_relative_to(place.root)]
        for each in reversed(above):
            if not each.is_dir():
                missing[_plan_path(each, place)] = None
    return list(missing)


def read_journal(place: Place) -> Journal:
    """The journal of a place, authenticated; its paths are below the root, and none is in git's folder.

    Raises:
        FileAccessError: it cannot be read, was not written by this user's fluxsecrets, or is about another
            folder.
    """
    folder = place.state / JOURNAL
    for each in (place.state, folder):
        require_ours(each)
    data = read_file(folder / _PLAN, limit=LIMIT).data
    key = _authenticate(folder, data)
    try:
        journal = _parse(folder, data, key)
    except (ValueError, KeyError, TypeError):
        raise _damaged(folder) from None
    if journal.root != place.root:
        raise FileAccessError(
            f"the journal of an interrupted operation is about another folder, {str(journal.root)!a}",
            hint=f"move the work tree back to there; or compare its files with git, then {_OR_ASIDE}",
            path=str(folder),
        )
    if place.git_dir is not None and place.git_dir.is_relative_to(place.root):
        git = _names(place.git_dir.relative_to(place.root).parts)
        for path in (*(entry.path for entry in journal.entries), *journal.made_folders):
            if _names(path.parts[: len(git)]) == git:
                raise _damaged(folder)
    return journal


def _names(parts: Sequence[str]) -> list[str]:
    """Names of a path, for comparing, as the system does."""
    return [os.path.normcase(part) for part in parts]


_OR_ASIDE = "remove this folder, or put it aside with `fluxsecrets recover --leave`"


def _authenticate(folder: Path, plan: bytes) -> bytes:
    """Make sure that this user's fluxsecrets wrote a plan; the key that shows it is returned."""
    key = journal_key(make=False)
    given = read_file(folder / _MAC, limit=2**10).data if os.path.lexists(folder / _MAC) else b""
    if key is None or not hmac.compare_digest(given, _mac(key, plan)):
        raise FileAccessError(
            "the journal of an interrupted operation is not one that your fluxsecrets wrote",
            hint="it came with the folder, or another user, machine or version began it: look at "
            f"{_PLAN} in it, compare the files that it names with git, then {_OR_ASIDE}",
            path=str(folder),
        )
    return key


def _parse(folder: Path, data: bytes, key: bytes) -> Journal:
    plan = json.loads(data)
    if plan["version"] != VERSION:
        raise FileAccessError(
            f"the journal has version {plan['version']}, and this fluxsecrets knows {VERSION}",
            hint="end the operation with the version of fluxsecrets that began it, or compare the files with "
            f"git, then {_OR_ASIDE}",
            path=str(folder),
        )
    begun, details = RunInfo.parse(plan["begun"]), plan["details"]
    if not (_COMMAND.fullmatch(begun.command) and isinstance(details, dict)):
        raise TypeError
    entries = tuple(
        Entry(
            PlanPath.parse(item["path"]),
            _checked_mode(item["mode"]),
            _content(item["old"]),
            _content(item["new"]),
        )
        for item in plan["files"]
    )
    made = tuple(PlanPath.parse(path) for path in plan["folders"])
    box = Box.of(key, bytes.fromhex(plan["salt"]))
    return Journal(folder, begun, Path(plan["root"]), details, entries, made, box)


def _damaged(folder: Path) -> FileAccessError:
    return FileAccessError(
        "the journal of an interrupted operation is damaged",
        hint=f"compare the work tree with git, then {_OR_ASIDE}",
        path=str(folder),
    )


def _checked_mode(mode: object) -> int | None:
    if mode is None or (type(mode) is int and 0 <= mode <= 0o777):
        return mode
    raise TypeError


def _content(data: dict[str, object] | None) -> Content | None:
    if data is None:
        return None
    number, start, length, digest = data["number"], data["start"], data["length"], data["digest"]
    if not (
        isinstance(number, int)
        and isinstance(start, int)
        and isinstance(length, int)
        and isinstance(digest, str)
    ):
        raise TypeError
    return Content(number, start, length, digest)


def remove_journal(state: Path) -> None:
    """The rename ends the operation; what is deleted after it no longer means anything."""
    done = state / _DONE
    hint = "all files are done; fix the reason, then run `fluxsecrets recover`"
    with reported("the journal could not be removed", state, hint):
        if done.exists():
            _delete(done)
        (state / JOURNAL).rename(done)
        sync(state)
    _delete(done, ignore_errors=True)


def delete_remains(state: Path) -> None:
    """Delete drafts and ended journals that killed runs left; the caller holds the lock."""
    for name in (_DRAFT, _DONE):
        if os.path.lexists(state / name):
            _delete(state / name, ignore_errors=True)


def _delete(folder: Path, *, ignore_errors: bool = False) -> None:
    """Delete the folder of a journal, and whatever is in it."""
    with suppress(OSError):  # something else is in it, or it is a link
        if not folder.is_symlink():
            for name in (_CONTENTS, _PLAN, _MAC):
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
            return
    import shutil  # it takes longer to import than all else that is done here

    shutil.rmtree(folder, ignore_errors=ignore_errors)


@contextmanager
def reported(what: str, path: Path, hint: str | None = None) -> Iterator[None]:
    """Raise the system's errors as FileAccessError that says what failed."""
    try:
        yield
    except OSError as error:
        reason, advice = reason_of(error)
        raise FileAccessError(f"{what}: {reason}", hint=hint or advice, path=str(path)) from None


def sync(folder: Path) -> None:
    """Make renames in a folder durable; not every system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
