"""A new identity for an environment's cluster, in two steps.

The first puts the new recipient beside the old one in the rules, in the files and in the Secret that holds
the cluster's identity, so that either identity opens everything. The second takes the old one out. The state
in between is written in `keys/NAME-new.pub`, so that anybody on the team can finish it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import ConfigError, FluxsecretsError, IdentityError, UsageError
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX, SETTINGS_NAME, name_in
from fluxsecrets.ops.files.encryptedfiles import encrypted_targets
from fluxsecrets.ops.files.rekey import (
    FileKeys,
    RekeyResult,
    file_keys,
    open_target,
    rekeyed,
    with_new_data_key,
    with_new_text,
    with_same_data_key,
)
from fluxsecrets.ops.policy.strangers import judge, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import ConfigFile, People, find_person, one_cluster_key, read_people
from fluxsecrets.ops.run.results import FileChange, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection, select
from fluxsecrets.ops.run.writer import Operation, make_ready, place_here, replacing
from fluxsecrets.repo.clusterkeys import cluster_keys, key_name
from fluxsecrets.repo.environments import Environment, find_environment, load_environments, shared_files
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.settings_edit import change_cluster_recipient
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.shell import command_for, word
from fluxsecrets.sops.config_edit import EditedConfig, add_beside, remove_recipient, replace_recipient
from fluxsecrets.sops.config_places import SharedList
from fluxsecrets.sops.envelope import RecipientGroups, try_recipients
from fluxsecrets.sops.recipients import Recipient, age, recipient_key

from .clustersecret import Exchange, exchange_identity, identity_files
from .keystore import Keeping, Store, age_provider, write_with_identity
from .plans import KeyHolders, Rekeyed, Rekeying, RuleEdits, SharedFile, Watch

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity

_NEW = "-new"
_REPLACES = re.compile(r"#\s*replaces:\s*(\S+)")
_ENVIRONMENT = re.compile(r"#[ \t]*environment:[ \t]*(.+)")


@dataclass(frozen=True, slots=True)
class IdentityRequest:
    """How to replace a cluster's identity; the parameters of `rotate --identity`.

    Attributes:
        finish: take the second step.
        old: the key to replace, or its name; None finds the cluster's key.
        new: a public key that was made elsewhere; None makes an identity.
        store: where the new identity is kept; None means a key file.
    """

    environment: str
    finish: bool = False
    old: str | None = None
    new: str | None = None
    post_quantum: bool = False
    store: str | None = None
    accept_recipients: bool = False
    yes: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """What replacing a cluster's identity would do; nothing has been done.

    Attributes:
        rules: lines of rules that change, by `.sops.yaml` as shown.
        shared: those of the files that other environments share.
        secrets: those of them that hold the cluster's identity, as shown.
        unnamed: no rule names the old recipient.
        made: the new identity, where it was made here.
    """

    request: IdentityRequest
    new: Recipient
    old_name: str
    new_name: str
    rekeying: Rekeying[_Step]
    rules: Mapping[str, tuple[int, ...]]
    shared_lists: tuple[SharedList, ...]
    shared: tuple[SharedFile, ...]
    secrets: tuple[str, ...]
    unnamed: bool
    made: AgeIdentity | None = field(repr=False)
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of a plan.

    Attributes:
        place: where the new identity was put, if it was made here.
        warnings: about that place.
    """

    rekeyed: Rekeyed
    place: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def kept_in(self) -> tuple[str, ...]:
        """The files that hold the cluster's identity, and were changed."""
        files = self.rekeyed.files
        return tuple(each.path for each in files if isinstance(each, RekeyResult) and each.regenerated)


def plan_identity(session: Session, request: IdentityRequest) -> IdentityPlan:
    """What replacing a cluster's identity would do.

    Raises:
        UsageError: the cluster's key is unknown, or the step does not fit the state.
        ConfigError: there is no such environment, or rules cannot be changed.
        FluxsecretsError: an encrypted file could not be read.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    settings = load_settings(tree)
    environments = load_environments(tree, settings)
    found = _environment(tree, environments, request.environment)
    people = read_people(session, tree)
    selection = select(session, ())
    if not request.dry_run:
        make_ready(target.path for target in selection.targets)
    targets, keys = _who_opens_what(session, selection)
    under_way = _under_way(tree, request.environment)
    made = None
    if request.finish:
        ended = _to_finish(request, under_way)
        old, new, new_name = ended.old, ended.new, ended.name
        old_name = new_name.removesuffix(_NEW)
    else:
        old, given = _to_begin(request, found, keys, settings, people, under_way)
        if given is None:
            from fluxsecrets.keys.generate import generate_identity

            made = generate_identity(datetime.now(UTC), post_quantum=request.post_quantum)
        new = given or age(made.recipient if made is not None else "")
        try_recipients(((new,),), session.providers)
        old_name = people.names.get(old.id) or key_name(request.environment)
        new_name = f"{old_name}{_NEW}"
    secrets = identity_files(tree, found, targets)
    changed = tuple(
        target
        for target, file in zip(targets, keys, strict=True)
        if file.is_for(old) or target.path in secrets
    )
    edits = RuleEdits(tree, tuple(_config_edits(people, old, new, new_name, finish=request.finish)))
    shared = _shared(environments, changed, request.environment)
    extra = (*edits.changes(), *_extra(session, tree, request, (old, new), (old_name, new_name)))
    step = _Step(
        old,
        new,
        request.finish,
        request.accept_recipients,
        {**people.names, **_names(request, (old, new), (old_name, new_name))},
        secrets,
        _private(session, request, made, new) if secrets else None,
        shared,
        write=not request.dry_run,
    )
    operation = Operation(
        "rotate",
        place_here(session),
        extra,
        {"environment": request.environment, "old": old.id, "new": new.id},
    )
    holders = KeyHolders(tree, people, old if request.finish else None)
    return IdentityPlan(
        request,
        new,
        old_name,
        new_name,
        Rekeying(session, changed, _prepare, step, operation, holders),
        edits.lines(session),
        edits.shared_lists(),
        tuple(
            SharedFile(target.shown, shared[target.repository_path])
            for target in changed
            if target.repository_path in shared and target.repository_path is not None
        ),
        tuple(target.shown for target in changed if target.path in secrets),
        not edits.edits,
        made,
        selection.notes,
    )


def replace_identity(plan: IdentityPlan, watch: Watch) -> Replaced:
    """Do what was planned: all of it, or nothing.

    Raises:
        FluxsecretsError: it could not be written; nothing was changed.
    """
    prepared = plan.rekeying.prepared(watch)
    stopped = plan.rekeying.stopped(prepared)
    if stopped is not None:
        return Replaced(stopped)
    if plan.request.dry_run:
        return Replaced(Rekeyed(tuple(each.result for each in prepared)))
    if plan.made is None:
        return Replaced(Rekeyed(plan.rekeying.written(prepared)))
    session = plan.rekeying.session
    keeping = Keeping(store=Store(plan.request.store or Store.FILE))
    results, kept = write_with_identity(session, prepared, plan.rekeying.operation, plan.made, keeping)
    return Replaced(Rekeyed(results), kept.place, kept.warnings)


# Who and what.


def _environment(tree: Tree, environments: Sequence[Environment], name: str) -> Environment:
    found = next((each for each in environments if each.name == name), None)
    if found is None:
        return find_environment(tree, name)  # it says what there is
    return found


def _who_opens_what(
    session: Session, selection: Selection
) -> tuple[tuple[Target, ...], tuple[FileKeys, ...]]:
    """The encrypted files of a repository, and who can open each.

    Raises:
        FluxsecretsError: a file is unreadable, so its recipients are unknown.
    """
    targets, _ = encrypted_targets(session, selection)
    keys = []
    for look in run_jobs(partial(file_keys, session), targets):
        if isinstance(look, FluxsecretsError):
            raise look
        keys.append(look)
    return targets, tuple(keys)


def _finishing(request: IdentityRequest) -> str:
    return f"{command_for('rotate', environment=request.environment)} --identity --finish"


@dataclass(frozen=True, slots=True)
class _UnderWay:
    name: str
    old: Recipient
    new: Recipient


def _under_way(tree: Tree, environment: str) -> _UnderWay | None:
    """The new identity of an environment whose second step is not done."""
    for path in tree.below(KEYS_FOLDER):
        if not path.endswith(f"{_NEW}.pub") or tree.size(path) is None:
            continue
        text = tree.read(path).decode("utf-8", "replace")
        replaces, whose = _REPLACES.search(text), _ENVIRONMENT.search(text)
        keys = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if replaces and whose and whose[1].strip() == word(environment) and len(keys) == 1:
            name = name_in(path).removesuffix(PUBLIC_KEY_SUFFIX)
            return _UnderWay(name, age(replaces[1]), age(keys[0]))
    return None


def _to_finish(request: IdentityRequest, under_way: _UnderWay | None) -> _UnderWay:
    if under_way is None:
        raise UsageError(
            f"no new identity is in progress for {request.environment}",
            hint=f"start with `{command_for('rotate', environment=request.environment)} --identity`",
        )
    return under_way


def _to_begin(
    request: IdentityRequest,
    environment: Environment,
    keys: Sequence[FileKeys],
    settings: Settings,
    people: People,
    under_way: _UnderWay | None,
) -> tuple[Recipient, Recipient | None]:
    if under_way is not None:
        raise UsageError(
            f"a new identity for {request.environment} is already in progress: {under_way.name}",
            hint=f"finish it with `{_finishing(request)}`, "
            f"or undo it with `{command_for('recipients remove', (under_way.name,))}`",
        )
    own = environment.files | frozenset(environment.generator_files)
    groups = [group for file in keys if file.path in own for group in file.groups]
    readers = {recipient_key(each): each for group in groups for each in group}
    if request.old is not None:
        old = find_person(people, request.old, readers.values())
    else:
        found = cluster_keys(request.environment, settings, readers.values(), people.names)
        old = one_cluster_key(request.environment, found, readers.values(), people)
    if old.kind != "age":
        raise UsageError(
            f"{people.name(old)} is not an age key",
            hint="for other kinds, add the new key with `fluxsecrets recipients add WHO --all`, and later "
            "remove the old one with `fluxsecrets recipients remove WHO`",
        )
    if request.new is None:
        return old, None
    new = find_person(people, request.new)
    if new.kind != "age" or recipient_key(new) == recipient_key(old):
        raise UsageError("the new key must be another age key", hint="give its public half, age1…")
    return old, new


def _shared(
    environments: Sequence[Environment], targets: Sequence[Target], environment: str
) -> Mapping[str, tuple[str, ...]]:
    """The other environments that share files, by the file's path in the repository."""
    users = shared_files(environments)
    paths = (target.repository_path for target in targets)
    return {
        path: tuple(name for name in users[path] if name != environment)
        for path in paths
        if path is not None and path in users
    }


def _names(
    request: IdentityRequest, keys: tuple[Recipient, Recipient], names: tuple[str, str]
) -> Mapping[str, str]:
    """The names of the two keys afterwards."""
    (old, new), (old_name, new_name) = keys, names
    if request.finish:
        return {new.id: old_name, old.id: f"the old {old_name}"}
    return {new.id: new_name, old.id: old_name}


def _private(
    session: Session, request: IdentityRequest, made: AgeIdentity | None, new: Recipient
) -> AgeIdentity | None:
    if request.finish or made is not None:
        return made
    try:
        return age_provider(session).identity_of(new.id)
    except IdentityError:
        return None  # made elsewhere: its Secret is, too


# Rules, settings and public keys.


def _config_edits(
    people: People, old: Recipient, new: Recipient, new_name: str, *, finish: bool
) -> Iterator[tuple[ConfigFile, EditedConfig]]:
    for each in people.configs:
        keys = [{recipient_key(one) for one in rule.recipients} for rule in each.config.rules]
        if not any(recipient_key(old) in one for one in keys):
            continue
        if not finish:
            yield each, add_beside(each.data, old, new, path=each.config.path, name=new_name)
            continue
        # The new key takes the old one's place and name, unless rules name the two apart.
        if all(recipient_key(old) in one for one in keys if recipient_key(new) in one):
            data = remove_recipient(each.data, new, path=each.config.path).data
            edit = replace_recipient(data, old, new, path=each.config.path)
        else:
            edit = remove_recipient(each.data, old, path=each.config.path)
        yield each, edit


def _extra(
    session: Session,
    tree: Tree,
    request: IdentityRequest,
    keys: tuple[Recipient, Recipient],
    names: tuple[str, str],
) -> Iterator[FileChange]:
    root = tree.root.resolve()
    old, new = keys
    if SETTINGS_NAME in tree.files:
        before = tree.read(SETTINGS_NAME)
        after = change_cluster_recipient(before, request.environment, old.id, new.id, replaces=request.finish)
        if after != before:
            yield FileChange(root / SETTINGS_NAME, after, before)
    public, fresh = (f"{KEYS_FOLDER}/{name}.pub" for name in names)
    if not request.finish:
        if (root / fresh).exists():
            raise ConfigError("this name is taken", path=session.shown(root / fresh), hint="rename that file")
        text = (
            f"# environment: {word(request.environment)}\n# replaces: {old.id}\n"
            f"# until `{_finishing(request)}`\n{new.id}\n"
        )
        yield FileChange(root / fresh, text.encode(), None, 0o644)
        return
    if public in tree.files:
        before = tree.read(public)
        after = before.replace(old.id.encode(), new.id.encode())
        if after != before:
            yield FileChange(root / public, after, before)
    yield FileChange(root / fresh, None, tree.read(fresh))


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens to each file; `private` is for the Secret that holds the cluster's identity."""

    old: Recipient
    new: Recipient
    finish: bool
    accept_recipients: bool
    names: Mapping[str, str]
    secrets: frozenset[Path]
    private: AgeIdentity | None = field(repr=False)
    shared: Mapping[str, tuple[str, ...]]
    write: bool


def _prepare(session: Session, step: _Step, target: Target) -> Prepared:
    file = open_target(session, target)
    opened = file.opened
    metadata = opened.metadata
    if not step.accept_recipients:
        refuse(judge(session, target.path, metadata, opened.opened.document), step.names)
    groups = _groups(metadata.recipients, step)
    threshold = metadata.shamir_threshold
    warnings: tuple[str, ...] = ()
    text: bytes | None = None
    keys: tuple[str, ...] = ()
    if target.path in step.secrets:
        exchange = Exchange(step.old.id, step.new.id, step.private, remove=step.finish)
        text, keys = exchange_identity(session, opened, exchange)
    if text is None and groups == metadata.recipients:
        members = names_of(groups, step.names)
        return Prepared(RekeyResult(target.shown, Outcome.UNCHANGED, opened.values, members))
    if text is not None:
        new, warnings = with_new_text(session, opened, text, groups, threshold)
    elif step.finish:
        new, warnings = with_new_data_key(session, opened, groups, threshold)
    else:
        new = with_same_data_key(session, opened, groups, threshold)
    outcome = Outcome.ROTATED if step.write else Outcome.WOULD_ROTATE
    result = replace(
        rekeyed(session, target, file, groups, step.names, outcome, warnings),
        new_data_key=step.finish or text is not None,
        regenerated=keys,
        shared_with=step.shared.get(target.repository_path or "", ()),
    )
    return Prepared(result, replacing(file.content, new) if step.write else None)


def _groups(groups: RecipientGroups, step: _Step) -> RecipientGroups:
    """The new recipient behind the old one, in the same key group, or in its place."""
    old, new = recipient_key(step.old), recipient_key(step.new)
    found = []
    for group in groups:
        after: list[Recipient] = []
        present = {recipient_key(each) for each in group}
        for each in group:
            if recipient_key(each) != old:
                after.append(each)
                continue
            after += [] if step.finish else [each]
            after += [] if new in present else [step.new]
        found.append(tuple(after))
    return tuple(found)
