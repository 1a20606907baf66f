"""Mask private keys in files that are no secrets as a whole: a key file, or a script with one."""

from __future__ import annotations

import re

from fluxsecrets.marks import holds_private_key, with_private_keys

from .masks import Masks

_SIGNS = (b"AGE-SECRET-KEY-", b"PRIVATE KEY")


def has_private_key(data: bytes) -> bool:
    """Whether a plain file holds a private key; cheap for most files."""
    return any(sign in data for sign in _SIGNS) and holds_private_key(data.decode("latin-1"))


def mask_private_keys(data: bytes, name: str, masks: Masks) -> tuple[bytes, int]:
    """Return a file with placeholders for its private keys, and how many there are.

    Args:
        data: the content.
        name: of the file, without folders.
        masks: make the placeholders.
    """
    count = 0

    def masked(key: str) -> str:
        nonlocal count
        count += 1
        # A key in a block scalar of YAML has the indentation of the scalar.
        blanks = re.findall(r"\n([ \t]*)(?=\S)", key)
        indent = min(blanks, key=len, default="")
        bare = key.replace(f"\n{indent}", "\n")
        made = masks.content(bare.encode("latin-1"), name).decode("latin-1")
        return made.rstrip("\n").replace("\n", f"\n{indent}")

    return with_private_keys(data.decode("latin-1"), masked).encode("latin-1"), count
