"""Where a repository is, told without git, which starts slowly: most are what `git init` makes.

After git's setup.c. What is not said here in so many words is left to git: worktrees, submodules, sha256,
other people's folders, systems other than Linux, and each configuration that is not plain.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

_LARGEST = 64 * 2**10
"""Bytes of a configuration that is read."""

_CHANGING = ("GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_TEST_ASSUME_DIFFERENT_OWNER")
"""Variables that git gets, and that could change its answer about a repository."""

_REF = b"ref: refs/heads/"
_OF_REFS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-"

_HEAD = rb"(?:ref: refs/[A-Za-z0-9._/-]+|[0-9a-f]{40})\n"

_SECTION = rb"\[[a-z][a-z0-9-]*(?: \"[A-Za-z0-9_./-]+\")?\]"
_TEXT = rb"(?:[^\0\r\n\\\"]|\\[\"\\nbt])*"
_ENTRY = rb"([A-Za-z][A-Za-z0-9-]*) = %b(?:\"%b\"%b)*" % (_TEXT, _TEXT, _TEXT)
"""Ends with its line, whatever it says: as git writes what has quotes, such as the commands of drivers.

A backslash that escapes nothing is an error to git, and one at the end goes on in the next line.
"""

_CORE = {
    b"repositoryformatversion": (b"0",),
    b"bare": (b"false",),
    b"filemode": (b"true", b"false"),
    b"ignorecase": (b"true", b"false"),
    b"logallrefupdates": (b"true", b"false"),
    b"precomposeunicode": (b"true", b"false"),
    b"symlinks": (b"true", b"false"),
}
"""What `git init` writes, in lower case; `worktree` and all else of this section is left to git."""

_USUAL = frozenset(b"%b = %b" % (name, value) for name, values in _CORE.items() for value in values)

_OTHERS = frozenset({b"branch", b"diff", b"gc", b"merge", b"pull", b"push", b"remote", b"rerere", b"user"})
"""Sections that say nothing of where a repository is."""


def is_plain(level: Path, environ: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Whether git is certain to take `level` for a work tree with its git directory in `.git`.

    Args:
        level: a real path; it has a `.git`.
        environ: of this process.
        variables: places that git would be told, such as GIT_DIR.

    Returns:
        False where git has to be asked.
    """
    if variables or sys.platform != "linux" or "\n" in str(level):
        return False
    if any(environ.get(name) for name in _CHANGING):
        return False
    place = f"{level}/.git"
    try:
        return (
            all(_is_own_folder(each) for each in (str(level), place, f"{place}/objects", f"{place}/refs"))
            and not os.path.lexists(f"{place}/commondir")
            and _is_head(_read(f"{place}/HEAD"))
            and _says_nothing(_read(f"{place}/config"))
        )
    except OSError:
        return False


def _is_head(text: bytes) -> bool:
    name = text[len(_REF) : -1]
    if name and text.startswith(_REF) and text.endswith(b"\n") and not name.strip(_OF_REFS):
        return True  # as the expression says; compiling one takes as long as all else here
    return re.fullmatch(_HEAD, text) is not None


def is_unborn(level: Path, environ: Mapping[str, str], variables: Mapping[str, str]) -> bool:
    """Whether git is certain to say that the branch of HEAD has no commit yet.

    That is where no file has the branch, nor any packed one. A repository of a plain kind keeps references
    nowhere else.

    Args:
        level: as `is_plain`; nothing is known of a git directory elsewhere.
        environ: of this process.
        variables: as `is_plain`.

    Returns:
        False where git has to be asked.
    """
    place = f"{level}/.git"
    try:
        head = _read(f"{place}/HEAD")
    except OSError:
        return False
    name = head[len(_REF) : -1]
    if not (head.startswith(_REF) and head.endswith(b"\n") and all(map(_is_word, name.split(b"/")))):
        return False
    if any(map(os.path.lexists, (f"{place}/refs/heads/{name.decode()}", f"{place}/packed-refs"))):
        return False
    return is_plain(level, environ, variables)


def _is_word(part: bytes) -> bool:
    """Whether part of a branch's name is a valid one; of names with dots, git says so."""
    return part[:1].isalnum() and part.translate(None, b"_-").isalnum()


def _is_own_folder(place: str) -> bool:
    """Whether git trusts a folder whatever `safe.directory` says: it is this user's own, and no link."""
    found = os.lstat(place)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and os.access(place, os.X_OK)


def _read(place: str) -> bytes:
    """A regular file's content.

    Raises:
        OSError: it is none, is too large, or can't be read.
    """
    if not stat.S_ISREG(os.lstat(place).st_mode):
        raise OSError(place)
    file = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        data = os.read(file, _LARGEST)
    finally:
        os.close(file)
    if len(data) == _LARGEST:
        raise OSError(place)
    return data


def _says_nothing(config: bytes) -> bool:
    """Whether a configuration has valid lines only, and none that says where the work tree is."""
    section = b""
    for line in config.split(b"\n"):
        text = line.strip(b" \t")
        if not text or text.startswith(b"#"):
            continue
        if text == b"[core]":
            section = b"core"
            continue
        if section == b"core" and text in _USUAL:
            continue
        if re.fullmatch(_SECTION, text):
            section = text[1:-1].partition(b" ")[0]
            if section != b"core" and section not in _OTHERS:
                return False
            continue
        entry = re.fullmatch(_ENTRY, text)
        if entry is None or not section:
            return False
        if section == b"core":
            values = _CORE.get(entry[1].lower())
            if values is None or text.partition(b" = ")[2] not in values:
                return False
    return True
