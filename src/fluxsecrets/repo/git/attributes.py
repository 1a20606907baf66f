"""gitattributes(5): which attributes git gives to files."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from .repository import Repository

Attributes = Mapping[str, Mapping[str, str]]
"""By path and name: the value, or `set`, `unset` or `unspecified`."""


@contextmanager
def attributes_begun(
    repository: Repository, paths: Collection[str], names: Sequence[str]
) -> Iterator[Callable[[], Attributes]]:
    """Ask git for the attributes of files, while the caller does something else.

    git says how it sees them in the work tree, of all its sources.

    Args:
        repository: whose `.gitattributes`, `info/attributes` and configuration count.
        paths: relative to the root with `/`.
        names: such as `merge`.

    Yields:
        A function that waits for the answer; it raises GitError where git failed.
    """
    if not paths:
        yield dict
        return
    lines = b"".join(os.fsencode(path) + b"\0" for path in paths)
    with repository.begun("check-attr", "-z", "--stdin", *names, stdin=lines) as answer:
        yield lambda: _read(answer())


def attributes_of(repository: Repository, paths: Collection[str], names: Sequence[str]) -> Attributes:
    """Return the attributes of files; see `attributes_begun`.

    Raises:
        GitError: git failed.
    """
    with attributes_begun(repository, paths, names) as answer:
        return answer()


def _read(answer: bytes) -> Attributes:
    fields = os.fsdecode(answer).split("\0")
    found: dict[str, dict[str, str]] = {}
    for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
        found.setdefault(path, {})[name] = value
    return found
