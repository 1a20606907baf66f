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
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from fluxsecrets.clouds.calling import Caller, CallLimits
from fluxsecrets.clouds.refusal import DENIED, DISABLED, NOT_FOUND, WRONG_KEY
from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError, ServiceError
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.naming import address_of
from fluxsecrets.sops.recipients import Recipient

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
        self._opened: dict[object, Future[bytes]] = {}
        self._refused: dict[object, ServiceError] = {}
        self._used: Connection | None = None
        self._lock = threading.Lock()
        self.kind = make().kind

    def __getstate__(self) -> dict[str, object]:
        """Pickle what was opened and refused; a connection is made anew."""
        opened = {key: each.result() for key, each in self._opened.items() if _is_answer(each)}
        return {**self.__dict__, "_opened": opened, "_used": None, "_lock": None}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Restore what was pickled."""
        self.__dict__.update(state)
        self._lock = threading.Lock()
        opened, self._opened = self._opened, {}
        for key, secret in opened.items():
            self._opened[key] = Future()
            self._opened[key].set_result(secret)  # type: ignore[arg-type]  # the pickle holds bytes

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
            IdentityError: the service refused, or could not be asked.
            IntegrityError: the wrapped key is damaged.
        """
        place = (_exact(key.recipient), key.enc)
        with self._lock:
            known = self._opened.get(place)
            if known is None:
                mine = self._opened[place] = Future()
        if known is None:
            try:
                mine.set_result(self._decrypted(key))
            except BaseException as error:  # noqa: BLE001 - the others wait for it, and it is raised below
                mine.set_exception(error)
        else:
            mine = known
        failure = mine.exception()
        if failure is not None:
            raise copy(failure)  # errors are completed on their way to the user
        return mine.result()

    def _decrypted(self, key: WrappedKey) -> bytes:
        client, recipient = self._connection.client, key.recipient
        try:
            self.check(recipient)
            secret = self._call("decrypt", recipient, lambda: client.decrypt(recipient, key.enc))
        except RecipientError as error:
            raise IdentityError(error.message, hint=error.hint) from None
        except ServiceError as error:
            kind = IntegrityError if error.reason == WRONG_KEY else IdentityError
            raise kind(error.message, hint=error.hint, path=error.path) from None
        if len(secret) not in _LENGTHS:
            raise IntegrityError(
                f"{client.title} decrypted {len(secret)} bytes, which is not a data key",
                hint="restore the file from its last good version",
            )
        return secret

    def _call(self, action: str, recipient: Recipient, request: Callable[[], Result]) -> Result:
        """Return the service's answer; a refusal that holds for the key is not asked for again."""
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
        """The client of this process. A fork must not share its parent's sockets."""
        with self._lock:
            if self._used is None or self._used.process != os.getpid():
                self._used = Connection(self._make())
            return self._used


class Connection:
    """A client and the caller of its requests, in one process."""

    def __init__(self, client: KeyClient) -> None:
        """Take the client."""
        self.client = client
        self.caller = Caller(client.title, client.limits)
        self.process = os.getpid()


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


def _is_answer(future: Future[bytes]) -> bool:
    return future.done() and future.exception() is None


def _exact(recipient: Recipient) -> tuple[str, str, str]:
    """Return what tells requests apart: a role or a context changes what the service answers."""
    return recipient.kind, recipient.id, repr(recipient.attributes)
