"""Which version of Flux each environment has."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.since import NEWEST, is_newer
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok

INFO = CheckInfo("flux", "Flux")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name the version, and what says it: `verify` judges by it."""
    for name, release in facts.releases.items():
        if release is None:
            yield ok(
                f"{name}: nothing says which version of Flux it has, so 2.{NEWEST} is assumed",
                hint=f"set environments.{name}.flux_version in .fluxsecrets.yaml",
            )
            continue
        place = f" ({release.file}:{release.line})" if release.file is not None else ""
        newer = f"; what changed after 2.{NEWEST} is not known here" if is_newer(release.version) else ""
        yield ok(f"{name}: Flux {release.version}, from {release.by}{place}{newer}")


CHECK = Check(INFO, check)
