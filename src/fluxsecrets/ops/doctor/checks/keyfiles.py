"""Who can read key files."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, problem
from fluxsecrets.shell import file_word

INFO = CheckInfo("key-files", "key files")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name key files that others than the user can read or write."""
    for file in facts.keys.exposed:
        yield problem(
            f"{file.path} is open to group or others (mode {file.mode:04o})",
            command=f"chmod 600 {file_word(file.path)}",
        )


CHECK = Check(INFO, check)
