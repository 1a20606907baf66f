"""Which files of a repository hold ciphertexts: encrypted by SOPS, or SealedSecrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.repo.discover import discover
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.repo.git.bare import is_bare_repository
from fluxsecrets.repo.git.history import tree_files
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.tree import make_tree
from fluxsecrets.sealed.model import KIND, is_sealed

_CHUNK = 32
"""Files that a process looks at before it takes others: most take a look at their bytes only."""


class Sorted(NamedTuple):
    """The files of a repository; paths relative to its root.

    Attributes:
        ciphertexts: files with ciphertexts.
        others: all other files.
        unread: those of the others that could not be read, so that it is unknown what is in them.
        plain: secrets that are still in plain text. They are not among the others.
    """

    ciphertexts: tuple[str, ...]
    others: tuple[str, ...]
    unread: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


def repository_files(repository: Repository, listed: Sequence[str] | None = None) -> Sorted:
    """Sort the files of a work tree, or of HEAD in a bare repository.

    Args:
        repository: with the files.
        listed: what git lists in the work tree; it is asked unless that is given.

    Raises:
        GitError: git failed.
    """
    if not is_bare_repository(repository):
        paths = repository.files() if listed is None else listed
        tree = make_tree(repository.root, paths, repository=repository)
        return sort_files(tree.paths, lambda path: tree.read(path) if tree.size(path) else None)
    if not repository.has_head():
        return Sorted((), ())
    blobs = dict(tree_files(repository, "HEAD"))
    with repository.objects() as read:
        return sort_files(blobs, lambda path: read(blobs[path], BLOB_LIMIT))


def with_plain_secrets(repository: Repository, files: Sorted) -> Sorted:
    """Tell apart secrets that are still plain: they will be encrypted under the same names.

    Raises:
        GitError: git failed.
    """
    if is_bare_repository(repository):
        return files
    tree = make_tree(repository.root, repository.files(), repository=repository)
    try:
        found = discover(tree, paths=files.others, spread=partial(run_jobs, chunk=_CHUNK))
    except ConfigError:  # without valid settings nothing can be encrypted either
        return files
    secrets = {each.path for each in found}
    plain = tuple(each.path for each in found if each.error is None)
    return files._replace(others=tuple(path for path in files.others if path not in secrets), plain=plain)


def sort_files(paths: Iterable[str], read: Callable[[str], bytes | None]) -> Sorted:
    """Sort files by whether they hold ciphertexts; nothing is decrypted.

    Args:
        paths: relative to the root.
        read: gives a file's content; None for a link, or whatever else is not a file.
    """
    ciphertexts: list[str] = []
    others: list[str] = []
    unread: list[str] = []
    for path in paths:
        try:
            data = read(path)
            found = data is not None and holds_ciphertexts(path, data)
        except FluxsecretsError:
            found = False
            unread.append(path)
        (ciphertexts if found else others).append(path)
    return Sorted(tuple(ciphertexts), tuple(others), tuple(unread))


def holds_ciphertexts(path: str, data: bytes) -> bool:
    """Return whether a file is encrypted by SOPS, or has a SealedSecret."""
    if detect_encryption(data, path) is not None:
        return True
    if KIND.encode() not in data or not path.lower().endswith(MANIFEST_SUFFIXES):
        return False
    try:
        return any(is_sealed(manifest) for manifest in read_manifests(data, path).manifests)
    except FluxsecretsError:  # a template: what is made of it may hold one
        return False
