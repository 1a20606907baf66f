"""Resolve the conflicts of a file: merge its versions again with what was picked, and replace the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from fluxsecrets.errors import FluxsecretsError, UnprotectedError, UsageError
from fluxsecrets.files.writing import write_atomic
from fluxsecrets.merging import MISSING, Picks, Place, Side
from fluxsecrets.ops.files.values import NewValue
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git.index import StagedFile, stage, write_blob

from .dispute import Dispute, Disputed
from .kinds import Kind
from .picking import unsettled
from .sealedsecrets import merge_sealed
from .setting import with_values
from .threeway import merge_encrypted

Entered = Mapping[Place, NewValue]
"""New values for conflicts, by the YAML document in ours and the path."""


class Resolution(StrEnum):
    """What became of a file."""

    RESOLVED = "resolved"
    PARTLY = "partly resolved"
    UNRESOLVED = "unresolved"
    ALREADY = "already resolved"
    NO_CONFLICT = "no conflict"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The result for one file.

    Attributes:
        left: the conflicts that are left.
        staged: it is in the index.
        notes: what else the user should know.
    """

    path: str
    outcome: Resolution
    left: tuple[Disputed, ...] = ()
    staged: bool = False
    notes: tuple[str, ...] = ()


def resolve(
    session: Session,
    dispute: Dispute,
    picks: Picks,
    entered: Entered = {},  # noqa: B006 - never changed
    *,
    discard_changes: bool = False,
    add: bool = False,
) -> Resolved:
    """Merge the versions with what was picked, and replace the file.

    If there are conflicts and none was picked, nothing is written.

    Args:
        session: the run.
        dispute: the file.
        picks: the side to take for each conflict.
        entered: new values, which win over picks.
        discard_changes: replace the file even if something else in it was changed by hand.
        add: stage the result if no conflict is left.

    Raises:
        UnprotectedError: the file was changed by hand, or would be encrypted for somebody whom no rule names.
        FileAccessError: the file was changed meanwhile, or can't be written; it stays unchanged.
        GitError: it can't be staged. It is resolved nevertheless.
    """
    try:
        return _resolve(session, dispute, picks, entered, discard_changes=discard_changes, add=add)
    except FluxsecretsError as error:
        raise error.in_file(dispute.shown) from None


def keep(dispute: Dispute, *, add: bool = False) -> Resolved:
    """Take a file that is complete as it is.

    Args:
        dispute: the file.
        add: stage it.

    Raises:
        GitError: it can't be staged.
    """
    if add:
        _add(dispute, dispute.content.data)
    return Resolved(dispute.shown, Resolution.ALREADY, staged=add)


def _resolve(
    session: Session, dispute: Dispute, picks: Picks, entered: Entered, *, discard_changes: bool, add: bool
) -> Resolved:
    chosen = {**picks, **{place: _present_side(dispute, place) for place in entered}}
    left = unsettled(dispute, chosen)
    if left and len(left) == len(dispute.values):
        return Resolved(dispute.shown, Resolution.UNRESOLVED, left)
    if dispute.done.changes and not discard_changes:
        raise _changed_by_hand(dispute.done.changes)
    data, notes = _merged(session, dispute, chosen)
    if entered:
        data = _with_entered(session, dispute, data, entered)
    if not dispute.content.is_same(data):
        session.warn_of(dispute.path, write_atomic(dispute.path, data, expected=dispute.content))
    if left:
        return Resolved(dispute.shown, Resolution.PARTLY, left, notes=notes)
    if add:
        _add(dispute, data)
    return Resolved(dispute.shown, Resolution.RESOLVED, staged=add, notes=notes)


def _present_side(dispute: Dispute, place: Place) -> Side:
    """The side whose value a new one replaces."""
    conflict = next(value.conflict for value in dispute.values if value.place == place)
    return Side.THEIRS if conflict.ours is MISSING else Side.OURS


def _merged(session: Session, dispute: Dispute, picks: Picks) -> tuple[bytes, tuple[str, ...]]:
    versions, format_ = dispute.versions, dispute.format
    if dispute.whole:
        side = next(iter(picks.values()))
        data = {Side.BASE: versions.base, Side.OURS: versions.ours, Side.THEIRS: versions.theirs}[side]
        if data is None:
            raise UsageError("both sides added the file, so it has no base", hint="pick ours or theirs")
        return data, ()
    if dispute.kind is Kind.SEALED:
        return _merged_sealed(session, dispute, picks)
    result = merge_encrypted(session, dispute.path, format_, versions, dispute.labels, picks)
    if result.reason is not None:
        if unsettled(dispute, picks):
            result.reason.hint = "settle all conflicts at once: what is left can't be marked in the file"
        raise result.reason
    return result.data, result.notes


def _merged_sealed(session: Session, dispute: Dispute, picks: Picks) -> tuple[bytes, tuple[str, ...]]:
    result = merge_sealed(session, dispute.format, dispute.versions, dispute.labels, picks)
    if result is None:
        raise UsageError(
            "the conflicts that are left can't be marked in the file", hint="resolve all of them at once"
        )
    return result.data, result.notes


def _with_entered(session: Session, dispute: Dispute, data: bytes, entered: Entered) -> bytes:
    """Set new values in a merged file. Everything else in it keeps its ciphertext."""
    target = Target(
        dispute.path,
        dispute.shown,
        dispute.format.name,
        encrypted=True,
        repository=dispute.repository,
        repository_path=dispute.conflicted.path,
    )
    numbers = {value.place: value.conflict.merged_part or 0 for value in dispute.values}
    values = [(numbers[place], place[1], new) for place, new in entered.items()]
    return with_values(session, target, replace(dispute.content, data=data, digest=None), values)


def _changed_by_hand(changes: tuple[str, ...]) -> UnprotectedError:
    return UnprotectedError(
        "the file was changed by hand since the merge, and these changes would be lost",
        details=[f"changed: {change}" for change in changes],
        hint="note them, run `fluxsecrets resolve --discard-changes FILE`, and make them again with "
        "`fluxsecrets edit FILE`",
    )


def _add(dispute: Dispute, data: bytes) -> None:
    blob = write_blob(dispute.repository, data)
    stage(dispute.repository, [StagedFile(dispute.conflicted.path, dispute.conflicted.mode, blob)])
