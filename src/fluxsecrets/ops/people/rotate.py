"""New data keys for files, and recipients added and removed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fluxsecrets.errors import UnprotectedError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.rekey import (
    RekeyResult,
    changes_between,
    flat,
    prepare_target,
    warnings_of_recipients,
    with_new_data_key,
    with_new_text,
)
from fluxsecrets.ops.policy.strangers import Differences, judge, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import name_of, names_of
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import AppliedConfig, Session
from fluxsecrets.ops.run.writer import Operation, prepare_files, replacing, write_files
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .regenerate import regenerated


@dataclass(frozen=True, slots=True)
class RotateOptions:
    """How to rotate.

    Attributes:
        add: recipients to add to each file's first key group, as sops does.
        remove: recipients to take out of all of a file's key groups.
        accept_recipients: go on where a file is encrypted for others than its rule names, or protected less.
        names: recipient -> name, from the repository's public keys.
        values: make values anew whose annotation says how.
        shared: environments that a file belongs to besides the one that was named, by its path.
        write: False only says what would happen.
    """

    add: tuple[Recipient, ...] = ()
    remove: tuple[Recipient, ...] = ()
    accept_recipients: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    values: bool = False
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    write: bool = True


def refuse_contradiction(options: RotateOptions) -> None:
    """Refuse to add and remove one and the same.

    Raises:
        UsageError: a recipient is in both lists.
    """
    both = {recipient_key(each) for each in options.add} & {recipient_key(each) for each in options.remove}
    if both:
        raise UsageError("a recipient is to be added and removed at once", hint="name it in one of the two")


def shared_with(session: Session, environment: str | None) -> Mapping[str, tuple[str, ...]]:
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


def rotation_plan(
    targets: Sequence[Target], options: RotateOptions, environment: str | None
) -> Iterator[str]:
    """What is about to be done, a line each; nothing where few files were named."""
    if environment is None and len(targets) < _WORTH_A_PLAN:
        return
    what = "and annotated values are made anew" if options.values else "every value is encrypted anew"
    noun = "1 file gets a new data key" if len(targets) == 1 else f"{len(targets)} files get new data keys"
    yield f"plan: {noun}, {what}"
    for target in targets:
        others = options.shared.get(target.repository_path or "")
        if others:
            yield f"  {target.shown} is shared with {', '.join(others)}"


_WORTH_A_PLAN = 10


def rotate_files(
    session: Session, targets: Sequence[Target], options: RotateOptions
) -> tuple[FileResult, ...]:
    """Give files new data keys, in place: all of those that can be opened, or none.

    Returns:
        One `RekeyResult` a file, in order; a plain `FileResult` where it could not be written.
    """
    prepared = prepare_rotation(session, targets, options)
    return tuple(write_files(session, prepared, Operation("rotate")))


def prepare_rotation(
    session: Session, targets: Sequence[Target], options: RotateOptions
) -> Iterator[Prepared]:
    """New contents for files, with new data keys; nothing is written.

    Args:
        session: the run.
        targets: the files.
        options: how.

    Returns:
        One `RekeyResult` a file, in order, and what is to be written for it to become true.
    """
    return prepare_files(partial(prepare_target, _rotate, session, options), targets)


def _rotate(session: Session, options: RotateOptions, target: Target) -> Prepared:
    content = read_file(target.path, limit=session.limits.size)
    applied = session.rules_for(target.path)
    format_ = make_format(target.format, *([applied.config.stores] if applied is not None else []))
    opened = open_file(format_, content.data, session.providers, session.limits)
    metadata = opened.metadata
    names = {**options.names, **_anchors(applied)}
    groups = _changed(metadata.recipients, options)
    differences = _compare(session, target, metadata, opened.opened.document, groups, options)
    if not options.accept_recipients:
        refuse(differences, names)
    threshold = min(metadata.shamir_threshold, len(groups))
    fresh = regenerated(session, opened) if options.values else None
    if fresh is None:
        new, warnings = with_new_data_key(session, opened, groups, threshold)
    else:
        new, warnings = with_new_text(session, opened, fresh.text, groups, threshold)
    added, removed = changes_between(flat(metadata.recipients), flat(groups), names)
    result = RekeyResult(
        target.shown,
        Outcome.ROTATED if options.write else Outcome.WOULD_ROTATE,
        opened.values,
        names_of(groups, names),
        tuple(
            dict.fromkeys(
                (
                    *opened.warnings,
                    *warnings,
                    *_drift(applied, groups, names),
                    *warnings_of_recipients(session, groups, threshold, names),
                )
            )
        ),
        added=added,
        removed=removed,
        new_data_key=True,
        regenerated=fresh.keys if fresh is not None else (),
        shared_with=options.shared.get(target.repository_path or "", ()),
    )
    return Prepared(result, replacing(content, new) if options.write else None)


def _anchors(applied: AppliedConfig | None) -> Mapping[str, str]:
    return applied.matches[-1].rule.names if applied is not None and applied.matches else {}


def _changed(groups: RecipientGroups, options: RotateOptions) -> RecipientGroups:
    """A file's recipients with those of the command line added and taken out.

    Raises:
        UnprotectedError: nobody would be left, in the file or in one of its key groups.
    """
    gone = {recipient_key(recipient) for recipient in options.remove}
    present = {recipient_key(recipient) for recipient in flat(groups)}
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


def _compare(
    session: Session,
    target: Target,
    metadata: Metadata,
    document: Document,
    groups: RecipientGroups,
    options: RotateOptions,
) -> Differences:
    """What the rule has against the new recipients, but for those that the user named just now."""
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
    rule = applied.matches[-1].rule if applied and applied.matches and applied.matches[-1].matched else None
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
            "or `fluxsecrets recipients sync --all` takes them out again"
        )
    if missing:
        warnings.append(
            f"the rule in {place} also names {', '.join(missing)}: `fluxsecrets recipients sync --all` "
            "adds them, or take them out there"
        )
    return warnings
