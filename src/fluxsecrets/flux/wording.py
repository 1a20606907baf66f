"""Words of kustomize-controller's messages that several stages use."""

from __future__ import annotations

from fluxsecrets.repo.objects import Object


def resource(item: Object) -> str:
    """An object as kustomize names it, such as `Secret.v1.[noGrp]/a`."""
    group, _, version = item.api_version.rpartition("/")
    return f"{item.kind}.{version or '[noVer]'}.{group or '[noGrp]'}/{item.name}"


def formatted(item: Object) -> str:
    """An object as Flux names it when it applies it, such as `Secret/apps/a`."""
    return "/".join(part for part in (item.kind, item.namespace, item.name) if part)


def not_decrypted(item: Object, what: str, reason: str) -> str:
    """Why an object is not decrypted; `what` is a part of it, such as `Secret data`."""
    return (
        f"decryption failed for '{resource(item)}': failed to decrypt and format "
        f"'{item.namespace or ''}/{item.name}' {what}: {reason}"
    )
