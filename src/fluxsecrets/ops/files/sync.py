"""Make files' recipients match the creation rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from fluxsecrets.errors import NotEncryptedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.manifests.meant import require_one_way
from fluxsecrets.ops.policy.drift import in_line
from fluxsecrets.ops.policy.policy import Overrides, Policy, blaming_rule, policy_for
from fluxsecrets.ops.policy.strangers import Differences, compare_with_rule, difference_lines, refuse
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of, read_public_keys
from fluxsecrets.ops.run.results import BatchResult, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.waiting import waits_to_rekey
from fluxsecrets.ops.run.writer import make_ready, prepare_files, replacing, write_files
from fluxsecrets.shell import file_word
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import check_recipients, groups_needed, kept_keys
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .content import check_encrypted, open_file, parse
from .encryptedfiles import encrypted_targets
from .rekey import (
    RekeyResult,
    changes_between,
    flat,
    prepare_target,
    warnings_of_recipients,
    with_new_data_key,
    with_same_data_key,
)


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How to sync files.

    Attributes:
        names: recipient -> name, from the repository's public keys.
        accept_recipients: continue even if a file encrypts less than its rule.
        write: False only reports what would happen, which needs no identity.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    accept_recipients: bool = False
    write: bool = True


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """Which files to sync, and how: the parameters of `recipients sync`.

    Attributes:
        accept_recipients: accept files that encrypt less than their rule.
        check, dry_run: only report what would happen.
    """

    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    input_type: str | None = None
    accept_recipients: bool = False
    check: bool = False
    dry_run: bool = False


Watch = Callable[[Iterator[FileResult], int], Iterable[FileResult]]
"""Passes on results, and may show progress. The number is that of all files."""


def sync(session: Session, request: SyncRequest, watch: Watch) -> BatchResult:
    """Make files match their rules, or report what that would change.

    Raises:
        UsageError: nothing was named, or in several ways.
        GitError, ConfigError, FileAccessError: see `select`.
    """
    require_one_way(request.paths, request.environment, everything=request.everything)
    selection = select(session, request.paths, request.environment, request.input_type)
    write = not (request.check or request.dry_run)
    options = SyncOptions(read_public_keys(selection.root), request.accept_recipients, write)
    if write:
        make_ready(target.path for target in selection.targets)
    targets, notes = encrypted_targets(session, selection)
    return BatchResult(tuple(watch(sync_files(session, targets, options), len(targets))), notes)


def sync_files(session: Session, targets: Sequence[Target], options: SyncOptions) -> Iterator[FileResult]:
    """Make files' recipients, key groups and threshold match the rule, in place.

    A file that only gains recipients keeps its data key and values, as with `sops updatekeys`. If a recipient
    is removed, or the groups become stricter, the file gets a new data key: anyone who knows the old one
    could read what is written to the file later.

    Returns:
        One `RekeyResult` per file, in order, as each one is ready; a plain `FileResult` if it could not be
        written.
    """
    prepare = partial(prepare_target, _sync, session, options)
    return write_files(session, prepare_files(prepare, targets, partial(waits_to_rekey, session, ())))


def _sync(session: Session, options: SyncOptions, target: Target) -> Prepared:
    content = read_file(target.path, limit=session.limits.size)
    policy = policy_for(session, target.path, Overrides())
    format_ = make_format(target.format, policy.stores)
    document = parse(format_, content.data, session.limits)
    metadata = document.metadata
    if metadata is None:
        raise NotEncryptedError(
            "the file is not encrypted", hint="encrypt it with `fluxsecrets encrypt FILE`"
        )
    values = check_encrypted(document, single_value=format_.single_value)
    names = {**options.names, **policy.names}
    weaker = _kept_weaker(session, target, metadata, document)
    warnings = _weaker_warning(target, weaker)
    if in_line(metadata, policy):
        members = names_of(metadata.recipients, names)
        return Prepared(RekeyResult(target.shown, Outcome.UNCHANGED, values, members, warnings))
    if not options.accept_recipients:
        refuse(weaker, names)
    added, removed = changes_between(flat(metadata.recipients), flat(policy.groups), names)
    new_data_key = needs_new_data_key(metadata, policy)
    with blaming_rule(policy):
        kept = () if new_data_key else kept_keys(metadata, policy.groups)
        check_recipients(policy.groups, session.providers, kept)
    write = None
    if options.write:
        opened = open_file(format_, content.data, session.providers, session.limits)
        if new_data_key:
            new, more = with_new_data_key(
                session, opened, policy.groups, policy.shamir_threshold, policy.stores
            )
            warnings = (*warnings, *more)
        else:
            new = with_same_data_key(session, opened, policy.groups, policy.shamir_threshold)
        about = warnings_of_recipients(session, policy.groups, policy.shamir_threshold, names)
        warnings = tuple(dict.fromkeys((*warnings, *opened.warnings, *about)))
        write = replacing(content, new)
    result = RekeyResult(
        target.shown,
        Outcome.SYNCED if options.write else Outcome.WOULD_SYNC,
        values,
        names_of(policy.groups, names),
        warnings,
        added=added,
        removed=removed,
        rearranged=_rearranged(metadata, policy),
        new_data_key=new_data_key,
    )
    return Prepared(result, write)


def needs_new_data_key(metadata: Metadata, policy: Policy) -> bool:
    """Whether the rule takes access from someone, or makes it harder."""
    own, ruled = metadata.recipients, policy.groups
    if in_line(metadata, policy):
        return False
    if len(own) != len(ruled):
        return True
    if groups_needed(own, metadata.shamir_threshold) < groups_needed(ruled, policy.shamir_threshold):
        return True
    return any(not _keys(mine) <= _keys(theirs) for mine, theirs in zip(own, ruled, strict=True))


def _rearranged(metadata: Metadata, policy: Policy) -> bool:
    """Whether anything changes besides added and removed recipients."""
    before = [_keys(group) for group in metadata.recipients]
    after = [_keys(group) for group in policy.groups]
    old, new = set(chain.from_iterable(before)), set(chain.from_iterable(after))
    kept_before = [group & new for group in before]
    kept_after = [group & old for group in after]
    same_threshold = groups_needed(metadata.recipients, metadata.shamir_threshold) == groups_needed(
        policy.groups, policy.shamir_threshold
    )
    return kept_before != kept_after or not same_threshold or old == new


def _keys(group: Sequence[Recipient]) -> set[tuple[str, str]]:
    return {recipient_key(recipient) for recipient in group}


def _kept_weaker(session: Session, target: Target, metadata: Metadata, document: Document) -> Differences:
    """Return where the file protects less than the rule. Sync fixes recipients, not the selector."""
    differences = compare_with_rule(session, target.path, metadata, document)
    return replace(differences, strangers=(), threshold_lower=False)


def _weaker_warning(target: Target, weaker: Differences) -> tuple[str, ...]:
    if not weaker.weaker:
        return ()
    what = "; ".join(difference_lines(weaker, {}))
    how = f"`fluxsecrets explain {file_word(target.shown)}` says what to do"
    return (f"{what}: `recipients sync` does not change that; {how}",)
