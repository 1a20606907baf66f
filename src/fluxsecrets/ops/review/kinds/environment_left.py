"""Secrets that an environment does not apply any more, although the file still exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.repo.encrypted import detect_encryption

from .kind import Kind, describe, item, listed

INFO = describe(
    "environment-left",
    Severity.MEDIUM,
    "an environment does not apply a secret any more",
    why="Flux deletes the Secret where it prunes. A file that nothing applies is forgotten when keys are "
    "rotated.",
    fix="delete the file if nothing needs it, or name it in a kustomization.yaml again",
)
_SECRET = re.compile(rb"(?m)^kind:[ \t]*[\"']?(?:Secret|SealedSecret|ExternalSecret)\b")


def check(change: Change) -> Iterator[ReviewItem]:
    """Find files that an environment applied before, that still exist, and are secrets."""
    left: dict[str, list[str]] = {}
    for each in change.flux.left:
        left.setdefault(each.path, []).append(each.environment)
    for path, names in left.items():
        data = change.after.read(path)
        if data is None or (detect_encryption(data, path) is None and not _SECRET.search(data)):
            continue
        others = sorted(
            one.name
            for one in change.after.facts.environments
            if path in one.graph.files | one.generator_files.keys()
        )
        still = f"; {listed(others)} still does" if len(others) == 1 else f"; {listed(others)} still do"
        yield item(
            INFO,
            path,
            f"{listed(sorted(names))} does not apply the file any more"
            + (still if others else ", and no other environment does"),
            environments=sorted(names),
            severity=Severity.LOW if others else None,
        )


KIND = Kind(INFO, check)
