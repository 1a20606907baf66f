"""The one exception tree: every error says what is wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from .redaction import without_private_keys


class FluxsecretsError(Exception):
    """Anything that fluxsecrets refuses or cannot do.

    Never holds a plain-text value: messages name keys, places and recipients only. A private key that stood
    where one of these belongs is taken out.

    Attributes:
        message: what is wrong, lower-case start, no full stop.
        hint: what to do next, or None where there is nothing to say.
        path: the file it is about, as the user would name it.
        line: 1-based line in that file.
        column: 1-based column in characters.
        details: further lines to show under the message, such as which keys were tried.
        exit_code: what the process exits with when this error ends it.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        details: Sequence[str] = (),
    ) -> None:
        message = without_private_keys(message)
        super().__init__(message)
        self.message = message
        self.hint = without_private_keys(hint) if hint is not None else None
        self.path = without_private_keys(path) if path is not None else None
        self.line = line
        self.column = column
        self.details = tuple(without_private_keys(line) for line in details)

    def in_file(self, path: str) -> FluxsecretsError:
        """Name the file, where the code that raised knew only bytes; an inner name wins."""
        if self.path is None:
            self.path = without_private_keys(path)
        return self

    @property
    def place(self) -> str:
        """`file:line:column` as far as they are known, or an empty string."""
        parts = [self.path, self.line, self.column if self.line is not None else None]
        return ":".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes send errors back; keyword arguments need saying for that.
        state = (self.message, self.hint, self.path, self.line, self.column, self.details)
        return (_rebuild, (type(self), state))


def _rebuild(cls: type[FluxsecretsError], state: tuple[object, ...]) -> FluxsecretsError:
    error = cls.__new__(cls)
    message, hint, path, line, column, details = state
    FluxsecretsError.__init__(
        error,
        message,  # type: ignore[arg-type]
        hint=hint,  # type: ignore[arg-type]
        path=path,  # type: ignore[arg-type]
        line=line,  # type: ignore[arg-type]
        column=column,  # type: ignore[arg-type]
        details=details,  # type: ignore[arg-type]
    )
    return error


class UsageError(FluxsecretsError):
    """The command or the call was used wrongly."""


class FileAccessError(FluxsecretsError):
    """A file could not be read, written or reached as asked."""


class LimitError(FluxsecretsError):
    """Input is larger, deeper or more expanded than the limits allow."""


class FormatError(FluxsecretsError):
    """Input is not what its format says: not YAML, duplicate keys, a list at the top."""


class ConfigError(FluxsecretsError):
    """`.sops.yaml` or `.fluxsecrets.yaml` is missing, invalid, or has no rule for a file."""


class SelectorError(ConfigError):
    """A selector is invalid, or there is more than one."""


class MetadataError(FluxsecretsError):
    """The `sops` block of an encrypted file cannot be used as it stands."""


class NotEncryptedError(FluxsecretsError):
    """An encrypted file was expected, and this one is not."""


class AlreadyEncryptedError(FluxsecretsError):
    """A plain file was expected, and this one is encrypted."""


class UnprotectedError(FluxsecretsError):
    """Going on would leave a secret unprotected, or hand Flux something it cannot apply."""


class IntegrityError(FluxsecretsError):
    """A value, the MAC or the metadata that it covers was changed outside of the tool."""


class RecipientError(FluxsecretsError):
    """A recipient is malformed, unknown, or could not be encrypted for."""


class IdentityError(FluxsecretsError):
    """A private key or key file is malformed, unreadable or locked."""


class Attempt(NamedTuple):
    """One key that was tried and did not open its group.

    Attributes:
        group: the key group's number, from 1.
        kind: of the key, as it is named in files.
        recipient: whose key, in full; empty where the file holds something other than a public key.
        shown: the recipient for messages, shortened.
        reason: why the key did not open the group.
    """

    group: int
    kind: str
    recipient: str
    shown: str
    reason: str


class Tried(NamedTuple):
    """What was tried to open a file.

    Attributes:
        groups: how many key groups the file has.
        opened: the numbers of those that were opened, from 1.
        attempts: the keys that opened nothing, in order.
        places: where identities were looked for.
    """

    groups: int
    opened: frozenset[int]
    attempts: tuple[Attempt, ...]
    places: tuple[str, ...] = ()

    def lines(self, names: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """One line per group, key and reason.

        Args:
            names: recipient -> name, to show behind the key.
        """
        keys = {each: _with_name(each, names) for each in self.attempts}
        lines = []
        for group in range(1, self.groups + 1):
            tried = [(keys[each], each.reason) for each in self.attempts if each.group == group]
            width = max((len(key) for key, _ in tried), default=0)
            lines.append(f"group {group}" + ("  opened" if group in self.opened else ""))
            lines += [f"  {key:{width}}  {reason}" for key, reason in tried]
        if self.places:
            lines.append("looked in: " + ", ".join(self.places))
        return [without_private_keys(line) for line in lines]


def _with_name(attempt: Attempt, names: Mapping[str, str]) -> str:
    name = names.get(attempt.recipient)
    return f"{attempt.shown} ({name})" if name else attempt.shown


class DataKeyError(FluxsecretsError):
    """None of the identities at hand opens the file; `details` says which were tried.

    Attributes:
        tried: the same as data, or None where there is no more to say than the message.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        path: str | None = None,
        line: int | None = None,
        details: Sequence[str] = (),
        tried: Tried | None = None,
    ) -> None:
        details = details if tried is None else tried.lines()
        super().__init__(message, hint=hint, path=path, line=line, details=details)
        self.tried = tried

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"tried": self.tried})


class CertificateError(FluxsecretsError):
    """A sealing certificate is missing, damaged, or not valid at this time."""


class StoreError(FluxsecretsError):
    """A secret store could not be reached, or refused what was asked of it."""


class GitError(FluxsecretsError):
    """Git is missing, failed, or this is no repository."""
