"""Merge encrypted files without an identity: by their ciphertexts, and without a MAC.

A ciphertext that one side changed is a value that this side changed, since both sides have the same data key.
Nobody here can make the MAC of the result, so its lines are a conflict.
"""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.errors import DataKeyError, UnprotectedError
from fluxsecrets.merging import Labels, Picks, merge
from fluxsecrets.merging.markers import with_markers
from fluxsecrets.merging.metadata import merge_metadata
from fluxsecrets.ops.files.content import parse
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.metadata import Metadata

from .block import body, protection, rules_of
from .checking import check_text
from .conflicts import shown_conflicts
from .model import MergeResult, Outcome, Versions
from .opening import share_data_key
from .versions import Documents


def merge_unopened(
    format_: Format,
    versions: Versions,
    documents: Documents,
    labels: Labels,
    limits: Limits,
    picks: Picks,
    why: DataKeyError,
) -> MergeResult:
    """Merge three versions that no identity opens.

    Args:
        format_: the format of all versions.
        versions: the three versions.
        documents: the same, parsed.
        labels: for conflict markers.
        limits: limits of the result.
        picks: conflicts that are settled.
        why: the error that is raised if the versions can't be merged by their ciphertexts.

    Raises:
        DataKeyError: the sides have different data keys, or nothing proves that they have the same.
        UnprotectedError: a side removed a recipient or changed the selector, which needs a new data key.
    """
    base, ours, theirs = documents.base, documents.ours, documents.theirs
    if base is not None and _same(format_, theirs, base):
        return MergeResult(Outcome.MERGED, versions.ours)
    if base is not None and _same(format_, ours, base):
        return MergeResult(Outcome.MERGED, versions.theirs)
    own, other = _block_of(ours), _block_of(theirs)
    if format_.single_value or not share_data_key(own, other):
        raise why
    merged = merge(format_, base, ours, theirs, limits, picks)
    if merged.whole:
        raise UnprotectedError("the two sides can't be merged value by value")
    document = parse(format_, merged.data, limits)
    check_text(base, ours, theirs, document, merged, picks)
    block = _block(None if base is None else _block_of(base), own, other, document)
    if not merged.conflicts:
        for side, data in ((ours, versions.ours), (theirs, versions.theirs)):
            if protection(block) == protection(_block_of(side)) and body(format_, document) == body(
                format_, side
            ):
                return MergeResult(Outcome.MERGED, data, notes=merged.notes)
    unsealed = parse(format_, format_.rewrite(document, (), block), limits)
    text = with_markers(format_, unsealed, base, theirs, merged.conflicts, labels, limits, unsealed=True)
    if text is None:
        raise UnprotectedError("the conflicts can't be written between markers")
    return MergeResult(
        Outcome.CONFLICTS if merged.conflicts else Outcome.UNSIGNED,
        text,
        shown_conflicts(merged.conflicts),
        (*merged.notes, "the MAC is missing, since no identity opens the file"),
    )


def _block(base: Metadata | None, ours: Metadata, theirs: Metadata, document: Document) -> Metadata:
    found = merge_metadata(base, ours, theirs, document)
    if found.removed or found.conflicts or rules_of(ours) != rules_of(theirs):
        raise UnprotectedError(
            "one side removed a recipient or changed what is encrypted, and no identity opens the file",
            hint="merge where an identity opens the file",
        )
    # Recipients that theirs added have their wrapped keys: the data key is the same.
    return replace(found.metadata, mac=ours.mac, lastmodified=ours.lastmodified)


def _same(format_: Format, one: Document, other: Document) -> bool:
    return one.metadata == other.metadata and body(format_, one) == body(format_, other)


def _block_of(document: Document) -> Metadata:
    assert document.metadata is not None  # noqa: S101 - `read_versions` checked it
    return document.metadata
