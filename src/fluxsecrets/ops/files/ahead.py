"""Load what the first file would load, while other processes look at files, or git lists them.

Until the first file is encrypted only this process works: what it loads for that serves all workers.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.session import Session

_MODULES = (
    *("fluxsecrets.sops.beside", "fluxsecrets.sops.encryption", "fluxsecrets.sops.primitives"),
    *("fluxsecrets.sops.formats.yaml.beside", "threading"),
)
_FOR_DECRYPTION = (
    *("fluxsecrets.sops.betweenkeys", "fluxsecrets.sops.primitives", "fluxsecrets.sops.formats.yaml.direct"),
    "threading",
)
_FOR_ROTATION = ("fluxsecrets.sops.betweenkeys", "fluxsecrets.sops.formats.yaml.again")


def load_rotation(session: Session) -> None:
    """The same as `load_encryption`, and what a file takes that is encrypted already."""
    load_encryption(session)
    for name in _FOR_ROTATION:
        import_module(name)


def load_encryption(session: Session) -> None:
    """Load what encrypting for the rules of the working directory takes; no identity is looked for.

    What is wrong with the rules is left to the work on the files that they are for.
    """
    for name in _MODULES:
        import_module(name)
    _load_keys(session)


def load_decryption(session: Session) -> None:
    """Load what decrypting takes where the rules of the working directory hold; no identity is looked for."""
    for name in _FOR_DECRYPTION:
        import_module(name)
    _load_keys(session)


def _load_keys(session: Session) -> None:
    with suppress(FluxsecretsError):
        found = session.find_config(session.cwd)
        rules = session.load_config(found).rules if found is not None else ()
        for recipient in dict.fromkeys(each for rule in rules for each in rule.recipients):
            provider = session.providers[recipient.kind]
            if recipient.kind == "age":  # others may ask a program
                provider.check(recipient)
