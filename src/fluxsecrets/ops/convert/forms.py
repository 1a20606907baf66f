"""The forms of a Secret in a repository."""

from __future__ import annotations

from enum import StrEnum

from fluxsecrets.external.model import EXTERNAL_KINDS, GROUP
from fluxsecrets.ops.sealing.seal import is_secret_part
from fluxsecrets.ops.sealing.unseal import is_sealed_part
from fluxsecrets.sops.document import Leaf, Mapping


class Form(StrEnum):
    """The form of a Secret."""

    SOPS = "sops"
    SEALED = "sealed"
    EXTERNAL = "external"
    PLAIN = "plain"


def form_of(part: Mapping, *, encrypted: bool) -> Form | None:
    """Return the form of a document, or None if it is not a Secret."""
    if is_secret_part(part):
        return Form.SOPS if encrypted else Form.PLAIN
    if is_sealed_part(part):
        return Form.SEALED
    if is_external_part(part):
        return Form.EXTERNAL
    return None


def is_external_part(part: Mapping) -> bool:
    """Whether a document is an ExternalSecret or ClusterExternalSecret."""
    kind, version = part.get("kind"), part.get("apiVersion")
    return (
        isinstance(kind, Leaf)
        and kind.value in EXTERNAL_KINDS
        and isinstance(version, Leaf)
        and str(version.value).partition("/")[0] == GROUP
    )
