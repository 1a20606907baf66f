"""`env add`: everything is worked out and checked first; then all of it is written, or nothing."""

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
from fluxsecrets.ops.run.changes import end_interrupted, interrupted, place_of_tree, refuse_interrupted
from fluxsecrets.ops.run.journal import Operation, PendingOperation, apply, pending
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import load_environments, unknown_environment
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import open_tree

from .model import AddRequest, NewEnvironment
from .naming import check_name
from .planner import work_out

COMMAND = "env add"


def plan_environment(session: Session, request: AddRequest) -> NewEnvironment:
    """Work out a new environment, and check it as if it were there.

    Raises:
        UsageError: the name cannot be taken, or an operation was interrupted.
        ConfigError: there is no environment to make it from, rules could not be added, or the copy would
            not be what the old one is.
        FileAccessError: a file is in the way, or cannot be read.
        UnprotectedError: a value of a secret could not be taken out.
        DataKeyError: values are to be copied, and no identity at hand opens a file.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    refuse_interrupted(tree)
    settings = load_settings(tree)
    environments = load_environments(tree, settings)
    names = tuple(each.name for each in environments)
    if request.source not in names:
        raise unknown_environment(tree, request.source, names)
    check_name(request.name, names)
    return work_out(session, request, tree, settings, environments)


def add_environment(session: Session, plan: NewEnvironment) -> NewKey | None:
    """Do what was planned, all of it or nothing.

    Returns:
        The new identity, or None where one was there already.

    Raises:
        FileAccessError: a file could not be written, or was changed since; the identity is gone again too.
        IdentityError: the new identity cannot be kept where it was asked for; nothing was written.
    """
    tree, identity = plan._tree, plan._identity  # noqa: SLF001 - what the plan is for
    assert tree is not None  # noqa: S101 - it comes from `plan_environment`
    place = place_of_tree(tree)
    keeping = plan._keeping  # noqa: SLF001
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
        apply(place, Operation(COMMAND, plan._changes, details), first=keep)  # noqa: SLF001
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
