"""The version of git."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import GitError
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.repo.git.version import OLDEST, git_version

INFO = CheckInfo("git", "git")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether git is new enough."""
    try:
        text, numbers = git_version(facts.session.cwd)
    except GitError as error:
        yield problem(str(error), hint=error.hint or "")
        return
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield problem(f"git {text} is too old", hint=f"install git {oldest} or newer")
    else:
        yield ok(f"git {text}")


CHECK = Check(INFO, check)
