"""The facts that checks of `doctor` look at. Each is found out when a check first asks for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.flux.release import Release, find_release
from fluxsecrets.marks import is_rules_file
from fluxsecrets.ops.checks.checking import allowed_files
from fluxsecrets.ops.files.rekey import KeyUsage, read_usage
from fluxsecrets.ops.hooks.ciphertexts import Sorted, repository_files
from fluxsecrets.ops.hooks.place import hooks_folder
from fluxsecrets.ops.people.ownkeys import KeyList, list_keys
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import discover
from fluxsecrets.repo.environments import Environment, load_reached
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.bare import any_repository, is_bare_repository
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config import SopsConfig
from fluxsecrets.sops.recipients import KINDS, Recipient, recipient_key


@dataclass(frozen=True)
class Facts:
    """What is known of this clone and of this machine; of an environment's files, if one is named.

    An attribute raises a FluxsecretsError if it can't be found out.

    Attributes:
        agent: the version of the agent that runs, or None; empty if it does not tell.
    """

    session: Session
    version: str
    environment: str | None = None
    agent: str | None = None

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
        if self.repository is None:
            return Sorted((), ())
        return repository_files(self.repository, None if self.tree is None else self.tree.listed)

    @cached_property
    def hooks_folder(self) -> Path | None:
        """Where git looks for the hooks of this work tree; None outside of one."""
        return None if self.repository is None or self.is_bare else hooks_folder(self.repository)

    @cached_property
    def usage(self) -> KeyUsage:
        """The encrypted files with their recipients, and those of each environment."""
        usage = read_usage(self.session, None if self.tree is None else self.environments)
        if self.environment is None:
            return usage
        if self.environment not in usage.environments:
            known = ", ".join(usage.environments) or "none"
            near = get_close_matches(self.environment, usage.environments, n=1)
            raise UsageError(
                f"there is no environment {self.environment!a}; there are {known}",
                hint=f"did you mean {near[0]}?" if near else "see `fluxsecrets env list`",
            )
        paths = usage.environments[self.environment]
        return replace(
            usage,
            files=tuple(file for file in usage.files if file.path in paths),
            environments={self.environment: paths},
        )

    @cached_property
    def tree(self) -> Tree | None:
        """The files of the work tree that git tracks or would track; None outside of one."""
        if self.repository is None or self.is_bare:
            return None
        return open_tree(self.session.cwd, limits=self.session.limits)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """All environments, without what is encrypted for them outside of Flux."""
        return () if self.tree is None else load_reached(self.tree)

    @cached_property
    def releases(self) -> Mapping[str, Release | None]:
        """The version of Flux of each environment; None where nothing says it."""
        if self.tree is None:
            return {}
        settings = load_settings(self.tree)
        return {
            each.name: find_release(each.graph, each.name, settings, None)
            for each in self.environments
            if self.environment in (None, each.name)
        }

    @cached_property
    def contexts(self) -> tuple[str, ...]:
        """The environments for which the settings name a context of kubectl."""
        named = () if self.tree is None else load_settings(self.tree).environments
        return tuple(
            each.name for each in named if each.context is not None and self.environment in (None, each.name)
        )

    @cached_property
    def plain(self) -> tuple[str, ...]:
        """The files with secrets in plain text that nothing allows, by path, sorted."""
        if self.tree is None:
            return ()
        own = None if self.environment is None else self.usage.environments[self.environment]
        found = [
            each.path for each in discover(self.tree, paths=own) if not each.encrypted and not each.error
        ]
        allowed = allowed_files(self.session, [self.tree.root / path for path in found], self.tree)
        return tuple(path for path in found if os.path.realpath(self.tree.root / path) not in allowed)

    @cached_property
    def rules(self) -> Mapping[str, SopsConfig | FluxsecretsError]:
        """Each `.sops.yaml` of the work tree, or what is wrong with it, by path."""
        if self.tree is None:
            return {}
        return {path: self._rules(self.tree.root / path) for path in self.tree.paths if is_rules_file(path)}

    def _rules(self, path: Path) -> SopsConfig | FluxsecretsError:
        try:
            return self.session.load_config(path)
        except FluxsecretsError as error:
            return error

    @cached_property
    def recipients(self) -> tuple[Recipient, ...]:
        """The recipients of encrypted files, and of valid rules."""
        of_files = (each for file in self.usage.files for group in file.groups for each in group)
        valid = (each for each in self.rules.values() if isinstance(each, SopsConfig))
        of_rules = (each for config in valid for rule in config.rules for each in rule.recipients)
        met = (*of_files, *(of_rules if self.environment is None else ()))
        return tuple({recipient_key(each): each for each in met}.values())

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

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Names of recipients, from `keys/` and from the rules, by recipient."""
        found: dict[str, str] = {}
        for config in self.rules.values():
            for rule in config.rules if isinstance(config, SopsConfig) else ():
                found.update(rule.names)
        return {**found, **read_public_keys(self.usage.root)}
