"""SealedSecrets that may be moved further than before."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.ops.review.objects import objects
from fluxsecrets.repo.manifests import Manifest
from fluxsecrets.sealed.model import is_sealed, read_sealed
from fluxsecrets.sealed.scopes import Scope

from .kind import Kind, describe, item

INFO = describe(
    "sealed-scope-widened",
    Severity.HIGH,
    "a SealedSecret has a wider scope",
    why="With a wider scope, anyone who can create SealedSecrets in another namespace, or under another "
    "name, lets the controller decrypt these values there.",
    fix="seal it for its own name and namespace: `fluxsecrets reseal FILE`",
)
_WIDTH = list(Scope)


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the scopes of each SealedSecret in a changed file."""
    for each in change.compared:
        before, after = objects(change, each)
        for identity, manifest in after.items():
            scope = _scope(manifest)
            was = _scope(before[identity]) if identity in before else Scope.STRICT
            if scope is None or was is None or _WIDTH.index(scope) <= _WIDTH.index(was):
                continue
            new = identity not in before
            yield item(
                INFO,
                each.path,
                f"the scope is {scope}" + ("" if new else f", and was {was}"),
                *identity,
                environments=change.environments_of(each.change),
                line=manifest.line,
                object_="/".join(filter(None, identity)),
                severity=Severity.MEDIUM if new else None,
            )


def _scope(manifest: Manifest) -> Scope | None:
    if not is_sealed(manifest):
        return None
    try:
        return read_sealed(manifest.node).scope
    except FluxsecretsError:
        return None


KIND = Kind(INFO, check)
