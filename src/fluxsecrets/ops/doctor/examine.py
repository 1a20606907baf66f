"""Run the checks of `doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.session import Session

from .checks import CHECKS
from .facts import Facts
from .model import Check, Diagnosis, Examination, Examined, unknown


def examine(
    session: Session,
    version: str,
    checks: Sequence[Check] = CHECKS,
    *,
    environment: str | None = None,
    agent: str | None = None,
) -> Examination:
    """Look at this clone and this machine. Nothing is changed, and no value is decrypted.

    Args:
        session: the run.
        version: of fluxsecrets.
        checks: the checks to run.
        agent: the version of the agent that runs, see `Facts`.
        environment: look at this environment's files alone, and expect that the user can open them.

    Returns:
        What each check found out. A check that fails cannot tell; the others go on.

    Raises:
        UsageError: there is no such environment.
        ConfigError, GitError: the environments can't be found out.
    """
    # Warnings are diagnoses here, and nobody is asked for a passphrase.
    facts = Facts(replace(session, ask=None, notify=None, warn=None), version, environment, agent)
    if environment is not None:
        _ = facts.usage
    found = (Examined(each.info, _diagnoses(each, facts)) for each in checks)
    return Examination(tuple(each for each in found if each.diagnoses))


def _diagnoses(check: Check, facts: Facts) -> tuple[Diagnosis, ...]:
    found: list[Diagnosis] = []
    try:
        found.extend(check.check(facts))
    except FluxsecretsError as error:
        found.append(unknown(str(error), hint=error.hint or ""))
    return tuple(found)
