"""What plans to admit, offboard, rotate and replace an identity share: rules and files that change as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from fluxsecrets.errors import DataKeyError, Tried
from fluxsecrets.ops.files.rekey import FileKeys, file_keys, prepare_target
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.results import FileChange, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.waiting import waits_to_rekey
from fluxsecrets.ops.run.writer import Drafting, Operation, prepare_files, write_files
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.naming import public_id
from fluxsecrets.sops.recipients import Recipient, recipient_key

TYPE_CHECKING = False
if TYPE_CHECKING:  # `rotate` mostly does without the rules and the environments
    from typing import Generic, TypeVar

    from fluxsecrets.ops.run.people import ConfigFile, People
    from fluxsecrets.repo.openers import Openers
    from fluxsecrets.repo.tree import Tree
    from fluxsecrets.sops.config_edit import EditedConfig
    from fluxsecrets.sops.config_places import SharedList

    Step = TypeVar("Step")

    class _WithStep(Generic[Step]): ...
else:

    class _WithStep:
        """The generic base, without `typing`."""

        __slots__ = ()

        def __class_getitem__(cls, _step: object) -> type:
            return cls


Watch = Callable[[Iterator[Prepared], int], Iterable[Prepared]]
"""Passes on what is prepared, and may show progress; the number is that of all files."""


@dataclass(frozen=True, slots=True)
class KeyHolders:
    """Finds out whom to ask about a file that the caller can't open.

    Attributes:
        gone: a recipient that is being removed, and is not asked.
    """

    tree: Tree = field(repr=False)
    people: People = field(repr=False)
    gone: Recipient | None = None

    def of(self, files: Iterable[tuple[FileKeys, Tried | None]]) -> dict[Openers, tuple[str, ...]]:
        """Return the paths of files, as shown, by those who can open them.

        Keys that the caller may have after all are nobody to ask. A file that has no others is left out.

        Args:
            files: the recipients of each, and what the caller tried.
        """
        from fluxsecrets.repo.clusterkeys import keys_of_clusters
        from fluxsecrets.repo.openers import openers

        clusters = keys_of_clusters(self.tree, self.people.recipients.values(), self.people.names)
        gone = {recipient_key(self.gone)} if self.gone is not None else set()
        found: dict[Openers, list[str]] = {}
        for file, tried in files:
            locked = {(each.kind, each.recipient) for each in tried.locked} if tried is not None else set()
            own = {
                recipient_key(each)
                for group in file.groups
                for each in group
                if (each.kind, public_id(each)) in locked
            }
            who = openers(file.groups, file.needed, self.people.names, without=gone | own, clusters=clusters)
            if who.enough or not own:
                found.setdefault(who, []).append(file.shown)
        return {who: tuple(paths) for who, paths in found.items()}


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What became of a plan.

    Attributes:
        files: one result per file.
        stopped: rules and files are as they were, since some files could not be re-keyed.
        waiting: the files that the caller's identities don't open, by those who can open them.
        undecided: those that they may open: a service gave no answer, or an identity stayed locked.
    """

    files: tuple[FileResult, ...]
    stopped: bool = False
    waiting: Mapping[Openers, tuple[str, ...]] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[FileResult, ...]:
        """The files that could not be re-keyed."""
        return tuple(each for each in self.files if each.error is not None)


@dataclass(frozen=True, slots=True)
class Rekeying(_WithStep["Step"]):
    """Files that get new recipients or data keys, and what is written along with them.

    Attributes:
        session: the run, in which the rules are as they will be.
        operation: how they are written as one, with other files such as the rules.
        holders: whom to ask about files that don't open; None if the rules stay as they are.
        record: given the files that stay as they are, what is written down about them.
        added: recipients that files get beside their own and those of their rules.
    """

    session: Session = field(repr=False)
    targets: tuple[Target, ...]
    rekey: Callable[[Session, Step, Target], Prepared]
    step: Step
    operation: Operation
    holders: KeyHolders | None = None
    record: Callable[[Sequence[Target]], Iterable[FileChange]] | None = field(default=None, repr=False)
    added: tuple[Recipient, ...] = ()

    def prepared(self, watch: Watch, drafting: Drafting | None = None) -> tuple[Prepared, ...]:
        """New contents for the files; nothing is written.

        Args:
            watch: see `Watch`.
            drafting: encrypts what `written` gets, while other processes prepare the next files.
        """
        prepare = partial(prepare_target, self.rekey, self.session, self.step)
        waits = partial(waits_to_rekey, self.session, self.added)
        found = watch(prepare_files(prepare, self.targets, waits), len(self.targets))
        return tuple(found if drafting is None else drafting.watched(found))

    def written(
        self, prepared: Sequence[Prepared], drafting: Drafting | None = None
    ) -> tuple[FileResult, ...]:
        """Write prepared files; those that could not be prepared stay as they are.

        Raises:
            FluxsecretsError: it could not be written; nothing was changed.
        """
        operation = replace(self.operation, drafting=drafting)
        if self.record is not None:
            pairs = zip(self.targets, prepared, strict=True)
            failed = [target for target, each in pairs if each.result.error is not None]
            operation = replace(operation, extra=(*operation.extra, *self.record(failed)))
        return tuple(write_files(self.session, prepared, operation))

    def run(self, watch: Watch, *, write: bool, partial: bool = False) -> Rekeyed:
        """Prepare the files, and write them together with the rules: all of it, or nothing.

        Args:
            watch: see `Watch`.
            write: False only reports what would happen.
            partial: change the rules and the files that can be re-keyed; the others stay as they are. If none
                can be re-keyed, nothing changes.

        Raises:
            FluxsecretsError: it could not be written; nothing was changed.
        """
        drafting = Drafting() if write else None
        prepared = self.prepared(watch, drafting)
        stopped = self.stopped(prepared, partial=partial)
        if stopped is not None:
            return stopped
        files = self.written(prepared, drafting) if write else tuple(each.result for each in prepared)
        return Rekeyed(files, waiting=self._waiting(prepared), undecided=_undecided(files))

    def stopped(self, prepared: Sequence[Prepared], *, partial: bool = False) -> Rekeyed | None:
        """Return what to report if nothing may be written; see `run`."""
        failed = sum(each.result.error is not None for each in prepared)
        if not failed or (partial and failed < len(prepared)):
            return None
        files = tuple(map(_left, prepared))
        return Rekeyed(files, stopped=True, waiting=self._waiting(prepared), undecided=_undecided(files))

    def _waiting(self, prepared: Sequence[Prepared]) -> Mapping[Openers, tuple[str, ...]]:
        if self.holders is None:
            return {}
        closed = (
            (file_keys(self.session, target), each.result.error.tried)
            for target, each in zip(self.targets, prepared, strict=True)
            if isinstance(each.result.error, DataKeyError)
        )
        return self.holders.of((look, tried) for look, tried in closed if isinstance(look, FileKeys))


def _undecided(files: Iterable[FileResult]) -> tuple[str, ...]:
    return tuple(each.path for each in files if isinstance(each.error, DataKeyError) and each.error.undecided)


def _left(prepared: Prepared) -> FileResult:
    result = prepared.result
    return result if result.error is not None else FileResult(result.path, Outcome.UNCHANGED)


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
    from fluxsecrets.repo.environments import find_environment, load_environments, shared_files

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
    if applied is None or applied.rule is None:
        return None
    return applied.config.path, applied.rule.index


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
