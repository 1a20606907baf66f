"""The facts that checks of `doctor` look at. Each is found out when a check first asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fluxsecrets.ops.files.rekey import KeyUsage, read_usage
from fluxsecrets.ops.hooks.ciphertexts import Sorted, repository_files
from fluxsecrets.ops.people.keys import KeyList, list_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.bare import any_repository, is_bare_repository
from fluxsecrets.sops.recipients import KINDS, Recipient, recipient_key


@dataclass(frozen=True)
class Facts:
    """What is known of this clone and of this machine.

    An attribute raises a FluxsecretsError if it can't be found out.
    """

    session: Session

    @cached_property
    def repository(self) -> Repository | None:
        """The repository of the working directory, or None outside of one."""
        return any_repository(self.session.cwd)

    @property
    def is_bare(self) -> bool:
        """Whether the repository has no work tree."""
        return self.repository is not None and is_bare_repository(self.repository)

    @cached_property
    def files(self) -> Sorted:
        """The files of the repository, by whether they hold ciphertexts."""
        return Sorted((), ()) if self.repository is None else repository_files(self.repository)

    @cached_property
    def usage(self) -> KeyUsage:
        """The encrypted files with their recipients, and those of each environment."""
        return read_usage(self.session)

    @cached_property
    def keys(self) -> KeyList:
        """The user's identities. No passphrase is asked for, and no keyring opened."""
        return list_keys(self.session, self.usage)

    @cached_property
    def service_keys(self) -> tuple[Recipient, ...]:
        """The keys of services that encrypted files are for, and for which there are credentials here."""
        met = (each for file in self.usage.files for group in file.groups for each in group)
        found = {recipient_key(each): each for each in met if not KINDS[each.kind].local}
        return tuple(each for each in found.values() if self.session.providers[each.kind].owns(each))
