"""Removed recipients who still know the data key."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.review.access import file_access
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.document import Document

from .kind import Kind, describe, item, listed

INFO = describe(
    "data-key-kept",
    Severity.HIGH,
    "a recipient is removed, but the data key stays",
    why="The old version of the file, which git keeps, gives the removed recipient the data key. With it "
    "they read every later version, too: `sops updatekeys` removes a name, not the access.",
    fix="run `fluxsecrets rotate FILE`, and change the values",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Find files that somebody is removed from, and whose data key is the same."""
    for each in file_access(change):
        if each.lost and has_same_key(each.file):
            names = [change.names.of(one) for one in each.lost]
            yield item(
                INFO,
                each.file.path,
                f"{listed(names)} can still decrypt the file: the data key was not renewed",
                environments=change.environments_of(each.file.change),
            )


def has_same_key(file: Compared) -> bool:
    """Whether the data key is known to be the same: it is equal, or a ciphertext is."""
    if file.diff.new_data_key is not None:
        return not file.diff.new_data_key
    before, after = (_ciphertexts(each.document) for each in (file.before, file.after) if each is not None)
    return bool(before & after)


def _ciphertexts(document: Document | None) -> frozenset[str]:
    leaves = document.leaves if document is not None else ()
    return frozenset(str(leaf.value).strip() for leaf in leaves if is_ciphertext(leaf.value))


KIND = Kind(INFO, check)
