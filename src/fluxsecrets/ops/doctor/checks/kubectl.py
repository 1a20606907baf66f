"""kubectl, if the settings say which clusters the environments have."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok
from fluxsecrets.programs import find_program

INFO = CheckInfo("kubectl", "kubectl")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Look for the program, and start nothing. Without access to a cluster nobody needs it: no problem."""
    if not facts.contexts:
        return
    names = ", ".join(facts.contexts)
    program = find_program("kubectl", facts.session.environ)
    if program is None:
        yield ok(
            f"not on PATH, so `verify --cluster` can't read the cluster of {names}",
            hint="install it, or use `fluxsecrets verify --env NAME --from-dump DIR`",
        )
        return
    yield ok(f"{program}; `verify --cluster` reads the cluster of {names} with it")


CHECK = Check(INFO, check)
