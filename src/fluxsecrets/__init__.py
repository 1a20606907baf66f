"""Read and write SOPS files from Python: `load`, `loads`, `encrypt`, `decrypt`; `verify`; and the exceptions.

The names in `__all__` are the public API, documented in docs/python.md and stable. Everything else may
change. Functions are imported on first use, so the command line does not load what it does not need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.api import decrypt, encrypt, load, load_all, loads, loads_all, verify
    from fluxsecrets.errors import (
        AlreadyEncryptedError,
        ConfigError,
        DataKeyError,
        FileAccessError,
        FluxsecretsError,
        FormatError,
        GitError,
        IdentityError,
        IntegrityError,
        LimitError,
        MetadataError,
        NotEncryptedError,
        RecipientError,
        SelectorError,
        UnprotectedError,
        UsageError,
    )

__version__ = "0.2.0"

__all__ = [
    "AlreadyEncryptedError",
    "ConfigError",
    "DataKeyError",
    "FileAccessError",
    "FluxsecretsError",
    "FormatError",
    "GitError",
    "IdentityError",
    "IntegrityError",
    "LimitError",
    "MetadataError",
    "NotEncryptedError",
    "RecipientError",
    "SelectorError",
    "UnprotectedError",
    "UsageError",
    "decrypt",
    "encrypt",
    "load",
    "load_all",
    "loads",
    "loads_all",
    "verify",
]

_FUNCTIONS = frozenset({"decrypt", "encrypt", "load", "load_all", "loads", "loads_all", "verify"})


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _FUNCTIONS:
        from fluxsecrets import api

        return getattr(api, name)
    from fluxsecrets import errors

    return getattr(errors, name)
