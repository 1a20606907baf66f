"""Whether this clone has the whole history."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.repo.git.config import read_settings

INFO = CheckInfo("history", "history")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether commits or contents are missing: history is searched for plain text and readers."""
    if facts.repository is None:
        return
    complete = True
    if facts.repository.cut_off_at():
        complete = False
        yield problem(
            "this is a shallow clone: what is in older commits is not seen", command="git fetch --unshallow"
        )
    if any(value == "true" for _, value in read_settings(facts.repository, r"^remote\..*\.promisor$")):
        complete = False
        yield problem(
            "this is a partial clone: contents that were never fetched are not seen",
            command="git fetch --refetch --no-filter",
        )
    if complete:
        yield ok("complete")


CHECK = Check(INFO, check)
