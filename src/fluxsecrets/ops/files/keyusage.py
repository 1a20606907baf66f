"""Recipients of encrypted files by environment, from their `sops` blocks alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, NotEncryptedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.repo.git import find_repository
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .content import parse
from .rekey import encrypted_targets

ELSEWHERE = ""
"""Key for files without an environment."""


@dataclass(frozen=True, slots=True)
class FileKeys:
    """The recipients of a file.

    Attributes:
        shown: the file as the user would name it.
        path: its path in the repository.
        groups: recipients by key group.
        needed: the number of groups that are needed.
    """

    shown: str
    path: str
    groups: RecipientGroups
    needed: int

    def is_for(self, recipient: Recipient) -> bool:
        """Whether the file is encrypted for a recipient."""
        key = recipient_key(recipient)
        return any(recipient_key(each) == key for group in self.groups for each in group)

    def needs(self, recipient: Recipient) -> bool:
        """Whether the other recipients together can't open the file."""
        key = recipient_key(recipient)
        left = [group for group in self.groups if any(recipient_key(each) != key for each in group)]
        return len(left) < self.needed


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The encrypted files of a repository.

    Attributes:
        root: the repository's root, or the working directory.
        files: the encrypted files.
        environments: the paths of each environment's files, ordered by name.
        errors: files that could not be read.
    """

    root: Path
    files: tuple[FileKeys, ...] = ()
    environments: Mapping[str, frozenset[str]] = field(default_factory=dict)
    errors: tuple[FluxsecretsError, ...] = ()

    def files_for(self, recipient: Recipient) -> dict[str, int]:
        """Return the number of a recipient's files by environment. A shared file counts in each."""
        paths = {file.path for file in self.files if file.is_for(recipient)}
        counts = {name: len(paths & own) for name, own in self.environments.items()}
        counts[ELSEWHERE] = len(paths.difference(*self.environments.values()))
        return {name: count for name, count in counts.items() if count}

    def only_for(self, recipient: Recipient) -> tuple[str, ...]:
        """Return the files that nobody could open without a recipient."""
        return tuple(file.shown for file in self.files if file.needs(recipient))

    def recipients(self, environment: str) -> dict[tuple[str, str], Recipient]:
        """Return all recipients of an environment's files, by `recipient_key`."""
        own = self.environments.get(environment, frozenset())
        found = (file.groups for file in self.files if file.path in own)
        return {recipient_key(each): each for groups in found for group in groups for each in group}


def read_usage(session: Session) -> KeyUsage:
    """Read every encrypted file of the current repository. This needs no identity.

    Raises:
        ConfigError: the repository's settings are invalid.
        GitError: git failed.
    """
    repository = find_repository(session.cwd)
    if repository is None:
        return KeyUsage(session.cwd)
    from fluxsecrets.repo.environments import list_environments, load_environment
    from fluxsecrets.repo.tree import open_tree

    targets, _ = encrypted_targets(select(session, ()))
    looks = tuple(run_jobs(partial(file_keys, session), targets))
    tree = open_tree(session.cwd, limits=session.limits)
    environments = (load_environment(tree, root) for root in list_environments(tree))
    return KeyUsage(
        repository.root,
        tuple(look for look in looks if isinstance(look, FileKeys)),
        {each.name: each.files | frozenset(each.generator_files) for each in environments},
        tuple(look for look in looks if isinstance(look, FluxsecretsError)),
    )


def file_keys(session: Session, target: Target) -> FileKeys | FluxsecretsError:
    """Return the recipients of a file, or why they are unknown."""
    try:
        if target.problem is not None:
            raise target.problem
        content = read_file(target.path, limit=session.limits.size)
        metadata = parse(make_format(target.format), content.data, session.limits).metadata
        if metadata is None:
            raise NotEncryptedError("the file is not encrypted")
    except FluxsecretsError as error:
        if error.path == str(target.path):
            error.path = target.shown
        return error.in_file(target.shown)
    groups = metadata.recipients
    needed = 1 if len(groups) == 1 else metadata.shamir_threshold or len(groups)
    return FileKeys(target.shown, target.repository_path or target.shown, groups, needed)
