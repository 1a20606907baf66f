"""Data keys that a service wraps: what its providers share.

A provider's file has a `KeyClient`, which makes one request per call. What costs calls, time or the user's
patience is decided here, once for all: each wrapped key is decrypted once per run, a refusal is remembered
for all that it covers, and the rate, the retries and the time are bounded.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from fluxsecrets.clouds.calling import Caller, CallLimits
from fluxsecrets.clouds.refusal import DENIED, DISABLED, NOT_FOUND, REASONS, WRONG_KEY
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import (
    FluxsecretsError,
    IdentityError,
    IntegrityError,
    RecipientError,
    ServiceError,
    UnansweredError,
)
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.naming import address_of
from fluxsecrets.sops.recipients import Recipient

from .unlocked import needs_person

_OF_THE_KEY = frozenset({DENIED, DISABLED, NOT_FOUND})
"""Refusals that hold for whatever is wrapped for the same key."""

_LENGTHS = (32, 33)
"""Bytes of a data key, and of a share of one."""

Result = TypeVar("Result")


class KeyClient(Protocol):
    """One kind of key service. Instances are made once per process and shared by threads."""

    kind: str
    """The kind of recipient."""

    title: str
    """The service's name for people."""

    limits: CallLimits

    def check(self, recipient: Recipient) -> None:
        """Raise RecipientError if the recipient is malformed; the service is not asked."""

    def address(self, recipient: Recipient) -> str:
        """Return what is down as a whole if it can't be reached, such as a region or a server."""

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """Wrap a data key or a share of one, with one request.

        Returns:
            The recipient as it goes into the file, such as with the key's version, and the wrapped key in the
            form that sops writes.

        Raises:
            ServiceError: it could not, with a reason.
        """

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """Unwrap, with one request.

        Raises:
            ServiceError: it could not, with a reason.
        """

    def has_credentials(self, recipient: Recipient) -> bool:
        """Whether there are credentials that may open the key. Nobody is asked, no program and no service."""

    def looked_in(self) -> tuple[str, ...]:
        """Where credentials were looked for, one line per place."""


class ServiceProvider:
    """The provider of one kind of key that a service holds. Threads can share it.

    It has no lock, for the reason of `Shared`.

    Instances can be pickled to start worker processes, under the same caution as `age.AgeProvider`: the
    pickle has the data keys that were opened.
    """

    waits = True

    def __init__(self, make: Callable[[], KeyClient], *, now: Callable[[], datetime] | None = None) -> None:
        """Take what makes the client: a picklable call, since connections do not survive a fork.

        Args:
            make: makes a client; nothing is sent and no library is imported before it is used.
            now: gives the time for `created_at`; for tests.
        """
        self._make = make
        self._now = now
        self._opened: dict[object, bytes] = {}
        self._refused: dict[object, ServiceError] = {}
        client = make()
        self._connections = {os.getpid(): Connection(client)}
        self.kind = client.kind

    def __getstate__(self) -> dict[str, object]:
        """Pickle what was opened and refused; a connection is made anew."""
        copies = {"_opened": self._opened.copy(), "_refused": self._refused.copy(), "_connections": {}}
        return {**self.__dict__, **copies}

    def check(self, recipient: Recipient) -> None:
        """Raise RecipientError if the recipient is malformed, and name it; the service is not asked."""
        try:
            self._connection.client.check(recipient)
        except RecipientError as error:
            shown = address_of(recipient)
            raise RecipientError(f"{error.message}: {shown}", hint=error.hint) from None

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Encrypt a data key or a share of one.

        Raises:
            RecipientError: malformed, or the service could not encrypt for it, or did not.
        """
        client = self._connection.client
        self.check(recipient)
        try:
            written, enc = self._call("encrypt", recipient, lambda: client.encrypt(recipient, secret))
        except ServiceError as error:
            raise RecipientError(
                f"can't encrypt for {recipient.id}: {error.message}", hint=error.hint, path=error.path
            ) from None
        if not enc or shows(enc, secret):
            sent = "the data key back as it is" if enc else "nothing back"
            raise RecipientError(
                f"can't encrypt for {recipient.id}: {client.title} sent {sent}",
                hint="check its address: what answers there does not encrypt",
            )
        now = datetime.now(UTC) if self._now is None else self._now()
        return WrappedKey(written, enc, now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Decrypt a wrapped key: with one request per run, also where it stands in several files.

        Raises:
            UnansweredError: the service can't be reached, or is not available.
            IdentityError: the service refused, or could not be asked.
            IntegrityError: the wrapped key is damaged.
        """
        place = (_exact(key.recipient), key.enc)
        if (known := self._opened.get(place)) is not None:
            return known
        secret = self._connection.secrets.get(place, lambda: self._decrypted(key), remembers=_is_answer)
        self._opened[place] = secret
        return secret

    def _decrypted(self, key: WrappedKey) -> bytes:
        client, recipient = self._connection.client, key.recipient
        try:
            self.check(recipient)
            secret = self._call("decrypt", recipient, lambda: client.decrypt(recipient, key.enc))
        except RecipientError as error:
            raise IdentityError(error.message, hint=error.hint) from None
        except ServiceError as error:
            kind: type[FluxsecretsError] = IdentityError
            if error.reason == WRONG_KEY:
                kind = IntegrityError
            elif REASONS[error.reason].undecided:
                kind = UnansweredError
            raise kind(error.message, hint=error.hint, path=error.path) from None
        if len(secret) not in _LENGTHS:
            raise IntegrityError(
                f"{client.title} decrypted {len(secret)} bytes, which is not a data key",
                hint="restore the file from its last good version",
            )
        return secret

    def _call(self, action: str, recipient: Recipient, request: Callable[[], Result]) -> Result:
        """Return the service's answer; a refusal that holds for the key is not asked for again."""
        needs_person(self._connection.client.title)
        used, name = self._connection, (action, *_exact(recipient))
        if (refused := self._refused.get(name)) is not None:
            raise copy(refused)
        try:
            return used.caller.call(used.client.address(recipient), request)
        except ServiceError as error:
            if error.reason in _OF_THE_KEY:
                self._refused[name] = error
            raise

    def at_hand(self, recipient: Recipient) -> bool:
        """Return False: the service has to be asked."""
        return False

    def owns(self, recipient: Recipient) -> bool:
        """Whether credentials are configured that may open the key; the service is not asked."""
        client = self._connection.client
        try:
            client.check(recipient)
        except RecipientError:
            return False
        return client.has_credentials(recipient)

    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """Return nothing: `owns` looks everywhere."""
        return ()

    def looked_in(self) -> tuple[str, ...]:
        """Return where credentials were looked for."""
        return self._connection.client.looked_in()

    @property
    def _connection(self) -> Connection:
        """The client of this process. A fork must not share sockets, nor wait for threads of its parent."""
        process = os.getpid()
        return self._connections.get(process) or self._connections.setdefault(
            process, Connection(self._make())
        )


class Connection:
    """A client, the caller of its requests, and what was asked: of one process."""

    def __init__(self, client: KeyClient) -> None:
        """Take the client."""
        self.client = client
        self.caller = Caller(client.title, client.limits)
        self.secrets: Shared[bytes] = Shared()


def shows(enc: str, secret: bytes) -> bool:
    """Whether a wrapped key shows what it should hide: as it is, in hexadecimal digits or in base64."""
    text = "".join(enc.split())
    inside = [text.encode("utf-8", "replace")]
    for part in re.split(r"[^A-Za-z0-9+/_-]+", text):
        with suppress(binascii.Error, ValueError):
            inside.append(base64.b64decode(part.translate(_STANDARD) + "=" * (-len(part) % 4)))
    plain, digits = base64.b64encode(secret).rstrip(b"="), secret.hex().encode()
    hidden = (secret, plain, base64.urlsafe_b64encode(secret).rstrip(b"="), digits, digits.upper())
    return any(each in place for each in hidden for place in inside)


_STANDARD = str.maketrans("-_", "+/")


def _is_answer(error: BaseException) -> bool:
    """Whether an error says something of the key; Ctrl-C does not."""
    return isinstance(error, FluxsecretsError)


def _exact(recipient: Recipient) -> tuple[str, str, str]:
    """Return what tells requests apart: a role or a context changes what the service answers."""
    return recipient.kind, recipient.id, repr(recipient.attributes)
