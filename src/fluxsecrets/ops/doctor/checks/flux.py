"""Which version of Flux each environment has."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.release import release_text
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok

INFO = CheckInfo("flux", "Flux")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name the version, and what says it: `verify` judges by it."""
    for name, release in facts.releases.items():
        yield ok(f"{name}: {release_text(release, str)}")


CHECK = Check(INFO, check)
