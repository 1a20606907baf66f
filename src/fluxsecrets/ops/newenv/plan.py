"""`env add`: everything is worked out and checked first; then all of it is written, or nothing."""

from __future__ import annotations

from pathlib import Path

from fluxsecrets.ops.changes import end_interrupted, place_of_tree, refuse_interrupted
from fluxsecrets.ops.journal import Operation, PendingOperation, apply, pending
from fluxsecrets.ops.keys import Keeping, NewKey, Store, drop_identity, keep_identity
from fluxsecrets.ops.session import Session
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
    kept = None
    # First, since a key that is lost is worse than one that is not used.
    if identity is not None:
        kept = keep_identity(session, identity, plan._keeping)  # noqa: SLF001
    place = place_of_tree(tree)
    keeping = plan._keeping  # noqa: SLF001
    details = {
        "name": plan.name,
        "source": plan.source,
        "recipient": identity.recipient if kept is not None and identity is not None and kept.added else "",
        "store": str(keeping.store),
        "output": str(session.cwd / keeping.output) if keeping.output is not None else "",
    }
    try:
        apply(place, Operation(COMMAND, plan._changes, details))  # noqa: SLF001
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
    done = end_interrupted(open_tree(session.cwd, limits=session.limits), COMMAND, forward=forward)
    recipient, output = str(done.details.get("recipient", "")), str(done.details.get("output", ""))
    if not forward and recipient:
        store = Store(str(done.details.get("store", Store.FILE)))
        drop_identity(session, recipient, Keeping(None, store, Path(output) if output else None))
    return done
