"""A new identity for an environment's cluster, in two steps.

The first puts the new recipient beside the old one in the rules, in the files and in the Secret that holds
the cluster's identity, so that either opens everything. The second takes the old one out. What is under way
is written in `keys/NAME-new.pub`, so that anybody on the team can end it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import ConfigError, FluxsecretsError, IdentityError, UnprotectedError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks.filenames import KEYS_FOLDER, PUBLIC_KEY_SUFFIX, SETTINGS_NAME, name_in
from fluxsecrets.ops.files.content import OpenedFile, open_file
from fluxsecrets.ops.files.keyusage import FileKeys, file_keys
from fluxsecrets.ops.files.rekey import (
    RekeyResult,
    changes_between,
    encrypted_targets,
    flat,
    prepare_target,
    warnings_of_recipients,
    with_new_data_key,
    with_new_text,
    with_same_data_key,
)
from fluxsecrets.ops.policy.strangers import judge, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import People, cluster_keys, find_person, one_cluster_key, read_people
from fluxsecrets.ops.run.results import FileChange, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection, select
from fluxsecrets.ops.run.writer import (
    Operation,
    make_ready,
    place_here,
    prepare_files,
    replacing,
    write_files,
)
from fluxsecrets.repo.environments import Environment, load_environments, shared_files
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.settings_edit import change_cluster_recipient
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.config_edit import (
    EditedConfig,
    add_beside,
    remove_recipient,
    replace_recipient,
)
from fluxsecrets.sops.document import Entry, Leaf, show_path
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.envelope import RecipientGroups, check_recipients
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.recipients import Recipient, age, recipient_key

from .clustersecret import AGE_SUFFIX, SecretName, secret_names
from .keystore import Keeping, Store, age_provider, write_with_identity

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity

_NEW = "-new"
_REPLACES = re.compile(r"#\s*replaces:\s*(\S+)")
_ENVIRONMENT = re.compile(r"#\s*environment:\s*(\S+)")


@dataclass(frozen=True, slots=True)
class IdentityOptions:
    """How to replace a cluster's identity.

    Attributes:
        environment: its name.
        finish: end what was begun.
        old: the key that goes, or its name; None takes the cluster's by the settings or by its name.
        new: a public key that was made elsewhere; None makes an identity.
        post_quantum: of which kind.
        store: where the new identity is kept.
        accept_recipients: go on where a file is encrypted for others than its rule names, or protected less.
        write: False only says what would happen.
    """

    environment: str
    finish: bool = False
    old: str | None = None
    new: str | None = None
    post_quantum: bool = False
    store: Store = Store.FILE
    accept_recipients: bool = False
    write: bool = True


@dataclass(frozen=True, slots=True)
class IdentityPlan:
    """What replacing a cluster's identity would do; nothing has been done.

    Attributes:
        options: how it was asked for.
        old, new: the recipients.
        old_name, new_name: what they are called.
        people: everybody who is named.
        targets: the files that change.
        shared: other environments that a file belongs to, by its path in the repository.
        rules: lines of rules that change, by `.sops.yaml` as shown.
        extra: rules, settings and public keys, as they will be.
        secrets: the files with the cluster's identity Secret, where the repository keeps it.
        notes: what the user should know, one sentence each.
        made: the new identity, where it was made here.
    """

    options: IdentityOptions
    old: Recipient
    new: Recipient
    old_name: str
    new_name: str
    people: People = field(repr=False)
    targets: tuple[Target, ...]
    shared: Mapping[str, tuple[str, ...]]
    rules: Mapping[str, tuple[int, ...]]
    extra: tuple[FileChange, ...]
    secrets: frozenset[Path]
    notes: tuple[str, ...]
    made: AgeIdentity | None = field(default=None, repr=False)

    def lines(self) -> Iterator[str]:
        """The plan for people, a line each."""
        if self.options.finish:
            yield f"plan: {self.old_name} goes, and the new key takes its place in {self.options.environment}"
        else:
            yield f"plan: {self.new_name} comes beside {self.old_name} in {self.options.environment}"
        for path, lines in self.rules.items():
            noun = "rule in line" if len(lines) == 1 else "rules in lines"
            yield f"  {path}: {noun} {', '.join(map(str, lines))}"
        count = "1 file" if len(self.targets) == 1 else f"{len(self.targets)} files"
        yield f"  {count}, " + (
            "which get new data keys" if self.options.finish else "whose values stay as they are"
        )
        for target in self.targets:
            others = self.shared.get(target.repository_path or "")
            if others:
                what = "loses" if self.options.finish else "gains"
                yield f"  {target.shown} is shared with {', '.join(others)}, and {what} only this recipient"
        for target in self.targets:
            if target.path in self.secrets:
                what = "loses the old identity" if self.options.finish else "gets the new identity as well"
                yield f"  {target.shown} holds the cluster's identity, and {what}"


def plan_identity(session: Session, options: IdentityOptions) -> IdentityPlan:
    """What replacing a cluster's identity would do.

    Raises:
        UsageError: whose key is meant cannot be told; one is under way already, or none.
        ConfigError: there is no such environment, or rules cannot be changed.
        FluxsecretsError: an encrypted file could not be looked at.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    settings = load_settings(tree)
    environments = load_environments(tree, settings)
    found = _environment(tree, environments, options.environment)
    people = read_people(session, tree)
    selection = select(session, ())
    if options.write:
        make_ready(target.path for target in selection.targets)
    targets, keys = _who_opens_what(session, selection)
    under_way = _under_way(tree, options.environment)
    made = None
    if options.finish:
        ended = _to_finish(options, under_way)
        old, new, new_name = ended.old, ended.new, ended.name
        old_name = new_name.removesuffix(_NEW)
    else:
        old, given = _to_begin(options, found, keys, settings, people, under_way)
        if given is None:
            from fluxsecrets.keys.generate import generate_identity

            made = generate_identity(datetime.now(UTC), post_quantum=options.post_quantum)
        new = given or age(made.recipient if made is not None else "")
        check_recipients(((new,),), session.providers)
        old_name = people.names.get(old.id) or f"cluster-{options.environment}"
        new_name = f"{old_name}{_NEW}"
    secrets = _identity_secrets(tree, found, targets)
    changed = [
        target
        for target, file in zip(targets, keys, strict=True)
        if file.is_for(old) or target.path in secrets
    ]
    edits = dict(_config_edits(people, old, new, new_name, finish=options.finish))
    others = shared_files(environments)
    shared = {
        target.repository_path or "": tuple(
            name for name in others.get(target.repository_path or "", ()) if name != options.environment
        )
        for target in changed
    }
    return IdentityPlan(
        options,
        old,
        new,
        old_name,
        new_name,
        people,
        tuple(changed),
        {path: names for path, names in shared.items() if names},
        {
            session.shown(tree.root / path): tuple(rule.line for rule in edit.rules)
            for path, edit in edits.items()
            if edit.rules
        },
        tuple(_extra(session, tree, people, edits, options, (old, new), (old_name, new_name))),
        secrets,
        (*selection.notes, *_rule_notes(edits, old_name)),
        made,
    )


def prepare_identity(session: Session, plan: IdentityPlan) -> Iterator[Prepared]:
    """New contents for the files of a plan; nothing is written."""
    step = _Step(
        plan.old,
        plan.new,
        plan.options.finish,
        plan.options.accept_recipients,
        _names(plan),
        plan.secrets,
        _private(session, plan),
        plan.shared,
        plan.options.write,
    )
    return prepare_files(partial(prepare_target, _prepare, session, step), plan.targets)


def replace_identity(
    session: Session, plan: IdentityPlan, prepared: Sequence[Prepared]
) -> tuple[tuple[FileResult, ...], str | None]:
    """Do what was planned, all of it or nothing.

    Returns:
        The results, and where the new identity was put, if it was made here.

    Raises:
        UnprotectedError: a file could not be prepared.
        FluxsecretsError: it could not be written; nothing was changed.
    """
    if any(each.result.error is not None for each in prepared):
        raise UnprotectedError(
            "nothing was changed: all files have to go along, and some cannot",
            hint="have it run by somebody who can open all of them",
        )
    details = {"environment": plan.options.environment, "old": plan.old.id, "new": plan.new.id}
    operation = Operation("rotate", place_here(session), plan.extra, details)
    if plan.made is None:
        return tuple(write_files(session, prepared, operation)), None
    keeping = Keeping(store=plan.options.store)
    results, kept = write_with_identity(session, prepared, operation, plan.made, keeping)
    return results, kept.place


def identity_notes(plan: IdentityPlan, results: Sequence[FileResult], place: str | None) -> tuple[str, ...]:
    """What comes next, one sentence each."""
    environment = plan.options.environment
    kept = [each.path for each in results if isinstance(each, RekeyResult) and each.regenerated]
    if not plan.options.write:
        return ("nothing was written",)
    if plan.options.finish:
        return (
            "what is in git's history stays readable with the old identity: if it leaked, change the values "
            "as well (`fluxsecrets recipients exposure PATH` says since when)",
            "once the cluster runs on the new files, take the old identity out of it, and out of your own "
            "places with `fluxsecrets keys remove KEY`",
        )
    notes = [f"the new identity was put into {place}"] if place is not None else []
    if kept:
        notes.append(
            f"{', '.join(kept)} holds both identities now: commit, push, and let it get to the cluster"
        )
    else:
        notes.append(
            f"the repository does not keep the cluster's identity: commit and push, then bring it there with "
            f"`fluxsecrets keys cluster-secret --env {environment} --identity {plan.new_name} | "
            f"kubectl apply -f -`"
        )
    end = f"`fluxsecrets rotate --env {environment} --identity --finish`"
    return (*notes, f"until then either identity opens everything; when the cluster has the new one: {end}")


# Who and what.


def _environment(tree: Tree, environments: Sequence[Environment], name: str) -> Environment:
    found = next((each for each in environments if each.name == name), None)
    if found is None:
        from fluxsecrets.repo.environments import find_environment

        return find_environment(tree, name)  # it says what there is
    return found


def _who_opens_what(
    session: Session, selection: Selection
) -> tuple[tuple[Target, ...], tuple[FileKeys, ...]]:
    """The encrypted files of a repository, and who can open each.

    Raises:
        FluxsecretsError: one could not be looked at, so that there is no saying whether it is about it.
    """
    targets, _ = encrypted_targets(selection)
    keys = []
    for look in run_jobs(partial(file_keys, session), targets):
        if isinstance(look, FluxsecretsError):
            raise look
        keys.append(look)
    return targets, tuple(keys)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    name: str
    old: Recipient
    new: Recipient


def _under_way(tree: Tree, environment: str) -> _UnderWay | None:
    """The new identity of an environment that was not ended yet."""
    for path in tree.below(KEYS_FOLDER):
        if not path.endswith(f"{_NEW}.pub") or tree.size(path) is None:
            continue
        text = tree.read(path).decode("utf-8", "replace")
        replaces, whose = _REPLACES.search(text), _ENVIRONMENT.search(text)
        keys = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if replaces and whose and whose[1] == environment and len(keys) == 1:
            name = name_in(path).removesuffix(PUBLIC_KEY_SUFFIX)
            return _UnderWay(name, age(replaces[1]), age(keys[0]))
    return None


def _to_finish(options: IdentityOptions, under_way: _UnderWay | None) -> _UnderWay:
    if under_way is None:
        raise UsageError(
            f"no new identity was begun for {options.environment}",
            hint=f"begin with `fluxsecrets rotate --env {options.environment} --identity`",
        )
    return under_way


def _to_begin(
    options: IdentityOptions,
    environment: Environment,
    keys: Sequence[FileKeys],
    settings: Settings,
    people: People,
    under_way: _UnderWay | None,
) -> tuple[Recipient, Recipient | None]:
    if under_way is not None:
        raise UsageError(
            f"a new identity for {options.environment} is under way: {under_way.name}",
            hint=f"end it with `fluxsecrets rotate --env {options.environment} --identity --finish`, "
            f"or take it back with `fluxsecrets recipients remove {under_way.name}`",
        )
    own = environment.files | frozenset(environment.generator_files)
    groups = [group for file in keys if file.path in own for group in file.groups]
    readers = {recipient_key(each): each for group in groups for each in group}
    if options.old is not None:
        old = find_person(people, options.old, readers.values())
    else:
        found = cluster_keys(options.environment, settings, readers.values(), people.names)
        old = one_cluster_key(options.environment, found, readers.values(), people)
    if old.kind != "age":
        raise UsageError(
            f"{people.name(old)} is no age key",
            hint="for other kinds put the new one in with `fluxsecrets recipients add WHO --all`, and later "
            "take the old one out with `fluxsecrets recipients remove WHO`",
        )
    if options.new is None:
        return old, None
    new = find_person(people, options.new)
    if new.kind != "age" or recipient_key(new) == recipient_key(old):
        raise UsageError("the new key has to be another age key", hint="give its public half, age1…")
    return old, new


def _names(plan: IdentityPlan) -> Mapping[str, str]:
    """What the two keys are called in the end."""
    if plan.options.finish:
        own = {plan.new.id: plan.old_name, plan.old.id: f"the old {plan.old_name}"}
    else:
        own = {plan.new.id: plan.new_name, plan.old.id: plan.old_name}
    return {**plan.people.names, **own}


def _private(session: Session, plan: IdentityPlan) -> AgeIdentity | None:
    if plan.options.finish or not plan.secrets:
        return None
    if plan.made is not None:
        return plan.made
    try:
        return age_provider(session).identity_of(plan.new.id)
    except IdentityError:
        return None  # made elsewhere: its Secret is, too


# Rules, settings and public keys.


def _config_edits(
    people: People, old: Recipient, new: Recipient, new_name: str, *, finish: bool
) -> Iterator[tuple[str, EditedConfig]]:
    for each in people.configs:
        keys = [{recipient_key(one) for one in rule.recipients} for rule in each.config.rules]
        if not any(recipient_key(old) in one for one in keys):
            continue
        if not finish:
            yield each.path, add_beside(each.data, old, new, path=each.config.path, name=new_name)
            continue
        # The new key takes the old one's place and name, unless rules name the two apart.
        if all(recipient_key(old) in one for one in keys if recipient_key(new) in one):
            data = remove_recipient(each.data, new, path=each.config.path).data
            edit = replace_recipient(data, old, new, path=each.config.path)
        else:
            edit = remove_recipient(each.data, old, path=each.config.path)
        yield each.path, edit


def _rule_notes(edits: Mapping[str, EditedConfig], name: str) -> Iterator[str]:
    if not edits:
        yield f"no rule names {name}: files that are encrypted from now on are not for it"
    for edit in edits.values():
        for each in edit.shared:
            lines = ", ".join(map(str, each.rules))
            yield f"the list &{each.name} in line {each.line} is shared by the rules in lines {lines}"


def _extra(
    session: Session,
    tree: Tree,
    people: People,
    edits: Mapping[str, EditedConfig],
    options: IdentityOptions,
    keys: tuple[Recipient, Recipient],
    names: tuple[str, str],
) -> Iterator[FileChange]:
    root = tree.root.resolve()
    old, new = keys
    data = {each.path: each.data for each in people.configs}
    for path, edit in edits.items():
        if edit.data != data[path]:
            yield FileChange(root / path, edit.data, data[path])
    if SETTINGS_NAME in tree.files:
        before = tree.read(SETTINGS_NAME)
        after = change_cluster_recipient(before, options.environment, old.id, new.id, replaces=options.finish)
        if after != before:
            yield FileChange(root / SETTINGS_NAME, after, before)
    public, fresh = (f"{KEYS_FOLDER}/{name}.pub" for name in names)
    if not options.finish:
        if (root / fresh).exists():
            raise ConfigError("this name is taken", path=session.shown(root / fresh), hint="rename that file")
        text = (
            f"# environment: {options.environment}\n# replaces: {old.id}\n"
            f"# until `fluxsecrets rotate --env {options.environment} --identity --finish`\n{new.id}\n"
        )
        yield FileChange(root / fresh, text.encode(), None, 0o644)
        return
    if public in tree.files:
        before = tree.read(public)
        after = before.replace(old.id.encode(), new.id.encode())
        if after != before:
            yield FileChange(root / public, after, before)
    yield FileChange(root / fresh, None, tree.read(fresh))


# The Secret with the cluster's identity.


def _identity_secrets(tree: Tree, environment: Environment, targets: Sequence[Target]) -> frozenset[Path]:
    try:
        names, _ = secret_names(environment)
    except UsageError:
        return frozenset()
    return frozenset(target.path for target in targets if _is_identity_secret(tree, target, names))


def _is_identity_secret(tree: Tree, target: Target, names: Sequence[SecretName]) -> bool:
    path = target.repository_path
    if path is None or make_format(target.format).levels:
        return False
    try:
        data = tree.read(path)
        if not any(name.name.encode() in data for name in names):
            return False
        manifests = read_manifests(data, path, tree.limits).manifests
    except FluxsecretsError:
        return False
    return any(
        item.is_secret and item.name == name.name and item.namespace in (None, name.namespace)
        for item in manifests
        for name in names
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens to each file.

    Attributes:
        private: the new identity, for the Secret that holds the cluster's.
    """

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
    content = read_file(target.path, limit=session.limits.size)
    applied = session.rules_for(target.path)
    format_ = make_format(target.format, *([applied.config.stores] if applied is not None else []))
    opened = open_file(format_, content.data, session.providers, session.limits)
    metadata = opened.metadata
    if not step.accept_recipients:
        refuse(judge(session, target.path, metadata, opened.opened.document), step.names)
    groups = _groups(metadata.recipients, step)
    threshold = metadata.shamir_threshold
    warnings: tuple[str, ...] = ()
    text, keys = _with_identity(session, opened, step) if target.path in step.secrets else (None, ())
    if text is None and groups == metadata.recipients:
        members = names_of(groups, step.names)
        return Prepared(RekeyResult(target.shown, Outcome.UNCHANGED, opened.values, members))
    if text is not None:
        new, warnings = with_new_text(session, opened, text, groups, threshold)
    elif step.finish:
        new, warnings = with_new_data_key(session, opened, groups, threshold)
    else:
        new = with_same_data_key(session, opened, groups, threshold)
    added, removed = changes_between(flat(metadata.recipients), flat(groups), step.names)
    result = RekeyResult(
        target.shown,
        Outcome.ROTATED if step.write else Outcome.WOULD_ROTATE,
        opened.values,
        names_of(groups, step.names),
        tuple(
            dict.fromkeys(
                (
                    *opened.warnings,
                    *warnings,
                    *warnings_of_recipients(session, groups, threshold, step.names),
                )
            )
        ),
        added=added,
        removed=removed,
        new_data_key=step.finish or text is not None,
        regenerated=keys,
        shared_with=step.shared.get(target.repository_path or "", ()),
    )
    return Prepared(result, replacing(content, new) if step.write else None)


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


def _with_identity(session: Session, opened: OpenedFile, step: _Step) -> tuple[bytes | None, tuple[str, ...]]:
    """The text of the Secret with the new identity added, or the old one taken out; and where.

    Raises:
        UnprotectedError: the old one is to go, and the new one is not there.
    """
    from fluxsecrets.keys.generate import with_identity, without_identity
    from fluxsecrets.keys.keyfile import parse_keys

    text: bytes | None = None
    keys: list[str] = []
    for index, path, value in _identity_values(opened):
        try:
            found = parse_keys(value, origin="the Secret", path="the Secret").identities
        except FluxsecretsError:
            continue
        recipients = {identity.recipient for identity in found}
        if step.old.id not in recipients:
            continue
        if step.finish and step.new.id not in recipients:
            raise UnprotectedError(
                f"{show_path(path)} holds the old identity and not the new one",
                hint="put the new one in first; the cluster could open nothing any more",
            )
        if not step.finish and (step.new.id in recipients or step.private is None):
            continue
        if step.finish:
            changed = without_identity(value, step.old.id)
        elif step.private is not None:
            changed = with_identity(value, step.private)
        else:
            continue
        document = opened.format.parse(text if text is not None else opened.text(), session.limits)
        data = base64.b64encode(changed).decode() if path[0] == "data" else changed.decode()
        text = set_value(opened.format, document, path, data, session.limits, part=index)
        keys.append(show_path(path))
    return text, tuple(keys)


def _identity_values(opened: OpenedFile) -> Iterator[tuple[int, tuple[str, str], bytes]]:
    """The values of a Secret that Flux takes for age identities."""
    for index, part in enumerate(opened.parts):
        for name in ("data", "stringData"):
            node = part.get(name)
            for entry in node.entries if isinstance(node, MapNode) else ():
                if not isinstance(entry, Entry) or not entry.key.endswith(AGE_SUFFIX):
                    continue
                if isinstance(entry.value, Leaf) and isinstance(entry.value.value, str):
                    text = entry.value.value
                    try:
                        value = base64.b64decode(text) if name == "data" else text.encode()
                    except ValueError:
                        continue
                    yield index, (name, entry.key), value
