"""Whether every secret is encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.shell import command_for

INFO = CheckInfo("secrets", "secrets")

_FEW = 4
"""Environments that a message names."""


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Count the files with secrets in plain text, and name their environments.

    All have one cause and one remedy, so they are one problem.
    """
    if facts.tree is None:
        return
    if not facts.plain:
        if facts.usage.files:
            yield ok(f"none is in plain text; encrypted files: {len(facts.usage.files)}")
        return
    first, count = facts.plain[0], len(facts.plain)
    what = f"{first} is in plain text" if count == 1 else f"{count} files are in plain text, such as {first}"
    names = [name for name, paths in facts.usage.environments.items() if not paths.isdisjoint(facts.plain)]
    encrypt = command_for("encrypt", (), facts.environment)
    yield problem(
        f"{what}{_where(names)}",
        command=encrypt if facts.rules else "fluxsecrets init",
        hint="" if facts.rules else f"then `{encrypt}`",
    )


def _where(names: list[str]) -> str:
    if not names:
        return ""
    shown = names if len(names) <= _FEW else [*names[: _FEW - 1], f"{len(names) - _FEW + 1} more"]
    return f" ({', '.join(shown)})"


CHECK = Check(INFO, check)
