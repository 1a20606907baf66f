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
        hint = f"set environments.{name}.flux_version in .fluxsecrets.yaml" if release is None else ""
        yield ok(f"{name}: {release_text(release, str)}", hint=hint)


CHECK = Check(INFO, check)
