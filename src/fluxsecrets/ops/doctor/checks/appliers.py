"""Tools other than Flux that apply or decrypt files here, which nothing models."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, unknown
from fluxsecrets.repo.othertools import find_uses, notes_of

INFO = CheckInfo("other-tools", "other tools")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Say what of this repository is not analysed, since another tool applies or decrypts it."""
    if facts.tree is None:
        return
    paths = None if facts.environment is None else facts.usage.environments[facts.environment]
    for note in notes_of(find_uses(facts.tree, paths)):
        yield unknown(f"{note.path}:{note.line}: {note.message}")


CHECK = Check(INFO, check)
