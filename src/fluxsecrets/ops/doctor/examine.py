"""Run the checks of `doctor`."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.session import Session

from .checks import CHECKS
from .facts import Facts
from .model import Check, Diagnosis, Examination, Examined, unknown


def examine(session: Session, checks: Sequence[Check] = CHECKS) -> Examination:
    """Look at this clone and this machine. Nothing is changed, and no value is decrypted.

    Returns:
        What each check found out. A check that fails cannot tell; the others go on.
    """
    facts = Facts(session)
    found = (Examined(each.info, _diagnoses(each, facts)) for each in checks)
    return Examination(tuple(each for each in found if each.diagnoses))


def _diagnoses(check: Check, facts: Facts) -> tuple[Diagnosis, ...]:
    found: list[Diagnosis] = []
    try:
        found.extend(check.check(facts))
    except FluxsecretsError as error:
        found.append(unknown(str(error), hint=error.hint or ""))
    return tuple(found)
