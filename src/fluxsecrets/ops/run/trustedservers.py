"""The servers that may get the user's credentials: those that the configuration or the command line names.

The configuration is what belongs to the working directory: `--config`, or the nearest `.sops.yaml` from there
upwards and those that git tracks in the same repository; and `trusted_servers` in `.fluxsecrets.yaml`. A rule
that lies beside a file in another repository, in a submodule or in a download names nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import RULES_NAME, is_rules_file
from fluxsecrets.records import dataclass, field

from .logged import root_with_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fluxsecrets.repo.tree import Tree
    from fluxsecrets.sops.recipients import Recipient


@dataclass(slots=True)
class TrustedServers:
    """What names servers. Nothing is read before a provider asks; pickled for worker processes.

    Attributes:
        cwd: the working directory.
        config: `--config`, which counts in place of all other rules; or None.
        limit: bytes of a `.sops.yaml`.
        given: the recipients of the command line.
    """

    cwd: Path
    config: Path | None
    limit: int
    given: list[Recipient] = field(default_factory=list)
    _in_rules: tuple[Recipient, ...] | None = None
    _in_settings: tuple[str, ...] | None = None
    _included: dict[str, bool] = field(default_factory=dict)

    def recipients(self) -> tuple[Recipient, ...]:
        """Return the recipients of the command line and of all rules. An invalid `.sops.yaml` names none."""
        if self._in_rules is None:
            self._in_rules = tuple(_recipients(self._rules()))
        return (*self.given, *self._in_rules)

    def addresses(self) -> tuple[str, ...]:
        """Return `trusted_servers` of the settings.

        Raises:
            ConfigError, FileAccessError: the settings are invalid, or can't be read.
        """
        if self._in_settings is None:
            from fluxsecrets.repo.settings import load_settings

            root = root_with_settings(os.path.realpath(self.cwd))
            self._in_settings = () if root is None else load_settings(Path(root)).trusted_servers
        return self._in_settings

    def take(self, tree: Tree, servers: Iterable[str]) -> None:
        """Let the rules and the settings of a state count in place of those of the working directory.

        Args:
            tree: the files of the state.
            servers: `trusted_servers` of its settings.
        """
        self._in_settings = tuple(servers)
        self._in_rules = tuple(_recipients(_rules_of(tree)))

    def includes(self, path: Path) -> bool:
        """Return whether a `.sops.yaml` belongs to the configuration; an absolute path."""
        real = os.path.realpath(path)
        if real not in self._included:
            self._included[real] = any(os.path.realpath(each) == real for each in self._paths())
        return self._included[real]

    def _paths(self) -> Iterator[Path]:
        if self.config is not None:
            yield self.config
            return
        yield from self._nearest()
        yield from self._tracked()

    def _rules(self) -> Iterator[bytes]:
        for path in dict.fromkeys(self._paths()):
            with suppress(FluxsecretsError):
                yield read_file(path, limit=self.limit, follow_links=True).data

    def _nearest(self) -> Iterator[Path]:
        for folder in (self.cwd, *self.cwd.parents):
            if (folder / RULES_NAME).is_file():
                yield folder / RULES_NAME
                return

    def _tracked(self) -> Iterator[Path]:
        from fluxsecrets.repo.git import find_repository

        with suppress(FluxsecretsError):
            repository = find_repository(self.cwd)
            if repository is not None:
                listed = os.fsdecode(repository.run("ls-files", "-z", "--cached")).split("\0")
                yield from (repository.root / path for path in listed if is_rules_file(path))


def _rules_of(tree: Tree) -> Iterator[bytes]:
    for path in filter(is_rules_file, tree.paths):
        with suppress(FluxsecretsError):
            yield tree.read(path)


def _recipients(rules: Iterable[bytes]) -> Iterator[Recipient]:
    from fluxsecrets.sops.config import parse_config

    for data in rules:
        with suppress(FluxsecretsError):
            config = parse_config(data, path=RULES_NAME)
            copies = (each.recreation for each in config.destinations if each.recreation is not None)
            for rule in (*config.rules, *copies):
                yield from rule.recipients
