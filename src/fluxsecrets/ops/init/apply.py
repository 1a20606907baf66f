"""Do what was planned: the files and the identities together or not at all, then git and the baseline."""

from __future__ import annotations

from fluxsecrets.ops.people.keystore import end_with_identity, write_with_identities
from fluxsecrets.ops.run.journal import Way
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import Operation, interrupted, place_of_tree, write_files

from .model import InitPlan

COMMAND = "init"


def take_back_interrupted(session: Session) -> bool:
    """Take back an interrupted run of `init`, so that a new one starts from the original files.

    Returns:
        Whether there was one; what another command left is not touched.

    Raises:
        FluxsecretsError: see `end_with_identity`.
    """
    found = interrupted(session)
    if found is None or found.name != COMMAND:
        return False
    end_with_identity(session, Way.ABORT, COMMAND)
    return True


def apply_init(session: Session, plan: InitPlan) -> tuple[str, ...]:
    """Write the files, keep the identities, and do what comes after.

    A private key is written to the key file or the keyring only. Git's set-up and the baseline come last and
    may be repeated: a second run completes them.

    Returns:
        Notes for the user, one sentence each.

    Raises:
        FluxsecretsError: see `write_with_identities`; or what comes after failed, and the files are written.
    """
    changes = plan.draft.changes()
    operation = Operation(COMMAND, place_of_tree(plan.draft.tree), changes)
    if plan.made:
        write_with_identities(session, (), operation, plan.made, plan.keeping)
    elif changes:
        write_files(session, (), operation)
    return tuple(note for finish in plan.finish for note in finish())
