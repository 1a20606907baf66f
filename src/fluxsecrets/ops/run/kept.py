"""Versions of files that an operation could neither complete nor take back, because somebody changed them.

So is what another program saved while a run was killed. All are in the state folder, which neither git nor
Flux sees: of an operation the version from before and the one from after it. Plain text is kept encrypted,
with the key that journals are encrypted with (`open_kept`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files.cameout import SavedMeanwhile
from fluxsecrets.files.private import make_private_folders
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_new
from fluxsecrets.marks import RULES_NAME, SETTINGS_NAME
from fluxsecrets.records import dataclass
from fluxsecrets.repo.encrypted import detect_encryption

from .journalbox import SALT_LENGTH, Box
from .journalfile import LIMIT, Content, Journal
from .settling import Seen
from .statefolder import Place, journal_key

LOCKED = ".locked"
"""The end of the name of a version that is plain text, and is kept encrypted."""

_FOLDER = "kept"
_SECRET = re.compile(rb"""["']?kind["']?\s*:\s*["']?Secret\b""")
_SEALED = re.compile(rb"""["']?kind["']?\s*:\s*["']?SealedSecret\b""")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was left as it is.

    Attributes:
        path: relative to the root with `/`.
        reason: what happened to it.
        before, after: where its versions are; None where it did not exist in that version.
    """

    path: str
    reason: str
    before: Path | None = None
    after: Path | None = None


def keep(place: Place, journal: Journal, files: Iterable[Seen]) -> tuple[Kept, ...]:
    """Write the versions of some files down. Repeating it after a crash changes nothing.

    Raises:
        FileAccessError: they can't be written, or the journal is damaged.
    """
    files = tuple(files)
    if not files:
        return ()
    folder = kept_folder(place, journal)
    with journal.contents() as contents:

        def kept(seen: Seen, content: Content | None, version: str) -> Path | None:
            if content is None:
                return None
            return _write(folder / version, seen.entry.path.parts, journal.data(contents, content))

        return tuple(
            Kept(
                str(seen.entry.path),
                seen.reason,
                kept(seen, seen.entry.old, "before"),
                kept(seen, seen.entry.new, "after"),
            )
            for seen in files
        )


def kept_folder(place: Place, journal: Journal) -> Path:
    """Where `keep` writes the versions of an operation."""
    stamp = re.sub(r"[^0-9]", "", journal.begun.since.partition("+")[0])
    return place.state / _FOLDER / f"{journal.name.replace(' ', '-')}-{stamp}"


def _write(folder: Path, parts: tuple[str, ...], data: bytes) -> Path:
    path = folder.joinpath(*parts)
    if _is_plain(data, path.name):
        key = journal_key(make=True)
        assert key is not None  # noqa: S101 - it was made
        box = Box.make(key)
        path, data = path.with_name(path.name + LOCKED), box.salt + box.seal(0, data)
    make_private_folders(path.parent)
    if not path.exists():
        write_new(path, data)
    return path


def _is_plain(data: bytes, name: str) -> bool:
    """Whether a content may be a secret in plain text; in doubt it is."""
    if name in (RULES_NAME, SETTINGS_NAME) or name.endswith(".pub") or detect_encryption(data, name):
        return False
    return not _SEALED.search(data) or bool(_SECRET.search(data))


def kept_folders(place: Place) -> tuple[Path, ...]:
    """What earlier operations kept, the oldest first, until people delete it."""
    with suppress(OSError):
        return tuple(sorted(path for path in (place.state / _FOLDER).iterdir() if path.is_dir()))
    return ()


def keep_saved(folder: Path, saved: SavedMeanwhile) -> Path | None:
    """Keep what another program saved, and a killed run held.

    Args:
        folder: the run's private folder, in the state folder.
        saved: what it held.

    Returns:
        Where it is; None if the tree holds the same.

    Raises:
        FileAccessError: it can't be written.
    """
    path = Path(saved.shown)
    if path.is_absolute():
        with suppress(FluxsecretsError):
            if read_file(path, limit=len(saved.data)).data == saved.data:
                return None
    return _write(kept_place(folder.parent, "saved-meanwhile"), (path.name,), saved.data)


def kept_place(state: Path, name: str) -> Path:
    """A free name among what is kept in a state folder."""
    number = 1
    while True:
        path = state / _FOLDER / f"{name}-{number}"
        if not path.exists():
            return path
        number += 1


def open_kept(path: Path) -> bytes:
    """A version that was kept, in plain text where it is locked.

    Raises:
        FileAccessError: it can't be read, or another user or machine kept it.
        UsageError: it is not one.
    """
    if not path.name.endswith(LOCKED):
        raise UsageError(
            "it is not locked, so nothing has to open it",
            hint="an encrypted file is opened by `fluxsecrets decrypt`",
            path=str(path),
        )
    data, key = read_file(path, limit=LIMIT).data, journal_key(make=False)
    try:
        return Box.of(key or b"", data[:SALT_LENGTH]).open(0, data[SALT_LENGTH:])
    except ValueError:
        raise FileAccessError(
            "it can't be opened: another user or machine kept it, or it is damaged",
            hint="open it as the user who ended the operation, on the same machine",
            path=str(path),
        ) from None
