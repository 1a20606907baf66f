"""Somebody leaves: out of the rules, new data keys for all that they could open, and what they have read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.marks.filenames import KEYS_FOLDER, PUBLIC_KEY_SUFFIX, SETTINGS_NAME
from fluxsecrets.ops.files.datakeys import former_readers
from fluxsecrets.ops.files.keyusage import FileKeys, file_keys
from fluxsecrets.ops.files.rekey import encrypted_targets
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_file
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import People, find_person, read_people
from fluxsecrets.ops.run.results import FileChange, FileResult, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import Operation, make_ready, write_files
from fluxsecrets.repo.environments import load_environments, shared_files
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config_edit import EditedConfig, remove_recipient
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .exposure import FileHistory, LeftValue, file_histories, values_readable_by
from .leavers import Leaving, doubtful_files, leaving_path, read_leaving, today
from .rotate import RotateOptions, prepare_rotation

COMMAND = "recipients remove"


@dataclass(frozen=True, slots=True)
class RemoveOptions:
    """Who leaves, and what.

    Attributes:
        who: a key, or a name.
        environment: only files of this one; None means everything.
        accept_recipients: go on where a file is encrypted for others than its rule names, or protected less.
        report: look at the history for what they could read, and keep the report.
        write: False only says what would happen.
    """

    who: str
    environment: str | None = None
    accept_recipients: bool = False
    report: bool = True
    write: bool = True


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing somebody would do; nothing has been done.

    Attributes:
        options: how it was asked for.
        recipient: who.
        name: what they are called.
        people: everybody who is named.
        tree: the repository.
        session: in which the rules are as they will be.
        targets: files that get new data keys.
        known_key: those of them that they are not among the recipients of, but whose data key they know.
        rules: lines of rules that change, by `.sops.yaml` as shown.
        extra: rules and public keys as they will be.
        values: what they could read at any time.
        notes: what the user should know, one sentence each.
        doubtful: files whose data key they may know: no identity here can tell.
    """

    options: RemoveOptions
    recipient: Recipient
    name: str
    people: People = field(repr=False)
    tree: Tree = field(repr=False)
    session: Session = field(repr=False)
    targets: tuple[Target, ...]
    known_key: frozenset[str]
    rules: Mapping[str, tuple[int, ...]]
    extra: tuple[FileChange, ...]
    values: tuple[LeftValue, ...]
    notes: tuple[str, ...]
    doubtful: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The plan for people, a line each."""
        where = f" of {self.options.environment}" if self.options.environment else ""
        yield f"plan: {self.name} can open no file{where} any more"
        for path, lines in self.rules.items():
            noun = "rule in line" if len(lines) == 1 else "rules in lines"
            yield f"  {path}: out of the {noun} {', '.join(map(str, lines))}"
        noun = "1 file gets a new data key" if len(self.targets) == 1 else "files get new data keys"
        yield f"  {noun}" if len(self.targets) == 1 else f"  {len(self.targets)} {noun}"
        for target in self.targets:
            if target.path.as_posix() in self.known_key:
                yield f"  {target.shown} is not for {self.name}, but still has a data key that they know"
        for change in self.extra:
            if change.new is None:
                yield f"  {self.session.shown(change.path)} is deleted"


def plan_removal(session: Session, options: RemoveOptions) -> Removal:
    """What removing somebody would do.

    Raises:
        UsageError: there is nobody of that name, or they are nowhere.
        UnprotectedError: a rule would name nobody any more.
        ConfigError: a rule cannot be changed, or there is no such environment.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    people = read_people(session, tree)
    selection = select(session, ())
    if options.write:
        make_ready(target.path for target in selection.targets)
    targets, notes = encrypted_targets(selection)
    looks = tuple(run_jobs(partial(file_keys, session), targets))
    files = {target.repository_path: look for target, look in zip(targets, looks, strict=True)}
    readers = {
        recipient_key(each): each
        for look in looks
        if isinstance(look, FileKeys)
        for group in look.groups
        for each in group
    }
    recipient = find_person(people, options.who, readers.values())
    name = people.name(recipient)
    meant, left_out = _meant(tree, options, targets)
    edits = dict(_edits(session, people, recipient, options, targets, meant))
    changed = session.with_configs({tree.root / path: edit.data for path, edit in edits.items()})
    histories: tuple[FileHistory, ...] = ()
    if options.report and tree.repository is not None:
        histories = file_histories(session, tree, tree.repository)
    knows = (
        _knows_data_key(histories, recipient)
        if options.report
        else _knows_without_report(session, tree, targets, recipient)
    )
    chosen = tuple(
        target
        for target in meant
        if _is_for(files.get(target.repository_path), recipient) or target.repository_path in knows
    )
    if not chosen and not edits and recipient_key(recipient) not in {*people.recipients, *readers}:
        raise UsageError(f"{name} is in no rule, and no file is for them", hint="check the name or key")
    own = {target.repository_path for target in meant}
    values = tuple(
        value
        for value in values_readable_by(histories, recipient)
        if options.environment is None or value.path in own
    )
    whole = options.environment is None
    return Removal(
        options,
        recipient,
        name,
        people,
        tree,
        changed,
        chosen,
        frozenset(
            target.path.as_posix()
            for target in chosen
            if not _is_for(files.get(target.repository_path), recipient)
        ),
        {
            session.shown(tree.root / path): tuple(rule.line for rule in edit.rules)
            for path, edit in edits.items()
            if edit.rules
        },
        tuple(_extra(tree, people, edits, recipient, name, whole=whole, report=bool(histories))),
        values,
        (
            *notes,
            *left_out,
            *_notes(session, tree, edits, recipient, looks, name),
        ),
        doubtful_files(histories, recipient),
    )


def prepare_removal(plan: Removal) -> Iterator[Prepared]:
    """New contents for the files of a plan, with new data keys; nothing is written."""
    options = RotateOptions(
        remove=(plan.recipient,),
        accept_recipients=plan.options.accept_recipients,
        names=plan.people.names,
        write=plan.options.write,
    )
    return prepare_rotation(plan.session, plan.targets, options)


def remove(session: Session, plan: Removal, prepared: Sequence[Prepared]) -> tuple[FileResult, ...]:
    """Do what was planned; files that could not be prepared stay as they are, and are in the results.

    Raises:
        FluxsecretsError: it could not be written; nothing was changed.
    """
    operation = Operation(COMMAND, extra=plan.extra, details={"recipient": plan.recipient.id})
    return tuple(write_files(session, prepared, operation))


def _is_for(look: FileKeys | FluxsecretsError | None, recipient: Recipient) -> bool:
    return isinstance(look, FileKeys) and look.is_for(recipient)


def _meant(
    tree: Tree, options: RemoveOptions, targets: Sequence[Target]
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The files that it is about; what an environment shares with others is not its own to take away."""
    if options.environment is None:
        return tuple(targets), ()
    from fluxsecrets.repo.environments import find_environment

    found = find_environment(tree, options.environment)
    own = found.files | frozenset(found.generator_files)
    shared = shared_files(load_environments(tree))
    meant = [target for target in targets if target.repository_path in own]
    kept = [target for target in meant if target.repository_path in shared]
    notes = tuple(
        f"{target.shown} is shared with "
        f"{', '.join(name for name in shared[target.repository_path or ''] if name != found.name)}, "
        "and left out: leave out --env to take them out of everything"
        for target in kept
    )
    return tuple(target for target in meant if target not in kept), notes


def _edits(
    session: Session,
    people: People,
    recipient: Recipient,
    options: RemoveOptions,
    targets: Sequence[Target],
    meant: Sequence[Target],
) -> Iterator[tuple[str, EditedConfig]]:
    key = recipient_key(recipient)
    for each in people.configs:
        rules: list[int] | None = None
        if options.environment is not None:
            rules = _own_rules(session, each.config.path, targets, meant)
        named = any(
            key in {recipient_key(one) for one in rule.recipients}
            for rule in each.config.rules
            if rules is None or rule.index in rules
        )
        mentioned = rules is None and recipient.id.encode() in each.data
        if named or mentioned:
            edit = remove_recipient(each.data, recipient, path=each.config.path, rules=rules)
            if edit.data != each.data:
                yield each.path, edit


def _own_rules(
    session: Session, config: str, targets: Sequence[Target], meant: Sequence[Target]
) -> list[int]:
    """The rules of a configuration that are for files that are meant, and for no others."""
    inside: set[int] = set()
    outside: set[int] = set()
    chosen = {target.path for target in meant}
    for target in targets:
        applied = session.rules_for(target.path)
        if applied is None or not applied.matches or not applied.matches[-1].matched:
            continue
        if applied.config.path == config:
            index = applied.matches[-1].rule.index
            (inside if target.path in chosen else outside).add(index)
    return sorted(inside - outside)


def _knows_data_key(histories: Sequence[FileHistory], recipient: Recipient) -> frozenset[str]:
    """Files that somebody cannot open by their block, and whose data key they had before."""
    key = recipient_key(recipient)
    return frozenset(
        history.path
        for history in histories
        if history.now is not None and key in {recipient_key(each) for each in history.now.by_key}
    )


def _knows_without_report(
    session: Session, tree: Tree, targets: Sequence[Target], recipient: Recipient
) -> frozenset[str]:
    """The same without what the values were: the data keys of files that were for them once."""
    if tree.repository is None:
        return frozenset()
    paths = [target.repository_path for target in targets if target.repository_path is not None]
    files = {path: tree.read(path) for path in paths if tree.size(path) is not None}
    found = former_readers(session, tree.repository, files)
    key = recipient_key(recipient)
    return frozenset(each.path for each in found if each.now and recipient_key(each.recipient) == key)


def _extra(
    tree: Tree,
    people: People,
    edits: Mapping[str, EditedConfig],
    recipient: Recipient,
    name: str,
    *,
    whole: bool,
    report: bool,
) -> Iterator[FileChange]:
    root = tree.root.resolve()
    data = {each.path: each.data for each in people.configs}
    for path, edit in edits.items():
        yield FileChange(root / path, edit.data, data[path])
    if not whole:
        return
    for path in tree.below(KEYS_FOLDER):
        public = path.endswith(PUBLIC_KEY_SUFFIX) and tree.size(path) is not None
        if public and tuple(read_public_file(root / path)) == (recipient.id,):
            yield FileChange(root / path, None, tree.read(path))
    if report:
        path = leaving_path(name)
        known = read_leaving(root, name)
        before = tree.read(path) if (root / path).exists() else None
        decided = known.decided if known is not None else {}
        leaving = Leaving(name, recipient, today(), decided)
        if leaving.data() != before:
            yield FileChange(root / path, leaving.data(), before, 0o644)


def _notes(
    session: Session,
    tree: Tree,
    edits: Mapping[str, EditedConfig],
    recipient: Recipient,
    looks: Sequence[FileKeys | FluxsecretsError],
    name: str,
) -> Iterator[str]:
    for edit in edits.values():
        for shared in edit.shared:
            lines = ", ".join(map(str, shared.rules))
            yield f"the list &{shared.name} in line {shared.line} is shared by the rules in lines {lines}"
    for look in looks:
        if isinstance(look, FluxsecretsError):
            yield f"{look.path}: could not be looked at, so that there is no saying whether it is for {name}"
    clusters = [
        each.name for each in load_settings(tree).environments if recipient.id in each.cluster_recipients
    ]
    if clusters:
        shown = session.shown(tree.root / SETTINGS_NAME)
        yield f"{shown} names {name} as the cluster of {', '.join(clusters)}: take that out there"
