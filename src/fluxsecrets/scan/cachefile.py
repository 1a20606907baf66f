"""Files in the user's cache folder that are trusted only if nobody else can have written them.

A file has a head that names its kind, a digest, and its content. What is damaged, not the user's own, or
writable by others is ignored, and made again.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from fluxsecrets.files.hashing import fast_hash

DIGEST = 32
MOST = 256 * 2**20
"""Bytes of a file; larger ones are ignored."""

_STALE = 30 * 24 * 3600  # seconds; older files belong to versions or repositories that are gone


def cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path | None:
    """Return the user's cache folder for compiled patterns, or None if the user has no home."""
    home = environ.get("HOME") or ""
    if platform == "win32":
        local = environ.get("LOCALAPPDATA") or ""
        return Path(local) / "fluxsecrets" / "Cache" if local else None
    if platform == "darwin":
        return Path(home) / "Library" / "Caches" / "fluxsecrets" if home.startswith("/") else None
    base = environ.get("XDG_CACHE_HOME") or ""
    if base.startswith("/"):
        return Path(base) / "fluxsecrets"
    return Path(home) / ".cache" / "fluxsecrets" if home.startswith("/") else None


def read_cached(path: Path, head: bytes, *, checked: bool = False) -> bytes | None:
    """The content of a cache file, or None if there is no trusted one.

    Args:
        path: of the file; a link is not followed.
        head: what it starts with.
        checked: the content has a checksum of its own, which its reader looks at: a quick one is enough here.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not _is_ours(status) or not len(head) + DIGEST < status.st_size <= MOST:
                return None
            start, digest = stream.read(len(head)), stream.read(DIGEST)
            size = status.st_size - len(head) - DIGEST
            data = stream.read(size)  # not more: room is made for all that is asked for
    except OSError:
        return None
    return data if start == head and len(data) == size and digest == _digest(data, checked) else None


def write_cached(path: Path, head: bytes, data: bytes, siblings: str, *, checked: bool = False) -> None:
    """Keep a content for the next run; a failure to do so is not an error.

    Args:
        path: of the file.
        head: what it starts with.
        data: the content.
        siblings: a pattern of names; those of them that are old are deleted.
        checked: as when it is read.
    """
    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.files.writing import write_atomic

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_symlink():
            return
        write_atomic(path, head + _digest(data, checked) + data, mode=0o600)
        for other in path.parent.glob(siblings):
            if other != path and other.is_file() and other.stat().st_mtime < path.stat().st_mtime - _STALE:
                other.unlink(missing_ok=True)
    except (OSError, FluxsecretsError):
        return


def _is_ours(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid in (os.getuid(), 0) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(data: bytes, checked: bool) -> bytes:
    if checked:
        from zlib import crc32

        return crc32(data).to_bytes(DIGEST, "big")
    state = fast_hash(DIGEST)
    state.update(data)
    digest: bytes = state.digest()
    return digest
