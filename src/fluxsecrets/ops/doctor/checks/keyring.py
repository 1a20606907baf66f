"""Whether the keyring of the operating system can be used."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from fluxsecrets.keys.oskeyring import KeyringError, keyring_name
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.ops.people.keystore import age_provider

INFO = CheckInfo("keyring", "OS keyring")

_TIMEOUT = 5.0
"""Seconds for a keyring to be found; it is not opened."""


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether there is a keyring, if its library is installed or identities are in it.

    Without an identity in it, a machine without a keyring is as it should be: key files do.
    """
    stored = len(age_provider(facts.session).lookup().stored)
    if find_spec("keyring") is None:
        if stored:
            message = f"its library is missing, and {_counted(stored)} in it"
            yield problem(message, command="pip install 'fluxsecrets[keyring]'")
        return
    try:
        name = keyring_name(timeout=_TIMEOUT)
        yield ok(f"{name}: {_counted(stored)} in it")
    except KeyringError as error:
        if stored:
            yield problem(error.message, hint=error.hint or "")
        else:
            yield ok(f"{error.note}; key files do without")


def _counted(identities: int) -> str:
    if identities == 1:
        return "1 identity is"
    return f"{identities or 'no'} identities are"


CHECK = Check(INFO, check)
