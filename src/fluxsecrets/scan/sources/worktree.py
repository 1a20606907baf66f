"""Files of the work tree, or of any folder: those that git tracks or would, or those that were named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError
from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.repo.git import Repository
from fluxsecrets.scan.blob import Blob

from . import SourceFile, pieces

_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOCTTY"):
    _FLAGS |= getattr(os, _name, 0)
_REGULAR, _KIND = 0o100000, 0o170000


def open_file(root: str, path: str, limit: int) -> SourceFile | None:
    """A file, or None for a link or anything else: a link's target is scanned under its own name.

    A file over `limit` bytes comes in pieces.
    """
    try:
        blobs = _blobs(os.path.join(root, path), path, limit)  # noqa: PTH118 - asked for each file
    except OSError as error:
        return SourceFile(path, error=_unreadable(path, error))
    return None if blobs is None else SourceFile(path, blobs)


def not_a_file(place: Path, text: str) -> FluxsecretsError | None:
    """Why a path that somebody named cannot be judged, or None for a regular file or a folder."""
    try:
        mode = place.lstat().st_mode
    except OSError as error:
        return _unreadable(text, error)
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    if stat.S_ISLNK(mode) and place.parts[1:2] not in (("dev",), ("proc",)):  # there, links to pipes
        return FileAccessError(
            "is a symbolic link and was not scanned", hint="name the file that it leads to", path=text
        )
    return FileAccessError(
        "is not a regular file and was not scanned",
        hint="pipe it into `fluxsecrets scan -`",
        path=text,
    )


def encrypted_before(repository: Repository, blobs: Mapping[str, str], limit: int) -> Iterator[str]:
    """Those of some files whose blobs at HEAD are encrypted."""
    contents = repository.read_objects(blobs.values(), limit=limit)
    for path, (_, _, data) in zip(blobs, contents, strict=True):
        if data is not None and SIGN_BYTES in data:
            from fluxsecrets.repo.encrypted import detect_encryption

            if detect_encryption(data, path) is not None:
                yield path


def _blobs(place: str, path: str, limit: int) -> Iterable[Blob] | None:
    try:
        descriptor = os.open(place, _FLAGS)
    except OSError:
        if Path(place).is_symlink():
            return None
        raise
    try:
        status = os.fstat(descriptor)
        if status.st_mode & _KIND != _REGULAR:
            return None
        if status.st_size > limit:
            return pieces(path, _chunks(place, path))
        data = b""
        # The size may be of no use, as under /proc, or change meanwhile.
        while chunk := os.read(descriptor, max(status.st_size + 1 - len(data), 4096)):
            data = data + chunk if data else chunk
            if len(data) > limit:
                return pieces(path, _chunks(place, path))
        return (Blob(path, data),)
    finally:
        os.close(descriptor)


def _chunks(place: str, path: str) -> Iterator[bytes]:
    try:
        with os.fdopen(os.open(place, _FLAGS), "rb", buffering=0) as stream:
            while chunk := stream.read(2**20):
                yield chunk
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> FluxsecretsError:
    from fluxsecrets.files.reasons import reason_of  # only when something fails

    reason = reason_of(error).text
    return FileAccessError(
        f"cannot be read, so its content is unknown: {reason}",
        hint="check that it exists and who may read it",
        path=path,
    )
