"""Add `decryption` to Flux Kustomizations that apply SOPS files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.references import provisions
from fluxsecrets.sops.document import Data, Path
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat

DEFAULT_SECRET = "sops-age"  # noqa: S105 - a name
"""The name in Flux's documentation for the Secret with the cluster's identity."""


def add_decryption(
    workspace: Workspace,
    applied: Iterable[Applied],
    others: Iterable[Applied],
    secret: str | None,
    shown: Callable[[str], str],
) -> tuple[str, ...]:
    """Add a `decryption` block to Kustomizations without one, if no patch adds it.

    Args:
        workspace: takes the new contents.
        applied: the Kustomizations that now apply SOPS files.
        others: all Kustomizations of the repository, for the name of their Secret.
        secret: the name to use instead, or None.
        shown: returns a path as the user would name it.

    Returns:
        One line for each change, and for each step by hand.
    """
    name = secret or usual_secret(others)
    block: Data = {"provider": "sops", "secretRef": {"name": name}}
    notes: dict[str, None] = {}
    for each in applied:
        kustomization = each.kustomization
        if kustomization is not None and kustomization.decryption is not None:
            continue
        if kustomization is None or each.item is None or each.item.manifest is None:
            where = shown(each.folder or ".")
            notes[f"{where}: what syncs it needs `decryption` with the Secret {name}"] = None
            continue
        file, index = each.item.file, each.item.manifest.index
        try:
            data = workspace.read(file)
            new = _set(data, ("spec", "decryption"), block, index, workspace)
        except FluxsecretsError:
            notes[f"{shown(file)}: add `decryption` to the Kustomization {kustomization.name} by hand"] = None
            continue
        if new != data:
            workspace.write(file, new, old=data)
            what = f"the Kustomization {kustomization.name} gets `decryption` with the Secret {name}"
            notes[f"{shown(file)}: {what}"] = None
    return tuple(notes)


def usual_secret(applied: Iterable[Applied]) -> str:
    """Return the decryption Secret of most Kustomizations."""
    names = Counter(
        each.kustomization.decryption.secret
        for each in applied
        if each.kustomization is not None
        and each.kustomization.decryption is not None
        and each.kustomization.decryption.secret
    )
    return names.most_common(1)[0][0] if names else DEFAULT_SECRET


def brings_secrets(applied: Applied) -> bool:
    """Whether a Kustomization applies Secrets from files here, so that it must decrypt."""
    return any(
        made.kind == "Secret"
        and (made.how in ("sops", "generated") or (item.manifest is not None and item.manifest.has_data))
        for item in applied.objects
        for made in provisions(item)
    )


def _set(data: bytes, path: Path, value: Data, part: int, workspace: Workspace) -> bytes:
    format_ = YamlFormat()
    limits = workspace.tree.limits
    document = format_.parse(data, limits)
    root = document.parts[part]
    spec = root.get("spec")
    known = getattr(spec, "get", lambda _key: None)("decryption")
    if known is not None:  # already added to another object in the same file
        return data
    return set_value(format_, document, path, value, limits, part=part)
