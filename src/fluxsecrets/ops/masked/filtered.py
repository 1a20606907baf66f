"""Files that git encrypts before it stores them, with git-crypt or its kin: they are plain in a work tree."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fluxsecrets.repo.git.attributes import attributes_of
from fluxsecrets.repo.tree import Tree

_SIGNS = ("crypt", "sops", "strongbox", "vault", "gpg", "openssl", "secret", "git-age")
"""One of them is in the name of a filter that encrypts: git-crypt, transcrypt (`crypt`), git-agecrypt."""

_ATTRIBUTES = ".gitattributes"


def filtered_files(tree: Tree, paths: Collection[str]) -> Iterator[str]:
    """Find the files whose filter encrypts them. Of a commit there are none: it has the ciphertext.

    Raises:
        GitError: the attributes can't be read.
        FileAccessError: the same.
    """
    named = [path for path in tree.paths if path.rpartition("/")[2] == _ATTRIBUTES]
    if tree.repository is None or not any(_encrypts(tree.read(path).decode("latin-1")) for path in named):
        return
    found = attributes_of(tree.repository, paths, ("filter",))
    yield from (path for path, each in found.items() if _encrypts(each["filter"]))


def _encrypts(text: str) -> bool:
    return any(sign in text for sign in _SIGNS)
