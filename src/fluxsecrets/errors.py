"""The exceptions of fluxsecrets. Every error says what is wrong, where, and what to do next.

Annotations are not postponed here: named tuples compile each postponed one, and every command imports this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fluxsecrets.namedtuples import NamedTuple

from .marks import without_private_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class FluxsecretsError(Exception):
    """Anything that fluxsecrets refuses or can't do.

    An error never contains a plain-text value: messages name keys, places and recipients only. A private key
    in place of one of these is replaced.

    Attributes:
        message: what is wrong, lower-case start, no full stop.
        hint: what to do next, or None.
        line: 1-based line in that file.
        column: 1-based column in characters.
        details: more lines to show under the message, such as the keys that were tried.
        exit_code: the exit code of the process if this error ends it.
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

    def in_file(self, path: str) -> Self:
        """Add the file's path, if the code that raised knew only bytes. An existing path stays."""
        if self.path is None:
            self.path = without_private_keys(path)
        return self

    @property
    def place(self) -> str:
        """The known parts of `file:line:column`, or an empty string."""
        parts = [self.path, self.line, self.column if self.line is not None else None]
        return ":".join(str(part) for part in parts if part is not None)

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes pickle errors, and pickle can't restore keyword arguments by itself.
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
    """The command line or the call is wrong."""


class FileAccessError(FluxsecretsError):
    """A file can't be read, written or reached."""


class ChangedError(FileAccessError):
    """Another program changed, removed or created a file while its new content was being made."""


class KeptError(FileAccessError):
    """An operation was taken back but for files that somebody changed meanwhile; their versions are kept."""


class LimitError(FluxsecretsError):
    """The input is larger, deeper or more expanded than the limits allow."""


class FormatError(FluxsecretsError):
    """The input does not match its format: invalid YAML, duplicate keys, a list at the top."""


class ArchiveError(FormatError):
    """An archive, or a file in it, can't be looked into: damaged, encrypted, or beyond the limits."""


class ConfigError(FluxsecretsError):
    """`.sops.yaml` or `.fluxsecrets.yaml` is missing, invalid, or has no rule for a file."""


class SelectorError(ConfigError):
    """A selector is invalid, or a rule has more than one."""


class MetadataError(FluxsecretsError):
    """The `sops` block of an encrypted file is invalid."""


class NotEncryptedError(FluxsecretsError):
    """The file should be encrypted, but is not."""


class AlreadyEncryptedError(FluxsecretsError):
    """The file should be plain, but is encrypted."""


class UnprotectedError(FluxsecretsError):
    """The result would leave a secret unprotected, or Flux could not apply it."""


class IntegrityError(FluxsecretsError):
    """A value, the MAC, or metadata that the MAC covers was changed without the key."""


class RecipientError(FluxsecretsError):
    """A recipient is malformed or unknown, or encrypting for it failed."""


class IdentityError(FluxsecretsError):
    """A private key or key file is malformed, unreadable or locked."""


class LockedError(IdentityError):
    """A private key stayed locked: nobody gave its passphrase or PIN, or its device is missing."""


class UnansweredError(LockedError):
    """A key service that might have decrypted a key can't be reached, or is not available."""


class Attempt(NamedTuple):
    """One key that was tried and did not open its group.

    Attributes:
        group: the key group's number, from 1.
        recipient: the full public key; empty if the file holds something else.
        shown: the recipient for messages, shortened.
        reason: why the key did not open the group.
        hint: what to do about that, or empty.
        locked: an identity that might have opened it stayed locked, or a service gave no answer.
    """

    group: int
    kind: str
    recipient: str
    shown: str
    reason: str
    hint: str = ""
    locked: bool = False


class Tried(NamedTuple):
    """The keys that were tried to open a file.

    Attributes:
        opened: the numbers of the opened groups, from 1.
        attempts: the keys that opened nothing, in order.
        places: the places that were searched for identities.
        needed: how many groups must be opened.
    """

    groups: int
    opened: frozenset[int]
    attempts: tuple[Attempt, ...]
    places: tuple[str, ...] = ()
    needed: int = 1

    @property
    def locked(self) -> tuple[Attempt, ...]:
        """The keys that might have been opened; none if that were not enough.

        Identities stayed locked, or services gave no answer.
        """
        found = tuple(each for each in self.attempts if each.locked and each.group not in self.opened)
        return found if len(self.opened.union(each.group for each in found)) >= self.needed else ()

    def lines(self, names: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """Return lines for groups, keys, reasons and hints; names by recipient are shown after the key."""
        keys = {each: _with_name(each, names) for each in self.attempts}
        lines = []
        for group in range(1, self.groups + 1):
            tried = [each for each in self.attempts if each.group == group]
            short = {each for each in tried if len(keys[each]) + len(each.reason) <= _LINE}
            width = max((len(keys[each]) for each in short), default=0)
            lines.append(f"group {group}" + ("  opened" if group in self.opened else ""))
            for number, each in enumerate(tried, 1):
                if each in short:
                    lines.append(f"  {keys[each]:{width}}  {each.reason}")
                else:
                    lines += [f"  {keys[each]}", f"    {each.reason}"]
                if each.hint and all(next_.hint != each.hint for next_ in tried[number : number + 1]):
                    lines.append(f"    hint: {each.hint}")
        if self.places:
            lines.append("looked in: " + ", ".join(self.places))
        return [without_private_keys(line) for line in lines]


_LINE = 74
"""Characters of a key and its reason; more take two lines, so that they fit a terminal."""


def _with_name(attempt: Attempt, names: Mapping[str, str]) -> str:
    name = names.get(attempt.recipient)
    return f"{attempt.shown} ({name})" if name else attempt.shown


class DataKeyError(FluxsecretsError):
    """None of the available identities can open the file; `details` lists the keys that were tried.

    Attributes:
        tried: the details as data, or None.
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

    @property
    def undecided(self) -> bool:
        """Whether nobody can tell, see `Tried.locked`."""
        return self.tried is not None and bool(self.tried.locked)

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"tried": self.tried})


class CertificateError(FluxsecretsError):
    """A sealing certificate is missing, damaged, or not valid now."""


class ServiceError(FluxsecretsError):
    """A service outside can't be used, or refused a request.

    Attributes:
        reason: one of `clouds.refusal.REASONS`.
        retry_after: seconds that the service wants between this request and the next, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        path: str | None = None,
        reason: str = "failed",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, path=path)
        self.reason = reason
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"reason": self.reason, "retry_after": self.retry_after})


class StoreError(FluxsecretsError):
    """A secret store can't be reached, or refused the request."""


class ClusterError(FluxsecretsError):
    """A cluster, or a dump of one, can't be read, or is not the one that the environment is for."""


class GitError(FluxsecretsError):
    """Git is missing or failed, or the folder is not a repository."""


class MissingLibraryError(FluxsecretsError):
    """A Python package is missing, or can't be loaded on this system."""


class NeedsPersonError(BaseException):
    """A run that may ask nobody, as in the agent, needs a person.

    This is not a FluxsecretsError or an Exception. The run has no answer, not even that a key can't be
    opened, so this passes all code that tries the next key or reports an error. The caller of the run repeats
    it where a person can be asked.
    """
