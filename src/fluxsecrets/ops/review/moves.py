"""Encrypted files that a change moves and edits at once: they have ciphertexts in common."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.states import FileChange
from fluxsecrets.repo.tree import Tree

_CIPHERTEXT = re.compile(rb"ENC\[AES256_GCM,data:[A-Za-z0-9+/=]+,iv:[A-Za-z0-9+/=]+")


def with_moves(trees: tuple[Tree, Tree], files: Sequence[FileChange]) -> tuple[FileChange, ...]:
    """Return the changes with files that are gone joined to new ones that hold their ciphertexts.

    Args:
        trees: before and after.
        files: what differs.
    """
    new = {each.path: each for each in files if each.before is None and each.after is not None}
    owners: dict[bytes, FileChange] = {}
    for each in files if new else ():
        if each.after is None:
            owners.update((text, each) for text in _ciphertexts(trees[0], each.path))
    joined: dict[str, FileChange] = {}
    for path, each in new.items() if owners else ():
        source = next((owners[text] for text in _ciphertexts(trees[1], path) if text in owners), None)
        if source is not None and source.path not in joined:
            joined[source.path] = each._replace(old_path=source.path, before=source.before)
    moved = {each.path: each for each in joined.values()}
    return tuple(moved.get(each.path, each) for each in files if each.path not in joined)


def _ciphertexts(tree: Tree, path: str) -> list[bytes]:
    try:
        return _CIPHERTEXT.findall(tree.read(path))
    except FluxsecretsError:
        return []
