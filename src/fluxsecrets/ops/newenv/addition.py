"""Write a planned environment, all of it or nothing; and end an addition that was interrupted."""

from __future__ import annotations

from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.people.keystore import (
    Keeping,
    NewKey,
    Store,
    drop_identity,
    holds_identity,
    keep_identity,
)
from fluxsecrets.ops.run.changes import end_interrupted, interrupted, place_of_tree
from fluxsecrets.ops.run.journal import Operation, PendingOperation, apply, pending
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.tree import open_tree

from .model import NewEnvironment

COMMAND = "env add"


def add_environment(session: Session, plan: NewEnvironment) -> NewKey | None:
    """Do what was planned, all of it or nothing.

    Returns:
        The new identity, or None where one was there already.

    Raises:
        FileAccessError: a file could not be written, or was changed since; the identity is gone again too.
        IdentityError: the new identity cannot be kept where it was asked for; nothing was written.
    """
    identity, keeping = plan.identity, plan.keeping
    place = place_of_tree(plan.tree)
    kept: NewKey | None = None

    def keep() -> None:
        """Behind the journal, so that an interruption leaves no identity that nothing names."""
        nonlocal kept
        if identity is not None:
            kept = keep_identity(session, identity, keeping)

    details = {
        "name": plan.name,
        "source": plan.source,
        "recipient": identity.recipient if identity is not None else "",
        "store": str(keeping.store),
        "output": str(session.cwd / keeping.output) if keeping.output is not None else "",
    }
    try:
        apply(place, Operation(COMMAND, plan.changes, details), first=keep)
    except BaseException:
        if identity is not None and kept is not None and kept.added and pending(place) is None:
            drop_identity(session, identity.recipient, keeping)
        raise
    return kept


def end_addition(session: Session, *, forward: bool) -> PendingOperation:
    """Complete an addition that was interrupted, or take it back together with the identity that it made.

    Raises:
        UsageError: nothing was interrupted, or it was another command.
        FileAccessError: a file was changed since, or cannot be written.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    found = interrupted(tree)
    if forward and found is not None and found.name == COMMAND:
        recipient, keeping = _kept(found)
        if recipient and not holds_identity(session, recipient, keeping):
            raise UsageError(
                "it was interrupted before the new identity was kept, and the files would be encrypted for "
                "nobody",
                hint="take it back with `fluxsecrets env add --abort`, and add the environment again",
            )
    done = end_interrupted(tree, COMMAND, forward=forward)
    recipient, keeping = _kept(done)
    if not forward and recipient:
        drop_identity(session, recipient, keeping)
    return done


def _kept(operation: PendingOperation) -> tuple[str, Keeping]:
    """The recipient of the identity that an addition makes, or "", and where it is kept."""
    details = {name: str(value) for name, value in operation.details.items()}
    output = details.get("output", "")
    keeping = Keeping(None, Store(details.get("store", Store.FILE)), Path(output) if output else None)
    return details.get("recipient", ""), keeping
