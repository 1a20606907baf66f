"""Whether git has the plain text of a file that is to be encrypted: what git has, it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from fluxsecrets.sops.formats import Limits

from .encrypted import detect_encryption
from .git.worktree import Comparison
from .manifests import holds_no_value


class PlainCopy(Enum):
    """Where git has the plain text; if in both, the first of these."""

    COMMITTED = "committed"
    STAGED = "staged"


def plain_copy(
    path: str, comparison: Comparison, heads: Mapping[str, bytes], limits: Limits
) -> PlainCopy | None:
    """Return where git has the plain text of a file, or None.

    Args:
        path: of a file that is not encrypted, and was compared.
        comparison: of the work tree with HEAD and the index.
        heads: the contents at HEAD of the files that changed. One with other values counts, too: some of them
            may still be in use.
        limits: of the parser.
    """
    if path not in comparison.changed or is_plain_copy(path, heads.get(path), limits):
        return PlainCopy.COMMITTED
    return PlainCopy.STAGED if path in comparison.staged else None


def is_plain_copy(path: str, head: bytes | None, limits: Limits) -> bool:
    """Whether a content at HEAD, if there is one, has values in plain text."""
    return (
        head is not None and detect_encryption(head, path) is None and not holds_no_value(path, head, limits)
    )
