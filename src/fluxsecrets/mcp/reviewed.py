"""Whether a person has seen the rules by which a tool would work: those that are committed.

An agent can edit files. With a recipient of its own in `.sops.yaml`, the next write would hand it the data
key of a file; with a server of its own, the next read would send it a token.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import RULES_NAME, SETTINGS_NAME, is_public_key, is_rules_file
from fluxsecrets.ops.policy.trust import rule_files
from fluxsecrets.repo.checkout import resolve
from fluxsecrets.repo.git import BLOB_LIMIT, Repository, find_repository
from fluxsecrets.repo.git.worktree import changed_since_head
from fluxsecrets.repo.states import commit_state
from fluxsecrets.sops.formats import Limits, format_for_path, make_format
from fluxsecrets.sops.recipients import RecipientKey, recipient_key


def unreviewed(root: Path, paths: Collection[str] = ()) -> tuple[str, ...]:
    """Return the rules, settings and public keys that differ from HEAD, are new or are gone.

    Args:
        root: of the repository.
        paths: rules beside and above these files count too, even if git ignores them.

    Raises:
        GitError: git can't read the repository.
    """
    repository = find_repository(root)
    if repository is None:
        return ()
    committed = {path for path in _files_at_head(repository) if _decides(path)}
    present = {path for path in repository.files() if _decides(path)}
    names = committed | present | {RULES_NAME, SETTINGS_NAME} | set(rule_files(paths))
    there = {path for path in names if os.path.lexists(root / path)}
    return tuple(sorted(changed_since_head(repository, there) | (committed - there)))


def _files_at_head(repository: Repository) -> Collection[str]:
    return commit_state(repository, resolve(repository, "HEAD")).entries if repository.has_head() else ()


def _decides(path: str) -> bool:
    return path == SETTINGS_NAME or is_rules_file(path) or is_public_key(path)


def refuse_unreviewed(root: Path, path: str) -> None:
    """Refuse to write to a file while nobody has seen who would get its data key.

    Raises:
        UnprotectedError: the rules differ from HEAD, or the file has a recipient that it does not have there.
        FluxsecretsError: the file can't be read.
    """
    changed = unreviewed(root, (path,))
    if changed:
        raise UnprotectedError(
            f"{changed[0]} differs from the last commit, and tools write by rules that a person has seen",
            hint="ask a person to review and commit it",
            path=changed[0],
        )
    repository = find_repository(root)
    if repository is None:
        return
    now = _protection(_now(root, path), path)
    if now == _Protection():
        return  # a plain file, which tools refuse
    before = repository.read_head_blobs([path]).contents.get(path)
    if before is None or not now.is_within(_protection(before, path)):
        raise UnprotectedError(
            "the file's recipients, selector or threshold are not those of the last commit",
            hint="ask a person to review and commit the file",
            path=path,
        )


class _Protection(NamedTuple):
    """For whom a file is encrypted, and how much of it."""

    recipients: frozenset[RecipientKey] = frozenset()
    rest: object = None

    def is_within(self, before: _Protection) -> bool:
        """Whether nobody new can read the file, and what is encrypted is chosen as before."""
        return self.recipients <= before.recipients and self.rest == before.rest


def _protection(data: bytes, path: str) -> _Protection:
    """Return the protection that a file's `sops` block claims; nothing is decrypted."""
    try:
        metadata = make_format(format_for_path(path)).parse(data, Limits()).metadata
    except FluxsecretsError as error:
        raise error.in_file(path) from None
    if metadata is None:
        return _Protection()
    recipients = frozenset(recipient_key(each) for group in metadata.recipients for each in group)
    return _Protection(
        recipients, (metadata.selector, metadata.shamir_threshold, metadata.mac_only_encrypted)
    )


def _now(root: Path, path: str) -> bytes:
    try:
        return read_file(root / path, limit=BLOB_LIMIT, follow_links=True).data
    except FluxsecretsError as error:
        raise error.in_file(path) from None
