"""New data keys for files, and recipients added and removed on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import UnprotectedError, UsageError
from fluxsecrets.marks import OFFBOARDING_FOLDER
from fluxsecrets.ops.files.encryptedfiles import encrypted_targets
from fluxsecrets.ops.files.rekey import (
    Renewed,
    flat,
    open_target,
    rekeyed,
    renew,
    with_new_text,
)
from fluxsecrets.ops.manifests.meant import require_one_way
from fluxsecrets.ops.policy.given import NOBODY, GivenRecipients
from fluxsecrets.ops.policy.strangers import Differences, judge, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.results import FileChange, Outcome, Prepared
from fluxsecrets.ops.run.session import AppliedConfig, Session
from fluxsecrets.ops.run.statefolder import Place, place_in_git
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import Operation, make_ready, replacing
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import KINDS, Recipient, kms, recipient_key

from .plans import Rekeying, SharedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.files.content import OpenedFile

    from .regenerate import Regenerated


@dataclass(frozen=True, slots=True)
class RotateRequest:
    """Which files get new data keys, and how: the parameters of `rotate`."""

    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    input_type: str | None = None
    add: GivenRecipients = NOBODY
    remove: GivenRecipients = NOBODY
    accept_recipients: bool = False
    values: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Rotation:
    """The plan of a rotation; `shared` are the files that other environments share."""

    request: RotateRequest
    rekeying: Rekeying[RotateOptions]
    shared: tuple[SharedFile, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RotateOptions:
    """How to rotate.

    Attributes:
        add: recipients to add to each file's first key group, as sops does.
        remove: recipients to take out of all of a file's key groups.
        accept_recipients: go on where a file is encrypted for others than its rule names, or protected less.
        names: recipient -> name, from the repository's public keys.
        shared: environments that a file belongs to besides the one that was named, by its path.
        loosely: an ARN to remove stands for it with any role or context, in a file that has no other.
        write: False only says what would happen.
    """

    add: tuple[Recipient, ...] = ()
    remove: tuple[Recipient, ...] = ()
    accept_recipients: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    values: bool = False
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loosely: bool = False
    write: bool = True


def _load(session: Session) -> None:
    from fluxsecrets.ops.files.ahead import load_rotation  # few files do without

    load_rotation(session)


def plan_rotation(session: Session, request: RotateRequest) -> Rotation:
    """What rotating would do.

    Raises:
        UsageError: nothing is named, or several kinds at once; or a recipient is both added and removed.
        RecipientError: a recipient is malformed.
        ConfigError: there is no such environment.
    """
    add, remove = request.add.parsed(), request.remove.parsed()
    session.named(add)
    require_one_way(request.paths, request.environment, everything=request.everything)
    selection = select(
        session, request.paths, request.environment, request.input_type, beside=partial(_load, session)
    )
    options = RotateOptions(
        add,
        remove,
        request.accept_recipients,
        read_public_keys(selection.root),
        request.values,
        _shared_with(session, request.environment),
        loosely=True,
        write=not request.dry_run,
    )
    refuse_contradiction(options)
    if options.write:
        make_ready(target.path for target in selection.targets)
    targets, notes = encrypted_targets(session, selection)
    shared = (
        SharedFile(target.shown, options.shared[target.repository_path])
        for target in targets
        if target.repository_path is not None and target.repository_path in options.shared
    )
    record = partial(_settled, selection.root, targets)
    operation = Operation("rotate", _one_place(targets))
    rekeying = Rekeying(session, targets, rotate_target, options, operation, record=record, added=add)
    return Rotation(request, rekeying, tuple(each for each in shared if each.environments), notes)


def _one_place(targets: Sequence[Target]) -> Place | None:
    """The work tree that all files are in, or None where they are in several, or outside of git."""
    first = targets[0].repository if targets else None
    if first is None or any(target.repository is not first for target in targets):
        return None
    return place_in_git(first.root, first.git_dir)


def _settled(root: Path, targets: Sequence[Target], failed: Sequence[Target]) -> Iterable[FileChange]:
    """The records of people who left, of whom it was unknown whether they knew the old data keys."""
    if not (root / OFFBOARDING_FOLDER).is_dir():
        return ()
    from .leavers import settled_records  # it needs the whole search of a history

    kept = {target.path for target in failed}
    return settled_records(root, [target for target in targets if target.path not in kept])


def refuse_contradiction(options: RotateOptions) -> None:
    """Refuse to add and remove one and the same.

    Raises:
        UsageError: a recipient is in both lists.
    """
    both = {recipient_key(each) for each in options.add} & {recipient_key(each) for each in options.remove}
    if both:
        raise UsageError("a recipient is both added and removed", hint="name it once")


def _shared_with(session: Session, environment: str | None) -> Mapping[str, tuple[str, ...]]:
    """The files of an environment that belong to others, too, with the names of those; none without one."""
    if environment is None:
        return {}
    from fluxsecrets.repo.environments import list_environments, load_environments, shared_files
    from fluxsecrets.repo.tree import open_tree

    tree = open_tree(session.cwd, limits=session.limits)
    if len(list_environments(tree)) < 2:
        return {}
    found = shared_files(load_environments(tree))
    return {
        path: tuple(name for name in names if name != environment)
        for path, names in found.items()
        if environment in names
    }


def rotate_target(session: Session, options: RotateOptions, target: Target) -> Prepared:
    """New content for one file, with a new data key; nothing is written.

    Raises:
        UnprotectedError: nobody would be left, or the file is not what its rule says.
        FluxsecretsError: it cannot be opened.
    """
    file = open_target(session, target)
    opened = file.opened
    metadata = opened.metadata
    rule = file.applied.rule if file.applied is not None else None
    names = {**options.names, **(rule.names if rule is not None else {})}
    groups = _with_versions(_changed(metadata.recipients, options), file.applied)
    differences = _compare(session, target, metadata, opened.opened.document, groups, options)
    if not options.accept_recipients:
        refuse(differences, names)
    threshold = min(metadata.shamir_threshold, len(groups))
    fresh = _regenerated(session, opened) if options.values else None
    if fresh is None:
        renewed = renew(session, opened, groups, threshold)
    else:
        text, warnings = with_new_text(session, opened, fresh.text, groups, threshold)
        renewed = Renewed(opened.format, text, warnings=warnings)
    outcome = Outcome.ROTATED if options.write else Outcome.WOULD_ROTATE
    more = (*renewed.warnings, *_drift(file.applied, groups, names))
    result = replace(
        rekeyed(session, target, file, groups, names, outcome, more),
        new_data_key=True,
        regenerated=fresh.keys if fresh is not None else (),
        shared_with=options.shared.get(target.repository_path or "", ()),
    )
    content = file.content
    del file, opened, metadata, fresh  # before the text is read again, see `Renewed`
    new = renewed.verified(session.limits)
    return Prepared(result, replacing(content, new) if options.write else None)


def _regenerated(session: Session, opened: OpenedFile) -> Regenerated | None:
    from .regenerate import regenerated  # few runs make new values

    return regenerated(session, opened)


def _changed(groups: RecipientGroups, options: RotateOptions) -> RecipientGroups:
    """A file's recipients with those of the command line added and taken out.

    Raises:
        UnprotectedError: nobody would be left, in the file or in one of its key groups.
    """
    if not options.add and not options.remove and groups and all(groups):
        return groups  # most runs
    present = {recipient_key(recipient) for recipient in flat(groups)}
    gone = {recipient_key(recipient) for recipient in options.remove}
    if options.loosely:
        absent = [
            each for each in options.remove if each.kind == "kms" and recipient_key(each) not in present
        ]
        bare = {each.id for each in absent if recipient_key(each) == recipient_key(kms(each.id))}
        gone |= {recipient_key(each) for each in flat(groups) if each.kind == "kms" and each.id in bare}
    fresh = tuple(recipient for recipient in options.add if recipient_key(recipient) not in present)
    # sops: cmd/sops/rotate.go: what is added goes into the first group.
    extended = ((*groups[0], *fresh), *groups[1:])
    kept = tuple(
        tuple(recipient for recipient in group if recipient_key(recipient) not in gone) for group in extended
    )
    for number, group in enumerate(kept, 1):
        if not group:
            where = f"in its key group {number}" if len(kept) > 1 else "who can open the file"
            raise UnprotectedError(
                f"nobody would be left {where}", hint="add somebody with --add-age, or remove fewer"
            )
    return kept


def _with_versions(groups: RecipientGroups, applied: AppliedConfig | None) -> RecipientGroups:
    """The recipients with the rule's version of their keys; none in a rule means the newest.

    A file names the version that was the newest. sops keeps it, even when the key has a newer one.
    """
    if not any("version" in KINDS[each.kind].fields for group in groups for each in group):
        return groups
    rule = applied.rule if applied is not None else None
    in_rule = {recipient_key(recipient): recipient for recipient in (rule.recipients if rule else ())}
    return tuple(
        tuple(
            in_rule.get(recipient_key(each), each) if "version" in KINDS[each.kind].fields else each
            for each in group
        )
        for group in groups
    )


def _compare(
    session: Session,
    target: Target,
    metadata: Metadata,
    document: Document,
    groups: RecipientGroups,
    options: RotateOptions,
) -> Differences:
    """What the rule has against the new recipients, but for those that the user named just now."""
    if not options.add and groups == metadata.recipients:
        return judge(session, target.path, metadata, document)
    wanted = {recipient_key(recipient) for recipient in options.add}
    judged = tuple(
        tuple(recipient for recipient in group if recipient_key(recipient) not in wanted) for group in groups
    )
    return judge(session, target.path, _block(metadata, judged), document)


def _block(metadata: Metadata, groups: RecipientGroups) -> Metadata:
    key_groups = (KeyGroup(tuple(WrappedKey(recipient, "") for recipient in group)) for group in groups)
    return replace(metadata, key_groups=tuple(key_groups))


def _drift(applied: AppliedConfig | None, groups: RecipientGroups, names: Mapping[str, str]) -> list[str]:
    """What the next `recipients sync` would do to the new recipients."""
    rule = applied.rule if applied is not None else None
    if applied is None or rule is None or not rule.recipients:
        return []
    in_rule = {recipient_key(recipient): recipient for recipient in rule.recipients}
    in_file = {recipient_key(recipient): recipient for recipient in flat(groups)}
    place = f"{applied.config.path}:{rule.line}"
    extra = [name_of(recipient, names) for key, recipient in in_file.items() if key not in in_rule]
    missing = [name_of(recipient, names) for key, recipient in in_rule.items() if key not in in_file]
    warnings = []
    if extra:
        warnings.append(
            f"the rule in {place} does not name {', '.join(extra)}: add them there, "
            "or `fluxsecrets recipients sync --all` removes them again"
        )
    if missing:
        warnings.append(
            f"the rule in {place} also names {', '.join(missing)}: `fluxsecrets recipients sync --all` "
            "adds them, or remove them from the rule"
        )
    return warnings
