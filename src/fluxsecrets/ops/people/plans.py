"""What plans to admit, offboard, rotate and replace an identity share: rules and files that change as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from fluxsecrets.ops.files.rekey import prepare_target
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.people import ConfigFile
from fluxsecrets.ops.run.results import FileChange, FileResult, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import Operation, prepare_files, write_files
from fluxsecrets.repo.environments import find_environment, load_environments, shared_files
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.config_edit import EditedConfig
from fluxsecrets.sops.config_places import SharedList

Step = TypeVar("Step")
Watch = Callable[[Iterator[Prepared], int], Iterable[Prepared]]
"""Passes on what is prepared, and may show progress; the number is that of all files."""


@dataclass(frozen=True, slots=True)
class Rekeying(Generic[Step]):
    """Files that get new recipients or data keys, and what is written along with them.

    Attributes:
        session: the run, in which the rules are as they will be.
        operation: how they are written as one, with other files such as the rules.
    """

    session: Session = field(repr=False)
    targets: tuple[Target, ...]
    rekey: Callable[[Session, Step, Target], Prepared]
    step: Step
    operation: Operation

    def prepared(self, watch: Watch) -> tuple[Prepared, ...]:
        """New contents for the files; nothing is written."""
        prepare = partial(prepare_target, self.rekey, self.session, self.step)
        return tuple(watch(prepare_files(prepare, self.targets), len(self.targets)))

    def written(self, prepared: Sequence[Prepared]) -> tuple[FileResult, ...]:
        """Write prepared files; those that could not be prepared stay as they are.

        Raises:
            FluxsecretsError: it could not be written; nothing was changed.
        """
        return tuple(write_files(self.session, prepared, self.operation))

    def run(self, watch: Watch, *, write: bool) -> tuple[FileResult, ...]:
        """Prepare the files, and write them unless it is only to be seen what would happen."""
        prepared = self.prepared(watch)
        return self.written(prepared) if write else tuple(each.result for each in prepared)


@dataclass(frozen=True, slots=True)
class RuleEdits:
    """Changes of the `.sops.yaml` files of a repository: each file as it is and as it will be."""

    tree: Tree = field(repr=False)
    edits: tuple[tuple[ConfigFile, EditedConfig], ...]

    def applied(self, session: Session) -> Session:
        """The same run, in which the rules are as they will be."""
        return session.with_configs({self.tree.root / file.path: edit.data for file, edit in self.edits})

    def lines(self, session: Session) -> Mapping[str, tuple[int, ...]]:
        """The lines of the rules that change, by `.sops.yaml` as shown to the user."""
        return {
            session.shown(self.tree.root / file.path): tuple(rule.line for rule in edit.rules)
            for file, edit in self.edits
            if edit.rules
        }

    def shared_lists(self) -> tuple[SharedList, ...]:
        """The lists that change for several rules at once."""
        return tuple(each for _, edit in self.edits for each in edit.shared)

    def changes(self) -> Iterator[FileChange]:
        """The files as they will be."""
        for file, edit in self.edits:
            if edit.data != file.data:
                yield FileChange(self.tree.root.resolve() / file.path, edit.data, file.data)


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that other environments use too."""

    path: str
    environments: tuple[str, ...]


def files_of(
    tree: Tree, environment: str, targets: Iterable[Target]
) -> tuple[tuple[Target, ...], tuple[SharedFile, ...]]:
    """The files of an environment, and those of them that it shares with others.

    Raises:
        ConfigError: there is no such environment.
    """
    found = find_environment(tree, environment)
    own = found.files | frozenset(found.generator_files)
    shared = shared_files(load_environments(tree))
    meant = tuple(target for target in targets if target.repository_path in own)
    return meant, tuple(
        SharedFile(target.shown, tuple(name for name in shared[path] if name != found.name))
        for target in meant
        if (path := target.repository_path) in shared and path is not None
    )


RuleKey = tuple[str, int]
"""A `.sops.yaml`, as shown to the user, and the position of a rule in it."""


def rule_of(session: Session, target: Target) -> RuleKey | None:
    """The rule that a file follows.

    Raises:
        ConfigError: the `.sops.yaml` is invalid.
    """
    applied = session.rules_for(target.path)
    if applied is None or not applied.matches or not applied.matches[-1].matched:
        return None
    return applied.config.path, applied.matches[-1].rule.index


def rules_of(session: Session, targets: Iterable[Target], meant: Iterable[Target]) -> Mapping[RuleKey, int]:
    """The rules that some files follow, each with the number of other files that follow it."""
    chosen = {target.path for target in meant}
    inside: set[RuleKey] = set()
    others: Counter[RuleKey] = Counter()
    for target in targets:
        rule = rule_of(session, target)
        if rule is not None and target.path in chosen:
            inside.add(rule)
        elif rule is not None:
            others[rule] += 1
    return {rule: others[rule] for rule in sorted(inside)}
