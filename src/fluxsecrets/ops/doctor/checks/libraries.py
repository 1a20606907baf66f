"""The libraries of services that hold keys."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.keys import EXTRAS, has_library
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, problem
from fluxsecrets.sops.recipients import KINDS

INFO = CheckInfo("libraries", "libraries")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name each kind of key that files are encrypted for, and whose library is not installed."""
    kinds = {each.kind for file in facts.usage.files for group in file.groups for each in group}
    for kind in sorted(kinds & EXTRAS.keys()):
        if not has_library(kind):
            yield problem(
                f"files are encrypted for keys of {KINDS[kind].title}, and its library is not installed",
                command=f"pip install 'fluxsecrets[{EXTRAS[kind].extra}]'",
            )


CHECK = Check(INFO, check)
