"""gitattributes(5): which attributes git gives to files."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

from .repository import Repository


def attributes_of(
    repository: Repository, paths: Collection[str], names: Sequence[str]
) -> Mapping[str, Mapping[str, str]]:
    """Return the attributes of files as git sees them in the work tree, of all its sources.

    Args:
        repository: whose `.gitattributes`, `info/attributes` and configuration count.
        paths: relative to the root with `/`.
        names: such as `merge`.

    Returns:
        By path and name: the value, or `set`, `unset` or `unspecified`.

    Raises:
        GitError: git failed.
    """
    if not paths:
        return {}
    lines = b"".join(os.fsencode(path) + b"\0" for path in paths)
    fields = os.fsdecode(repository.run("check-attr", "-z", "--stdin", *names, stdin=lines)).split("\0")
    found: dict[str, dict[str, str]] = {}
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        found.setdefault(path, {})[name] = value
    return found
