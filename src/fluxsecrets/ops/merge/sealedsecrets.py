"""Merge SealedSecrets by key. Each value is encrypted by itself, so no key and no MAC are needed."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.merging import Labels, Picks, merge
from fluxsecrets.merging.markers import with_markers
from fluxsecrets.ops.files.content import parse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import Format

from .checking import check_text
from .conflicts import shown_conflicts
from .model import MergeResult, Outcome, Versions


def merge_sealed(
    session: Session,
    format_: Format,
    versions: Versions,
    labels: Labels,
    picks: Picks = {},  # noqa: B006 - never changed
) -> MergeResult | None:
    """Merge three versions of a file with SealedSecrets.

    Two seals of one value differ. A value that both sides sealed again is a conflict.

    Returns:
        None if the versions can't be merged by key.
    """
    limits = session.limits
    try:
        base = None if versions.base is None else parse(format_, versions.base, limits)
        ours, theirs = (parse(format_, data, limits) for data in (versions.ours, versions.theirs))
        merged = merge(format_, base, ours, theirs, limits, picks)
        if merged.whole:
            return None
        document = parse(format_, merged.data, limits)
        check_text(base, ours, theirs, document, merged, picks)
        if not merged.conflicts:
            return MergeResult(Outcome.MERGED, merged.data, notes=merged.notes)
        text = with_markers(format_, document, base, theirs, merged.conflicts, labels, limits)
    except FluxsecretsError:
        return None
    if text is None:
        return None
    return MergeResult(Outcome.CONFLICTS, text, shown_conflicts(merged.conflicts), merged.notes)
