"""HelmReleases that somebody wants to encrypt: Flux decrypts no value in them, whatever the selector."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.sops.document import Document, Leaf, Mapping
from fluxsecrets.sops.selectors import Selector


def refuse_releases(document: Document, manifests: Iterable[Mapping], selector: Selector) -> None:
    """Refuse a file with a HelmRelease in which a selector would encrypt nothing.

    Raises:
        UnprotectedError: that, with what to do instead.
    """
    if not any(_is_release(part) for part in manifests):
        return
    if not any(selector.encrypts(leaf.path) for leaf in document.leaves):
        raise UnprotectedError(
            "Flux decrypts Secrets, and applies the values of a HelmRelease as they are",
            hint="`fluxsecrets extract FILE` lists its values; `fluxsecrets extract FILE KEY` moves one to "
            "an encrypted Secret",
        )


def _is_release(part: Mapping) -> bool:
    kind = part.get("kind")
    return isinstance(kind, Leaf) and kind.value == "HelmRelease"
