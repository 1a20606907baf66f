"""Whether git uses the drivers for all files with ciphertexts."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem, unknown
from fluxsecrets.ops.hooks.coverage import coverage
from fluxsecrets.ops.hooks.setup import attributes_state

INFO = CheckInfo("attributes", "attributes")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether `.gitattributes` covers all files, and what stands in the way."""
    if facts.repository is None:
        return
    found = coverage(facts.repository, facts.files.ciphertexts)
    if found.complete and found.total:
        yield ok(f"all files with ciphertexts have them: {found.total}")
    elif found.complete:
        yield ok("no file is encrypted yet")
    else:
        state = attributes_state(found)
        again = "fluxsecrets hook install drivers" if found.uncovered else ""
        yield problem(
            state.problem, command=again, hint=state.hint if found.overrides or found.converted else ""
        )
    for path in facts.files.unread[:1]:
        more = f" and {len(facts.files.unread) - 1} more" if len(facts.files.unread) > 1 else ""
        yield unknown(f"{path}{more} can't be read")


CHECK = Check(INFO, check)
