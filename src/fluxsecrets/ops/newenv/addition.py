"""Write a planned environment, all of it or nothing."""

from __future__ import annotations

from fluxsecrets.ops.people.keystore import NewKey, write_with_identity
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import Operation, place_of_tree, write_files

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
    operation = Operation(
        COMMAND, place_of_tree(plan.tree), plan.changes, {"name": plan.name, "source": plan.source}
    )
    if plan.identity is None:
        write_files(session, (), operation)
        return None
    return write_with_identity(session, (), operation, plan.identity, plan.keeping)[1]
