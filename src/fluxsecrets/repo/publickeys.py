"""The public keys of a repository, in `keys/NAME.pub`."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX, is_public_key, name_in
from fluxsecrets.sops.recipients import recipients_in

from .tree import Tree


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A `keys/NAME.pub`, by its path relative to the root."""

    path: str
    name: str
    recipients: tuple[str, ...]


def public_keys(tree: Tree) -> tuple[PublicKey, ...]:
    """Return those of a tree, by path; a file that can't be read is passed over."""
    found = []
    for path in tree.below(KEYS_FOLDER):
        if is_public_key(path):
            try:
                data = tree.read(path)
            except FluxsecretsError:
                continue
            name = name_in(path).removesuffix(PUBLIC_KEY_SUFFIX)
            found.append(PublicKey(path, name, recipients_in(data)))
    return tuple(found)
