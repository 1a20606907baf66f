"""Remove a recipient from the rules, and give new data keys to all files that they could open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX, SETTINGS_NAME
from fluxsecrets.ops.files.encryptedfiles import encrypted_targets
from fluxsecrets.ops.files.rekey import FileKeys, file_keys
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_file
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import ConfigFile, People, find_reader
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import Operation, make_ready
from fluxsecrets.repo.offboarding import record_path
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.shell import command_for
from fluxsecrets.sops.config_edit import EditedConfig, remove_recipient
from fluxsecrets.sops.config_places import SharedList
from fluxsecrets.sops.recipients import KINDS, Recipient, recipient_key, recipient_text

from .leavers import Leaving, doubtful_files, people_and_leavers, read_leaving, today
from .leftvalues import Left, find_left
from .plans import KeyHolders, Rekeying, RuleEdits, SharedFile, files_of, rules_of
from .rotate import RotateOptions, rotate_target
from .versions import Histories, file_histories

COMMAND = "recipients remove"


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """Whom to remove, and from which files; the parameters of `recipients remove`.

    Attributes:
        who: a key, or a name.
        environment: only files of this one; None means everything.
        partial: go on with the rules and the other files where some can't be re-keyed.
        yes: remove even the caller's own key.
    """

    who: str | None
    environment: str | None = None
    accept_recipients: bool = False
    partial: bool = False
    yes: bool = False
    no_report: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """What removing somebody would do; nothing has been done.

    Attributes:
        rules: lines of rules that change, by `.sops.yaml` as shown.
        known_keys: the files, as shown, that are not for them, but whose data key they know.
        doubted_keys: likewise, but it is unknown whether they know it.
        left_out: files that other environments share.
        unreadable: files of which it is unknown whether they are for them.
        clusters: environments whose cluster has their key by the settings.
        settings: the settings that say so, as shown.
        left: what they could read at any time, and what is left of it.
        doubtful: files whose data key they may know: no identity here can tell.
        of_service: it is a service's key: anyone who was allowed to use it could read the files.
        locked_out: the files that the caller can open now, and could no longer.
    """

    request: RemoveRequest
    name: str
    rekeying: Rekeying[RotateOptions]
    rules: Mapping[str, tuple[int, ...]]
    shared_lists: tuple[SharedList, ...]
    known_keys: tuple[str, ...]
    doubted_keys: tuple[str, ...]
    deleted: tuple[str, ...]
    left_out: tuple[SharedFile, ...]
    unreadable: tuple[str, ...]
    clusters: tuple[str, ...]
    settings: str
    left: Left = field(repr=False)
    doubtful: tuple[str, ...]
    of_service: bool
    locked_out: tuple[str, ...]
    notes: tuple[str, ...]


def plan_removal(session: Session, request: RemoveRequest) -> Removal:
    """What removing somebody would do.

    Raises:
        UsageError: there is no such recipient, or no rule and no file names them.
        UnprotectedError: a rule would no longer name anybody.
        ConfigError: a rule cannot be changed, or there is no such environment.
    """
    if not request.who:
        raise UsageError("name the recipient to remove", hint="give a public key, or a name")
    tree = open_tree(session.cwd, limits=session.limits)
    people = people_and_leavers(session, tree)
    selection = select(session, ())
    if not request.dry_run:
        make_ready(target.path for target in selection.targets)
    targets, notes = encrypted_targets(session, selection)
    looks = tuple(run_jobs(partial(file_keys, session), targets))
    files = {target.path: look for target, look in zip(targets, looks, strict=True)}
    readers = _readers(looks)
    recipient = find_reader(people, request.who, readers.values())
    name = _name(people, recipient, (*people.recipients.values(), *readers.values()))
    # What an environment shares with others is not its own to take away.
    meant, shared = (
        (targets, ()) if request.environment is None else files_of(tree, request.environment, targets)
    )
    left = {each.path for each in shared}
    meant = tuple(target for target in meant if target.shown not in left)
    edits = RuleEdits(tree, tuple(_edits(session, people, recipient, request, targets, meant)))
    changed = edits.applied(session)
    # Who knows which data key depends on the history, whether or not there is a report on the values.
    histories = (
        file_histories(session, tree, tree.repository, values=not request.no_report)
        if tree.repository is not None
        else Histories()
    )
    knows = _knows_data_key(histories, recipient)
    known = _known(tree, name, recipient, request.environment)
    if edits.edits:  # whom a rule names came back, or never left: what was settled once proves nothing now
        known = replace(known, since=today(), settled=())
    own = {target.repository_path for target in meant}
    doubtful = frozenset(each for each in _doubtful(histories, recipient) if each in own)
    doubtful = (doubtful | {*known.unsettled}) - {*known.settled}
    doubtful &= {str(target.repository_path) for target in targets}
    # A new data key ends the doubt. What nobody here opens stays on record until someone else does that.
    replaced = frozenset(
        target.repository_path
        for target in meant
        if target.repository_path in doubtful and _opens(session, files[target.path])
    )
    readable = {target.path for target in meant if _is_for(files[target.path], recipient)}
    chosen = tuple(
        target
        for target in meant
        if target.path in readable
        or target.repository_path in knows
        or target.repository_path in replaced
        # Unreadable, so it may be for them. Re-keying it reports why, and stops the others.
        or isinstance(files[target.path], FluxsecretsError)
    )
    report = not request.no_report and bool(histories.files)
    record = _Record(tree, known, doubtful, chosen, report, whole=request.environment is None)
    if not chosen and not edits.edits and recipient_key(recipient) not in {*people.recipients, *readers}:
        raise _nothing_to_remove(tree, name)
    paths = {target.repository_path for target in meant}
    extra = (*edits.changes(), *(_public_keys(tree, recipient) if request.environment is None else ()))
    return Removal(
        request,
        name,
        Rekeying(
            changed,
            chosen,
            rotate_target,
            RotateOptions(
                remove=(recipient,),
                accept_recipients=request.accept_recipients,
                names=people.names,
                write=not request.dry_run,
            ),
            Operation(COMMAND, extra=extra, details={"recipient": recipient_text(recipient)}),
            KeyHolders(tree, people, recipient),
            record.changes,
        ),
        edits.lines(session),
        edits.shared_lists(),
        tuple(
            target.shown
            for target in chosen
            if target.path not in readable and target.repository_path in knows
        ),
        tuple(
            target.shown
            for target in chosen
            if target.path not in readable and target.repository_path in replaced - knows
        ),
        tuple(session.shown(change.path) for change in extra if change.new is None),
        shared,
        tuple(target.shown for target in meant if isinstance(files[target.path], FluxsecretsError)),
        tuple(
            each.name for each in load_settings(tree).environments if recipient.id in each.cluster_recipients
        ),
        session.shown(tree.root / SETTINGS_NAME),
        _left(session, tree, histories, known, people, paths if request.environment is not None else None)
        if report
        else Left(),
        tuple(sorted(doubtful - replaced)),
        not KINDS[recipient.kind].local,
        tuple(_locked_out(session, recipient, (files[target.path] for target in meant))),
        notes,
    )


def _name(people: People, recipient: Recipient, others: Iterable[Recipient]) -> str:
    """Their name in messages and in the record; a role is part of it if the key has several."""
    ways = {recipient_key(each) for each in (recipient, *others) if each.id == recipient.id}
    return (people.names.get(recipient.id) if len(ways) == 1 else None) or people.name(recipient)


def _known(tree: Tree, name: str, recipient: Recipient, environment: str | None) -> Leaving:
    """The record of someone who leaves, or a new one."""
    found = read_leaving(tree.root, name)
    environments: tuple[str, ...] = ()
    if environment is not None and (found is None or found.environments):
        environments = tuple(sorted({*(found.environments if found is not None else ()), environment}))
    known = found or Leaving(name, recipient, today())
    return replace(known, recipient=recipient, environments=environments)


def _nothing_to_remove(tree: Tree, name: str) -> UsageError:
    what = f"no rule names {name}, and no file is encrypted for them"
    left = read_leaving(tree.root, name)
    if left is None:
        return UsageError(what, hint="check the name or key")
    report = command_for("recipients report", (name,))
    return UsageError(
        f"{name} was removed on {left.since}: {what}",
        hint=f"`{report}` shows the values that they could read",
    )


def refuse_oneself(session: Session, plan: Removal) -> None:
    """Refuse to remove the caller's own key without --yes, unless they lose no file.

    Raises:
        UsageError: it is their own, and they would lose a file.
    """
    request, removed = plan.request, plan.rekeying.step.remove
    is_me = all(KINDS[each.kind].local for each in removed) and session.opens_any((removed,))
    if is_me and plan.locked_out and not (request.dry_run or request.yes):
        files = plan.locked_out[0] if len(plan.locked_out) == 1 else f"{len(plan.locked_out)} files"
        raise UsageError(
            f"{plan.name} is you: you could no longer open {files}",
            hint="encrypt for another identity of yours first, ask somebody else to remove you, or add --yes",
        )


def _readers(looks: Sequence[FileKeys | FluxsecretsError]) -> Mapping[tuple[str, str], Recipient]:
    return {
        recipient_key(each): each
        for look in looks
        if isinstance(look, FileKeys)
        for group in look.groups
        for each in group
    }


def _is_for(look: FileKeys | FluxsecretsError, recipient: Recipient) -> bool:
    return isinstance(look, FileKeys) and look.is_for(recipient)


def _edits(
    session: Session,
    people: People,
    recipient: Recipient,
    request: RemoveRequest,
    targets: Sequence[Target],
    meant: Sequence[Target],
) -> Iterator[tuple[ConfigFile, EditedConfig]]:
    key = recipient_key(recipient)
    own: set[tuple[str, int]] | None = None
    if request.environment is not None:
        own = {rule for rule, others in rules_of(session, targets, meant).items() if not others}
    for each in people.configs:
        rules = None if own is None else sorted(index for path, index in own if path == each.config.path)
        named = any(
            key in map(recipient_key, rule.recipients)
            for rule in each.config.rules
            if rules is None or rule.index in rules
        )
        mentioned = rules is None and recipient.id.encode() in each.data
        if named or mentioned:
            edit = remove_recipient(each.data, recipient, path=each.config.path, rules=rules)
            if edit.data != each.data:
                yield each, edit


def _knows_data_key(histories: Histories, recipient: Recipient) -> frozenset[str]:
    """Files that somebody cannot open by their block, and whose data key they had before."""
    return frozenset(
        history.path
        for history in histories.files
        if history.now is not None and history.now.knows_key(recipient)
    )


def _doubtful(histories: Histories, recipient: Recipient) -> Iterator[str]:
    """Files whose data key somebody may know; where the history is cut off, these are all."""
    if not histories.cut:
        yield from doubtful_files(histories, recipient)
        return
    for history in histories.files:
        if history.now is not None and not (history.now.plain or history.now.readable_by(recipient)):
            yield history.path


def _left(
    session: Session,
    tree: Tree,
    histories: Histories,
    known: Leaving,
    people: People,
    paths: Collection[str | None] | None,
) -> Left:
    try:
        keys = load_keys(session, (), required=False)
    except FluxsecretsError:
        keys = ()  # sealed values are to look at then; nobody stays a recipient for that
    left = find_left(session, tree, histories, known.recipient, keys=keys, name=people.name)
    if paths is not None:
        left = replace(left, values=tuple(value for value in left.values if value.path in paths))
    return known.applied(left)


def _public_keys(tree: Tree, recipient: Recipient) -> Iterator[FileChange]:
    """Their public key, which goes."""
    root = tree.root.resolve()
    for path in tree.below(KEYS_FOLDER):
        public = path.endswith(PUBLIC_KEY_SUFFIX) and tree.size(path) is not None
        if public and tuple(read_public_file(root / path)) == (recipient.id,):
            yield FileChange(root / path, None, tree.read(path))


@dataclass(frozen=True, slots=True)
class _Record:
    """Makes the record of who left: for the report, and for what is left to do.

    Attributes:
        known: the record as it is, or a new one.
        doubtful: files whose data key they may know, by their paths in the repository.
        chosen: the files that get a new data key.
        report: the record is kept in any case.
        whole: they leave the repository. Otherwise there is a record only of what is in doubt.
    """

    tree: Tree
    known: Leaving
    doubtful: frozenset[str]
    chosen: Sequence[Target]
    report: bool
    whole: bool

    def changes(self, failed: Sequence[Target]) -> Iterator[FileChange]:
        """The record as it will be, given the files that stay as they are."""
        path = record_path(self.known.name)
        root = self.tree.root.resolve()
        before = self.tree.read(path) if (root / path).exists() else None
        kept = {target.path for target in failed}
        new = {str(target.repository_path) for target in self.chosen if target.path not in kept}
        unsettled = self.doubtful - new
        if (self.whole and (self.report or failed)) or unsettled or before is not None:
            settled = {*self.known.settled, *new}
            record = replace(self.known, unsettled=tuple(sorted(unsettled)), settled=tuple(sorted(settled)))
            if record.data() != before:
                yield FileChange(root / path, record.data(), before, 0o644)


def _opens(session: Session, look: FileKeys | FluxsecretsError) -> bool:
    return isinstance(look, FileKeys) and session.opens(look.groups, look.needed)


def _locked_out(
    session: Session, recipient: Recipient, looks: Iterable[FileKeys | FluxsecretsError]
) -> Iterator[str]:
    """The files that identities at hand open, and no longer do without a recipient."""
    key = recipient_key(recipient)
    for look in looks:
        if not (isinstance(look, FileKeys) and look.is_for(recipient) and _opens(session, look)):
            continue
        left = tuple(tuple(each for each in group if recipient_key(each) != key) for group in look.groups)
        if session.asks_services or not session.opens(left, look.needed):  # a service's keys are unknown
            yield look.shown
