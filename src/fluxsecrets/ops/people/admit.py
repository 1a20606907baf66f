"""Add a recipient to the rules, and to the files that follow these rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.marks import KEYS_FOLDER
from fluxsecrets.ops.files.encryptedfiles import encrypted_targets
from fluxsecrets.ops.files.rekey import (
    FileKeys,
    file_keys,
    open_target,
    rekeyed,
    with_same_data_key,
)
from fluxsecrets.ops.manifests.meant import require_one_way
from fluxsecrets.ops.policy.strangers import judge, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_file
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import ConfigFile, People, find_person, read_people
from fluxsecrets.ops.run.results import FileChange, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import Operation, make_ready, replacing
from fluxsecrets.repo.clusterkeys import keys_of_clusters
from fluxsecrets.repo.offboarding import read_leavers
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config_edit import EditedConfig, add_recipient
from fluxsecrets.sops.config_places import SharedList
from fluxsecrets.sops.envelope import RecipientGroups, try_recipients
from fluxsecrets.sops.recipients import Recipient, recipient_key, recipient_text

from .plans import (
    KeyHolders,
    Rekeying,
    RuleEdits,
    RuleKey,
    SharedFile,
    files_of,
    rule_of,
    rules_of,
)

COMMAND = "recipients add"


@dataclass(frozen=True, slots=True)
class AdmitRequest:
    """Whom to add, and to which files; the parameters of `recipients add`.

    Attributes:
        who: a key, or a name.
        group: the key group, from 1, in rules that have several.
        partial: go on with the rules and the other files where some can't be re-keyed.
    """

    who: str | None
    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    name: str | None = None
    shared: bool = False
    group: int | None = None
    accept_recipients: bool = False
    partial: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class FollowedRule:
    """A rule that is left out because other files follow it too.

    Attributes:
        path: of the `.sops.yaml`, as shown to the user.
        others: how many other files follow it.
    """

    path: str
    line: int
    others: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What adding somebody would do; nothing has been done.

    Attributes:
        rekeying: the files that they can open then.
        rules: lines of rules that change, by `.sops.yaml` as shown.
        left_out: files that other environments share.
    """

    request: AdmitRequest
    name: str
    rekeying: Rekeying[_Step]
    rules: Mapping[str, tuple[int, ...]]
    shared_lists: tuple[SharedList, ...]
    left_out: tuple[SharedFile, ...]
    followed: tuple[FollowedRule, ...]
    notes: tuple[str, ...]


def plan_addition(session: Session, request: AdmitRequest) -> Addition:
    """What adding somebody would do.

    Raises:
        UsageError: there is no such recipient, or no rule applies to the named files only.
        RecipientError: they cannot be encrypted for.
        ConfigError: a rule cannot be changed, or there is no such environment.
    """
    if not request.who:
        raise UsageError("name the recipient to add", hint="give a public key, or a name")
    require_one_way(request.paths, request.environment, everything=request.everything)
    tree = open_tree(session.cwd, limits=session.limits)
    people = read_people(session, tree)
    everything = select(session, ())
    if not request.dry_run:
        make_ready(target.path for target in everything.targets)
    targets, _ = encrypted_targets(session, everything)
    recipient = find_person(people, request.who)
    name = people.names.get(recipient.id) or request.name or people.name(recipient)
    session.named((recipient,))
    try_recipients(((recipient,),), session.providers)
    meant, left_out = _meant(session, tree, request, targets)
    chosen, followed = _rules(session, people, request, targets, meant)
    edits = RuleEdits(
        tree,
        tuple(
            _edits(
                people,
                keys_of_clusters(tree, people.recipients.values(), people.names),
                recipient,
                request,
                chosen,
            )
        ),
    )
    changing = chosen | {(file.config.path, rule.index) for file, edit in edits.edits for rule in edit.rules}
    if not changing:
        raise UsageError(
            "no rule applies to these files only",
            details=[
                *(f"{each.path} is shared with {', '.join(each.environments)}" for each in left_out),
                *(f"{each.path}:{each.line}: {_others(each.others)} this rule" for each in followed),
            ],
            hint="give them a rule of their own in .sops.yaml, or add --shared",
        )
    files = [target for target in targets if rule_of(session, target) in changing]
    looks = tuple(run_jobs(partial(file_keys, session), files))
    files = [target for target, look in zip(files, looks, strict=True) if not _is_for(look, recipient)]
    names = {recipient.id: name, **people.names}
    extra = (*edits.changes(), *_public_key(tree, recipient, request), *_records(tree, recipient))
    return Addition(
        request,
        name,
        Rekeying(
            edits.applied(session),
            tuple(files),
            _prepare,
            _Step(recipient, request.accept_recipients, names, write=not request.dry_run),
            Operation(COMMAND, extra=extra, details={"recipient": recipient_text(recipient)}),
            KeyHolders(tree, people),
        ),
        edits.lines(session),
        edits.shared_lists(),
        left_out,
        followed,
        everything.notes,
    )


def _others(count: int) -> str:
    return "1 other file follows" if count == 1 else f"{count} other files follow"


def _meant(
    session: Session, tree: Tree, request: AdmitRequest, targets: Sequence[Target]
) -> tuple[tuple[Target, ...], tuple[SharedFile, ...]]:
    if request.paths:
        named, _ = encrypted_targets(session, select(session, request.paths))
        for target in named:
            if target.problem is not None:
                raise target.problem
        return named, ()
    if request.environment is None:
        return tuple(targets), ()
    meant, shared = files_of(tree, request.environment, targets)
    if request.shared:
        return meant, ()
    left = {each.path for each in shared}
    return tuple(target for target in meant if target.shown not in left), shared


def _rules(
    session: Session,
    people: People,
    request: AdmitRequest,
    targets: Sequence[Target],
    meant: Sequence[Target],
) -> tuple[frozenset[RuleKey], tuple[FollowedRule, ...]]:
    """The rules of the chosen files; without --shared not those that other files follow too."""
    rules = rules_of(session, targets, meant)
    if request.shared:
        return frozenset(rules), ()
    lines = {
        (each.config.path, rule.index): rule.line for each in people.configs for rule in each.config.rules
    }
    followed = tuple(FollowedRule(rule[0], lines[rule], count) for rule, count in rules.items() if count)
    return frozenset(rule for rule, count in rules.items() if not count), followed


def _edits(
    people: People,
    clusters: frozenset[tuple[str, str]],
    recipient: Recipient,
    request: AdmitRequest,
    chosen: frozenset[RuleKey],
) -> Iterator[tuple[ConfigFile, EditedConfig]]:
    name = people.names.get(recipient.id) or request.name
    for each in people.configs:
        rules = [each.config.rules[index] for path, index in chosen if path == each.config.path]
        grouped = next((rule for rule in rules if len(rule.key_groups) > 1), None)
        if request.group is None and grouped is not None:
            raise UsageError(
                "this rule has several key groups",
                path=each.config.path,
                line=grouped.line,
                hint="choose one with --group 1",
            )
        if rules:
            edit = add_recipient(
                each.data,
                recipient,
                [rule.index for rule in rules],
                path=each.config.path,
                name=name,
                behind=[
                    one for rule in rules for one in rule.recipients if recipient_key(one) not in clusters
                ],
                group=(request.group or 1) - 1,
            )
            if edit.data != each.data:
                yield each, edit


def _is_for(look: FileKeys | FluxsecretsError, recipient: Recipient) -> bool:
    return isinstance(look, FileKeys) and look.is_for(recipient)


def _public_key(tree: Tree, recipient: Recipient, request: AdmitRequest) -> Iterator[FileChange]:
    if request.name is None:
        return
    path = f"{KEYS_FOLDER}/{request.name}.pub"
    file = tree.root.resolve() / path
    if not file.exists():
        yield FileChange(file, f"{recipient.id}\n".encode(), None, 0o644)
    elif recipient.id not in read_public_file(file):
        raise UsageError(f"{path} holds another key", hint="choose another name")


def _records(tree: Tree, recipient: Recipient) -> Iterator[FileChange]:
    """The record that they left, which goes: they are back."""
    root = tree.root.resolve()
    for each in read_leavers(root)[0]:
        same = recipient_key(each.recipient) == recipient_key(recipient)
        if same and not each.environments and each.path in tree.files:
            yield FileChange(root / each.path, None, tree.read(each.path))


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens to each file."""

    recipient: Recipient
    accept_recipients: bool
    names: Mapping[str, str] = field(repr=False)
    write: bool


def _prepare(session: Session, step: _Step, target: Target) -> Prepared:
    file = open_target(session, target)
    metadata = file.opened.metadata
    if not step.accept_recipients:
        refuse(judge(session, target.path, metadata, file.opened.opened.document), step.names)
    rule = file.applied.rule if file.applied is not None else None
    groups = _groups(metadata.recipients, rule.key_groups if rule is not None else (), step.recipient)
    new = with_same_data_key(session, file.opened, groups, metadata.shamir_threshold)
    outcome = Outcome.SYNCED if step.write else Outcome.WOULD_SYNC
    result = rekeyed(session, target, file, groups, step.names, outcome)
    return Prepared(result, replacing(file.content, new) if step.write else None)


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
