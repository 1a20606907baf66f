"""Merge three versions to find the values on which the sides disagree."""

from __future__ import annotations

from fluxsecrets.merging import Merged, merge
from fluxsecrets.ops.files.content import parse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import Format

from .canonical import canonical
from .kinds import Kind
from .model import Versions
from .opening import OpenedVersions, open_versions
from .versions import Documents, read_versions


def compared(
    session: Session, kind: Kind, format_: Format, versions: Versions
) -> tuple[Merged, Documents, OpenedVersions | None]:
    """Merge versions, without making a MAC.

    Returns:
        The merge, the versions with equal ciphertexts for equal values, and the opened ones; None without
        keys.

    Raises:
        FluxsecretsError: a version can't be read or decrypted, or has a wrong MAC.
    """
    limits = session.limits
    if kind is Kind.SEALED:
        base = None if versions.base is None else parse(format_, versions.base, limits)
        ours, theirs = (parse(format_, data, limits) for data in (versions.ours, versions.theirs))
        return merge(format_, base, ours, theirs, limits), Documents(base, ours, theirs), None
    opened = open_versions(format_, read_versions(format_, versions, limits), session)
    known = canonical(opened, limits)
    merged = merge(format_, known.base, known.ours, known.theirs, limits)
    return merged, Documents(known.base, known.ours, known.theirs), opened
