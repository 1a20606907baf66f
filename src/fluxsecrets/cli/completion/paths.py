"""Paths as suggestions: the folders and fitting files of one folder, whatever the size of the repository."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from types import MappingProxyType

from fluxsecrets.marks import (
    MANIFEST_SUFFIXES,
    SETTINGS_NAME,
    SIGN_BYTES,
    is_kustomization,
    is_public_key,
    is_rules_file,
)

from .suggestions import SHELLS_FILES, Suggestion, Suggestions

_MOST_ENTRIES = 5_000
_MOST_BYTES = 256 * 1024
"""A file is judged by its start and its end; of what is between, ciphertexts need nothing."""

_PATIENCE = 0.4
"""Seconds in which files are looked into; the rest is suggested without a look."""

_TEXTS = (".md", ".txt", ".py", ".sh", ".lock", ".toml")


def paths(kind: str, current: str) -> Suggestions:
    """Suggest paths for a word.

    Args:
        kind: which files are wanted: `encrypted`, `plain`, `sealed`.
        current: the word, as typed so far.

    Returns:
        Folders, and the files that fit. If there are neither, the shell shows all files.
    """
    folder, start = os.path.split(current)
    place = os.path.expanduser(folder) if folder.startswith("~") else folder or "."  # noqa: PTH111 - of any user
    fits, until = _KINDS[kind], time.monotonic() + _PATIENCE
    found = []
    for entry in _entries(place, start):
        path = os.path.join(folder, entry.name)  # noqa: PTH118 - the user's own spelling stays
        if entry.is_dir():
            found.append(Suggestion(path, kind="folder"))
        elif entry.is_file() and (time.monotonic() > until or fits(entry.path, entry.name)):
            found.append(Suggestion(path, kind="file"))
    return Suggestions(tuple(found)) if found else SHELLS_FILES


def _entries(place: str, start: str) -> Sequence[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            found = [entry for entry, _ in zip(_shown(entries, start), range(_MOST_ENTRIES), strict=False)]
    except OSError:
        return ()
    return sorted(found, key=lambda entry: entry.name)


def _shown(entries: Iterator[os.DirEntry[str]], start: str) -> Iterator[os.DirEntry[str]]:
    """Hidden files are shown where the word begins like one, as shells do it; git's own folder never."""
    for entry in entries:
        hidden = entry.name.startswith(".") and not start.startswith(".")
        if entry.name.startswith(start) and not hidden and entry.name != ".git":
            yield entry


def _look(path: str) -> bytes:
    """Return the start and the end of a file, or nothing where it can't be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes longer than all the rest
            start = file.read(_MOST_BYTES)
            size = os.fstat(file.fileno()).st_size
            if size > 2 * _MOST_BYTES:
                file.seek(-_MOST_BYTES, os.SEEK_END)
            return start + file.read(_MOST_BYTES)
    except OSError:
        return b""


def _is_encrypted(path: str, _name: str) -> bool:
    data = _look(path)
    return SIGN_BYTES in data and b"sops" in data


def _is_sealed(path: str, _name: str) -> bool:
    return b"SealedSecret" in _look(path)


def _is_plain(path: str, name: str) -> bool:
    """Whether a file may be a secret in plain text: not a manifest of something else, and not a setting."""
    if is_rules_file(name) or is_kustomization(name) or is_public_key(path) or name == SETTINGS_NAME:
        return False
    if name.lower().endswith(_TEXTS):
        return False
    data = _look(path)
    if SIGN_BYTES in data or b"SealedSecret" in data:
        return False
    is_manifest = name.lower().endswith(MANIFEST_SUFFIXES) and b"apiVersion" in data
    return not is_manifest or b"Secret" in data


_KINDS: MappingProxyType[str, Callable[[str, str], bool]] = MappingProxyType(
    {"encrypted": _is_encrypted, "plain": _is_plain, "sealed": _is_sealed}
)
