"""The two states that a range of commits compares, and the default range."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fluxsecrets.errors import GitError, UsageError

from .checkout import resolve
from .git import Repository
from .git.history import state_before
from .states import INDEX, NOTHING, WORK_TREE

_REMOTE, _LOCAL = "refs/remotes/", "refs/heads/"  # whole names: a tag `origin/main` would come first
_REMOTES = ("upstream", "origin")
_BRANCHES = ("main", "master")
_HINT = "name a range, such as `origin/main..HEAD`"
_FETCH = "fetch it (in CI: with all commits, such as `fetch-depth: 0`)"


class Range(NamedTuple):
    """Two states.

    Attributes:
        shown: as the user would write it, such as `origin/main..HEAD`.
        before: id of a commit, or `NOTHING`.
        after: id of a commit, `INDEX` or `WORK_TREE`.
    """

    shown: str
    before: str
    after: str


def range_of(repository: Repository, text: str | None, environ: Mapping[str, str]) -> Range:
    """Return the states before and after some commits.

    Args:
        repository: with the commits.
        text: `A..B` or `A...B` for what the commits of B do that A does not have, or one commit. None means
            HEAD's commits that the target of the pull or merge request does not have, or else the default
            branch of the remote.
        environ: variables of GitHub Actions and GitLab CI name the target.

    The state before is where the histories part. If they have several common ancestors, it is the target.

    Raises:
        UsageError: a commit is unknown, or there is no range to assume.
        GitError: the history is cut off before the two sides part.
    """
    if text is None:
        return _beyond_target(repository, environ)
    first, dots, last = text.replace("...", "..").partition("..")
    if dots:
        return _between(repository, first or "HEAD", last or "HEAD")
    commit = resolve(repository, text)
    parents = repository.run("rev-list", "--parents", "--max-count=1", commit).decode("ascii").split()[1:]
    if not parents and commit in repository.cut_off_at():
        raise _cut_off(text)
    return Range(text, parents[0] if parents else NOTHING, commit)


def uncommitted(repository: Repository, *, staged: bool) -> Range:
    """Return HEAD and what is staged, or HEAD and the work tree.

    Raises:
        GitError: HEAD can't be read.
    """
    before = resolve(repository, "HEAD") if repository.has_head() else NOTHING
    return Range("what is staged", before, INDEX) if staged else Range("the work tree", before, WORK_TREE)


def _between(repository: Repository, first: str, last: str, known: str | None = None) -> Range:
    """Return the range of two names, the first of which may be known to mean a commit."""
    one, other = known or resolve(repository, first), resolve(repository, last)
    shown = f"{first.removeprefix(_REMOTE).removeprefix(_LOCAL)}..{last}"
    base = state_before(repository, one, other)
    if base is None and repository.cut_off_at():
        raise _cut_off(shown)
    return Range(shown, base or one, other)


def _beyond_target(repository: Repository, environ: Mapping[str, str]) -> Range:
    name, commit = _target(repository, environ)
    found = _between(repository, name, "HEAD", commit)
    if found.before == found.after and found.after in repository.cut_off_at():
        # A clone of one commit takes that for the target, whatever was asked to be merged.
        raise _cut_off(found.shown)
    return found


def _cut_off(shown: str) -> GitError:
    return GitError(
        f"this clone does not have the commits before {shown}",
        hint="fetch them: `git fetch --unshallow`, or `fetch-depth: 0` and `GIT_DEPTH: 0` in CI",
    )


def _target(repository: Repository, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return what a pull or merge request is going to change: a name that is known here, and its commit."""
    named = [*_of_ci(environ)]
    for name, commit in _resolved(repository, named or [*_default_branches()]):
        if commit is not None:
            return name, commit
    if named:
        missing = f"the target branch {named[0]!a} is not in this clone"
        raise UsageError(missing, hint=f"{_FETCH}, or {_HINT}")
    raise UsageError("it is unknown which branch this is going to change", hint=_HINT)


def _of_ci(environ: Mapping[str, str]) -> Iterator[str]:
    """Names from GitHub Actions and GitLab CI, whose clones have no local branches but one."""
    if base := environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        yield base
    for variable in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        if name := environ.get(variable):
            yield f"{_REMOTE}origin/{name}"


def _default_branches() -> Iterator[str]:
    for remote in _REMOTES:
        yield f"{_REMOTE}{remote}/HEAD"
    for branch in _BRANCHES:
        yield from (f"{_REMOTE}{remote}/{branch}" for remote in _REMOTES)
    yield from (f"{_LOCAL}{branch}" for branch in _BRANCHES)


def _resolved(repository: Repository, names: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield names with the id of the commit that each means, or None; git is asked for all at once."""
    asked = "".join(f"{name}^{{commit}}\n" for name in names if name.isprintable())
    try:
        answers = repository.run("cat-file", "--batch-check=%(objectname)", stdin=os.fsencode(asked))
    except GitError:  # one of them may be damaged, which says nothing of the others
        yield from ((name, _known(repository, name)) for name in names)
        return
    lines = iter(os.fsdecode(answers).splitlines())
    for name in names:
        answer = next(lines, "") if name.isprintable() else ""
        yield name, answer if answer and " " not in answer else None  # `NAME missing`, `NAME ambiguous`


def _known(repository: Repository, name: str) -> str | None:
    try:
        return resolve(repository, name)
    except UsageError:
        return None
