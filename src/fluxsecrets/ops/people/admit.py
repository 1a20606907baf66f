"""Somebody comes: into the rules, and into the files that these rules are for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks.filenames import KEYS_FOLDER
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.keyusage import FileKeys, file_keys
from fluxsecrets.ops.files.rekey import (
    RekeyResult,
    changes_between,
    encrypted_targets,
    flat,
    prepare_target,
    warnings_of_recipients,
    with_same_data_key,
)
from fluxsecrets.ops.policy.strangers import judge, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of, read_public_file
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import People, cluster_keys, find_person, read_people
from fluxsecrets.ops.run.results import FileChange, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import Operation, make_ready, prepare_files, replacing, write_files
from fluxsecrets.repo.environments import load_environments, shared_files
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config_edit import EditedConfig, add_recipient
from fluxsecrets.sops.envelope import RecipientGroups, check_recipients
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.recipients import Recipient, recipient_key

COMMAND = "recipients add"


@dataclass(frozen=True, slots=True)
class AddOptions:
    """Who comes, and to what.

    Attributes:
        who: a key, or a name.
        name: what they are called from now on, if they have no name yet.
        paths: files and folders; empty where an environment or everything is meant.
        environment: all files of one, but what it shares with others.
        shared: also what it shares with others.
        group: the key group, from 1, in rules that have several.
        accept_recipients: go on where a file is encrypted for others than its rule names, or protected less.
        write: False only says what would happen.
    """

    who: str
    name: str | None = None
    paths: tuple[str, ...] = ()
    environment: str | None = None
    shared: bool = False
    group: int | None = None
    accept_recipients: bool = False
    write: bool = True


@dataclass(frozen=True, slots=True)
class Addition:
    """What adding somebody would do; nothing has been done.

    Attributes:
        options: how it was asked for.
        recipient: who.
        name: what they are called.
        people: everybody who is named.
        session: in which the rules are as they will be.
        targets: files that they can open then.
        rules: lines of rules that change, by `.sops.yaml` as shown.
        extra: rules and public keys as they will be.
        notes: what the user should know, one sentence each.
    """

    options: AddOptions
    recipient: Recipient
    name: str
    people: People = field(repr=False)
    session: Session = field(repr=False)
    targets: tuple[Target, ...]
    rules: Mapping[str, tuple[int, ...]]
    extra: tuple[FileChange, ...]
    notes: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The plan for people, a line each."""
        count = "1 file" if len(self.targets) == 1 else f"{len(self.targets)} files"
        yield f"plan: {self.name} can open {count} from now on"
        for path, lines in self.rules.items():
            noun = "rule in line" if len(lines) == 1 else "rules in lines"
            yield f"  {path}: into the {noun} {', '.join(map(str, lines))}"


def plan_addition(session: Session, options: AddOptions) -> Addition:
    """What adding somebody would do.

    Raises:
        UsageError: there is nobody of that name, or no rule that is for the files that were named alone.
        RecipientError: they cannot be encrypted for.
        ConfigError: a rule cannot be changed, or there is no such environment.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    people = read_people(session, tree)
    everything = select(session, ())
    if options.write:
        make_ready(target.path for target in everything.targets)
    targets, _ = encrypted_targets(everything)
    recipient = find_person(people, options.who)
    name = people.names.get(recipient.id) or options.name or people.name(recipient)
    check_recipients(((recipient,),), session.providers)
    meant, notes = _meant(session, tree, options, targets)
    chosen, more = _rules(session, people, options, targets, meant)
    edits = dict(_edits(people, tree, settings_names(tree, people), recipient, options, chosen))
    changing = chosen | {
        (each.config.path, rule.index)
        for each in people.configs
        if each.path in edits
        for rule in edits[each.path].rules
    }
    if not changing:
        raise UsageError(
            "there is no rule that is for these files alone",
            details=[*notes, *more],
            hint="give them a rule of their own in .sops.yaml, or add --shared",
        )
    changed = session.with_configs({tree.root / path: edit.data for path, edit in edits.items()})
    files = [target for target in targets if _rule(session, target) in changing]
    looks = tuple(run_jobs(partial(file_keys, session), files))
    files = [target for target, look in zip(files, looks, strict=True) if not _is_for(look, recipient)]
    return Addition(
        options,
        recipient,
        name,
        people,
        changed,
        tuple(files),
        {
            session.shown(tree.root / path): tuple(rule.line for rule in edit.rules)
            for path, edit in edits.items()
            if edit.rules
        },
        tuple(_extra(tree, people, edits, recipient, options)),
        (*everything.notes, *notes, *more, *_shared_notes(edits)),
    )


def prepare_addition(plan: Addition) -> Iterator[Prepared]:
    """New contents for the files of a plan; their values stay as they are, and nothing is written."""
    return prepare_files(partial(prepare_target, _prepare, plan.session, _step(plan)), plan.targets)


def add(session: Session, plan: Addition, prepared: Sequence[Prepared]) -> tuple[FileResult, ...]:
    """Do what was planned; files that could not be prepared stay as they are, and are in the results.

    Raises:
        FluxsecretsError: it could not be written; nothing was changed.
    """
    operation = Operation(COMMAND, extra=plan.extra, details={"recipient": plan.recipient.id})
    return tuple(write_files(session, prepared, operation))


def _step(plan: Addition) -> _Step:
    names = {plan.recipient.id: plan.name, **plan.people.names}
    return _Step(plan.recipient, plan.options.accept_recipients, names, plan.options.write)


def _meant(
    session: Session, tree: Tree, options: AddOptions, targets: Sequence[Target]
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    if options.paths:
        named, _ = encrypted_targets(select(session, options.paths))
        for target in named:
            if target.problem is not None:
                raise target.problem
        return named, ()
    if options.environment is None:
        return tuple(targets), ()
    from fluxsecrets.repo.environments import find_environment

    found = find_environment(tree, options.environment)
    own = found.files | frozenset(found.generator_files)
    meant = [target for target in targets if target.repository_path in own]
    if options.shared:
        return tuple(meant), ()
    shared = shared_files(load_environments(tree))
    left = [target for target in meant if target.repository_path in shared]
    notes = tuple(
        f"{target.shown} is shared with "
        f"{', '.join(name for name in shared[target.repository_path or ''] if name != found.name)}, "
        "and left out; --shared includes it"
        for target in left
    )
    return tuple(target for target in meant if target not in left), notes


_Rule = tuple[str, int]
"""A configuration, as shown, and the number of a rule in it."""


def _rule(session: Session, target: Target) -> _Rule | None:
    try:
        applied = session.rules_for(target.path)
    except FluxsecretsError:
        return None
    if applied is None or not applied.matches or not applied.matches[-1].matched:
        return None
    return applied.config.path, applied.matches[-1].rule.index


def _rules(
    session: Session,
    people: People,
    options: AddOptions,
    targets: Sequence[Target],
    meant: Sequence[Target],
) -> tuple[frozenset[_Rule], tuple[str, ...]]:
    """The rules of the files that are meant; those that others follow too are left out, but for --shared."""
    chosen = {target.path for target in meant}
    inside = {rule for target in meant if (rule := _rule(session, target)) is not None}
    if options.shared:
        return frozenset(inside), ()
    others: dict[_Rule, int] = {}
    for target in targets:
        followed = _rule(session, target)
        if followed is not None and followed in inside and target.path not in chosen:
            others[followed] = others.get(followed, 0) + 1
    lines = {
        (each.config.path, rule.index): rule.line for each in people.configs for rule in each.config.rules
    }
    notes = []
    for place, count in sorted(others.items()):
        what = "1 other file follows" if count == 1 else f"{count} other files follow"
        notes.append(f"{place[0]}:{lines[place]}: {what} this rule, so it is left out; --shared includes it")
    return frozenset(inside - others.keys()), tuple(notes)


def settings_names(tree: Tree, people: People) -> frozenset[tuple[str, str]]:
    """The keys of clusters, by `recipient_key`: people stand before them in lists."""
    settings = load_settings(tree)
    environments = load_environments(tree, settings)
    return frozenset(
        recipient_key(key)
        for each in environments
        for key in cluster_keys(each.name, settings, people.recipients.values(), people.names)
    )


def _edits(
    people: People,
    tree: Tree,
    clusters: frozenset[tuple[str, str]],
    recipient: Recipient,
    options: AddOptions,
    chosen: frozenset[_Rule],
) -> Iterator[tuple[str, EditedConfig]]:
    name = people.names.get(recipient.id) or options.name
    for each in people.configs:
        rules = [index for path, index in chosen if path == each.config.path]
        persons = [
            one
            for index in rules
            for one in each.config.rules[index].recipients
            if recipient_key(one) not in clusters
        ]
        if options.group is None:
            for index in rules:
                if len(each.config.rules[index].key_groups) > 1:
                    raise UsageError(
                        "this rule has several key groups",
                        path=each.config.path,
                        line=each.config.rules[index].line,
                        hint="say which one with --group 1",
                    )
        if rules:
            edit = add_recipient(
                each.data,
                recipient,
                rules,
                path=each.config.path,
                name=name,
                behind=persons,
                group=(options.group or 1) - 1,
            )
            if edit.data != each.data:
                yield each.path, edit


def _is_for(look: FileKeys | FluxsecretsError, recipient: Recipient) -> bool:
    return isinstance(look, FileKeys) and look.is_for(recipient)


def _extra(
    tree: Tree,
    people: People,
    edits: Mapping[str, EditedConfig],
    recipient: Recipient,
    options: AddOptions,
) -> Iterator[FileChange]:
    root = tree.root.resolve()
    data = {each.path: each.data for each in people.configs}
    for path, edit in edits.items():
        yield FileChange(root / path, edit.data, data[path])
    if options.name is None:
        return
    path = f"{KEYS_FOLDER}/{options.name}.pub"
    if not (root / path).exists():
        yield FileChange(root / path, f"{recipient.id}\n".encode(), None, 0o644)
    elif recipient.id not in read_public_file(root / path):
        raise UsageError(f"{path} is somebody else's", hint="choose another name")


def _shared_notes(edits: Mapping[str, EditedConfig]) -> Iterator[str]:
    for edit in edits.values():
        for shared in edit.shared:
            lines = ", ".join(map(str, shared.rules))
            yield f"the list &{shared.name} in line {shared.line} is shared by the rules in lines {lines}"


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens to each file."""

    recipient: Recipient
    accept_recipients: bool
    names: Mapping[str, str]
    write: bool


def _prepare(session: Session, step: _Step, target: Target) -> Prepared:
    content = read_file(target.path, limit=session.limits.size)
    applied = session.rules_for(target.path)
    format_ = make_format(target.format, *([applied.config.stores] if applied is not None else []))
    opened = open_file(format_, content.data, session.providers, session.limits)
    metadata = opened.metadata
    if not step.accept_recipients:
        refuse(judge(session, target.path, metadata, opened.opened.document), step.names)
    rule = applied.matches[-1].rule if applied is not None and applied.matches else None
    groups = _groups(metadata.recipients, rule.key_groups if rule is not None else (), step.recipient)
    new = with_same_data_key(session, opened, groups, metadata.shamir_threshold)
    added, removed = changes_between(flat(metadata.recipients), flat(groups), step.names)
    result = RekeyResult(
        target.shown,
        Outcome.SYNCED if step.write else Outcome.WOULD_SYNC,
        opened.values,
        names_of(groups, step.names),
        (*opened.warnings, *warnings_of_recipients(session, groups, metadata.shamir_threshold, step.names)),
        added=added,
        removed=removed,
    )
    return Prepared(result, replacing(content, new) if step.write else None)


def _groups(groups: RecipientGroups, ruled: RecipientGroups, recipient: Recipient) -> RecipientGroups:
    """A file's recipients with one more, in the group and in the order of the rule."""
    key = recipient_key(recipient)
    number = next((n for n, group in enumerate(ruled) if key in map(recipient_key, group)), 0)
    number = min(number, len(groups) - 1)
    before: set[tuple[str, str]] = set()
    for each in ruled[number] if number < len(ruled) else ():
        if recipient_key(each) == key:
            break
        before.add(recipient_key(each))
    group = groups[number]
    at = max((n + 1 for n, each in enumerate(group) if recipient_key(each) in before), default=0)
    return (*groups[:number], (*group[:at], recipient, *group[at:]), *groups[number + 1 :])
