"""Exit codes of sops 3.13.2 (cmd/sops/codes/codes.go), and what gives an error one of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fluxsecrets.errors import (
    AlreadyEncryptedError,
    ConfigError,
    DataKeyError,
    FluxsecretsError,
    IntegrityError,
    NotEncryptedError,
    UsageError,
)

GENERIC = 1
COULD_NOT_READ_INPUT = 2
COULD_NOT_WRITE_OUTPUT = 3
ERROR_DUMPING_TREE = 4
INVALID_ENCRYPTION_CONTEXT = 6
INVALID_SET_FORMAT = 7
CONFLICTING_PARAMETERS = 8
ERROR_ENCRYPTING_TREE = 23
ERROR_DECRYPTING_TREE = 25
CANNOT_CHANGE_KEYS_OF_NO_FILE = 49
MAC_MISMATCH = 51
INVALID_TREE_PATH = 91
NEED_A_DOCUMENT = 92
NO_FILE_SPECIFIED = 100
DUPLICATE_KEY_TYPE = 112
COULD_NOT_RETRIEVE_KEY = 128
FILE_NOT_MODIFIED = 200
NO_EDITOR_FOUND = 201
FILE_ALREADY_ENCRYPTED = 203


def exit_code_of(error: FluxsecretsError) -> int:
    """The exit code that an error was given, or sops's generic one."""
    return error.exit_code if "exit_code" in vars(error) else GENERIC


def coded(error: FluxsecretsError, code: int) -> FluxsecretsError:
    """The error with an exit code; one that it was given before wins."""
    if "exit_code" not in vars(error):
        error.exit_code = code
    return error


@contextmanager
def failing_with(code: int, *kinds: type[FluxsecretsError]) -> Iterator[None]:
    """Give errors that pass here an exit code.

    Without `kinds`, this applies to all errors.
    """
    try:
        yield
    except FluxsecretsError as error:
        if not kinds or isinstance(error, kinds):
            coded(error, code)
        raise


def usage_error(message: str, code: int, hint: str | None = None) -> FluxsecretsError:
    """A wrong command line, with sops's exit code for it."""
    return coded(UsageError(message, hint=hint), code)


class EmptyGroupError(ConfigError):
    """A rule without recipients. A program gets it word for word as from sops, whose own tests compare it."""

    words = "Could not generate data key: [empty key group provided]"


def as_sops_says(error: FluxsecretsError) -> FluxsecretsError:
    """The error with the words of sops in front that other tools look for in its output."""
    words = next(
        (
            words
            for kind, code, words in _WORDS
            if isinstance(error, kind) and (code is None or exit_code_of(error) == code)
        ),
        None,
    )
    if words is not None and not error.message.startswith(words):
        error.message = f"{words}: {error.message}"
    return error


NO_RULE_WORDS = "no matching creation rules found"
NO_CONFIG_WORDS = (
    "config file not found, or has no creation rules, and no keys provided through command line options"
)
_WORDS: tuple[tuple[type[FluxsecretsError], int | None, str], ...] = (
    (NotEncryptedError, None, "sops metadata not found"),
    (DataKeyError, None, "Failed to get the data key required to decrypt the SOPS file"),
    (IntegrityError, MAC_MISMATCH, "MAC mismatch"),
    (
        AlreadyEncryptedError,
        FILE_ALREADY_ENCRYPTED,
        "The file you have provided contains a top-level entry called 'sops'",
    ),
)
