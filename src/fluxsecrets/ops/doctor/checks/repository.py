"""Whether this is a repository, and of which kind."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem

INFO = CheckInfo("repository", "repository")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether there is a repository."""
    repository = facts.repository
    if repository is None:
        hint = "run it inside of the repository"
        yield problem("this folder is not in a git repository", command="git init", hint=hint)
    elif facts.is_bare:
        yield ok("a bare repository: no hook looks at commits here")
    elif repository.git_dir != repository.common_dir:
        yield ok("a linked worktree: hooks and drivers are those of its repository")
    else:
        yield ok("a work tree")


CHECK = Check(INFO, check)
