"""Which branches have a content at their tip."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from fluxsecrets.repo.git import Repository

HEAD = "HEAD"

_BRANCHES, _REMOTES = "refs/heads/", "refs/remotes/"


def at_tips(
    repository: Repository, contents: Iterable[tuple[str, str]], ends: Sequence[str] = ()
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The names of the branches whose tip has a content at a path; `HEAD` is one of them.

    Args:
        repository: with the branches.
        contents: paths and ids.
        ends: further commits that count as tips, such as the end of a range; they are named by their id.

    Raises:
        GitError: the branches can't be read.
    """
    by_path: dict[str, set[str]] = {}
    for path, blob in contents:
        by_path.setdefault(path, set()).add(blob)
    if not by_path:
        return {}
    branches = _branches(repository)
    for end in ends:
        branches.setdefault(end, [end[:10]])
    asked = [(tip, path) for tip in branches for path in by_path]
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for (tip, path), blob in zip(asked, _blobs(repository, asked), strict=True):
        if blob in by_path[path]:
            found[path, blob] = (*found.get((path, blob), ()), *branches[tip])
    return found


def _branches(repository: Repository) -> dict[str, list[str]]:
    """The names of all branches by their commit."""
    found: dict[str, list[str]] = {}
    if repository.has_head():
        lines = repository.run("show-ref", "--head").splitlines()
    else:
        listing = repository.run("for-each-ref", _BRANCHES, _REMOTES)
        lines = [b" ".join(line.replace(b"\t", b" ").split(b" ")[::2]) for line in listing.splitlines()]
    for line in lines:
        commit, _, name = os.fsdecode(line).partition(" ")
        is_branch = name.startswith((_BRANCHES, _REMOTES)) and not name.endswith(f"/{HEAD}")
        if name == HEAD or is_branch:
            found.setdefault(commit, []).append(name.removeprefix(_BRANCHES).removeprefix(_REMOTES))
    return found


def _blobs(repository: Repository, asked: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The id of the content at each path of a commit, or ""."""
    lines = b"".join(os.fsencode(f"{tip}:{path}\n") for tip, path in asked if "\n" not in path)
    answers = iter(repository.run("cat-file", "--batch-check", stdin=lines).splitlines() if lines else ())
    for tip, path in asked:
        if "\n" not in path:
            words = next(answers).split(b" ")
            yield words[0].decode("ascii") if len(words) == 3 and words[1] == b"blob" else ""
            continue
        entry = repository.run("ls-tree", "-z", tip, "--", path).partition(b"\t")[0].split(b" ")
        yield entry[2].decode("ascii") if len(entry) == 3 else ""
