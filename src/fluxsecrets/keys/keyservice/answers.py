"""What a key service answers to a request: everything but the network.

A request is not trusted, and may name any key. Only a data key or a share of one passes. The configuration of
the machine that answers decides about plugins and addresses of services. Texts are escaped when they
are shown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import without_private_keys
from fluxsecrets.sops.envelope import KeyProvider, NotMine, Providers
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import KINDS, Recipient

from .messages import DECRYPT, ENCRYPT, MalformedError, decode_request, encode_answer

_SECRET_SIZES = (32, 33)  # bytes of a data key, and of one share of it
_LONGEST_NAME = 4096
_LONGEST_REASON = 1000


class RefusedError(Exception):
    """A request that is answered with an error.

    Attributes:
        code: gRPC's status code.
        text: the reason, for the client.
    """

    def __init__(self, code: str, text: str) -> None:
        """Take the code and the reason; control characters and private keys are replaced in it."""
        super().__init__(code)
        self.code = code
        self.text = without_private_keys(text).encode("unicode_escape").decode("ascii")[:_LONGEST_REASON]


class Confirm(Protocol):
    """Asks the user whether a request may be answered."""

    def __call__(self, call: str, recipient: Recipient, waiting: Callable[[], bool], /) -> bool:
        """Return the user's answer; False if the client no longer waits for it."""


class KeyAnswers:
    """Answers requests with the keys of this machine; threads share it.

    Providers belong to one run, and remember keys and failures. So new ones are made now and then, and after
    a failure: a service that is up again, or a key that was added, counts a moment later.
    """

    def __init__(
        self,
        make: Callable[[], Providers],
        *,
        confirm: Confirm | None = None,
        report: Callable[[str, Recipient, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what makes providers.

        Args:
            make: returns providers that have looked nothing up yet.
            confirm: asks for each request; None answers all.
            report: is told the call, the recipient, and what came of it.
            clock: for tests.
        """
        self._make = make
        self._confirm = confirm
        self._report = report
        self._clock = clock
        self._lock = threading.Lock()
        self._local = threading.Lock()  # the providers of local kinds are for one thread
        self._providers: Providers | None = None
        self._left = 0
        self._end = 0.0

    def answer(self, call: str, message: bytes, waiting: Callable[[], bool] = lambda: True) -> bytes:
        """Return the answer to a request.

        Args:
            call: `Encrypt` or `Decrypt`.
            message: the request.
            waiting: whether the client still waits.

        Raises:
            RefusedError: it is not done, with the reason.
        """
        try:
            request = decode_request(message)
        except MalformedError as error:
            raise RefusedError("INVALID_ARGUMENT", f"malformed request: {error}") from None
        recipient = request.recipient
        if recipient is None:
            raise RefusedError("NOT_FOUND", "the request names no key, or one of an unknown kind")
        try:
            answer = self._checked(call, recipient, request.data, waiting)
        except RefusedError as error:
            self._say(call, recipient, f"refused: {error.text}")
            raise
        self._say(call, recipient, "done")
        return encode_answer(answer)

    def _checked(self, call: str, recipient: Recipient, data: bytes, waiting: Callable[[], bool]) -> bytes:
        if len(recipient.id) > _LONGEST_NAME:
            raise RefusedError("INVALID_ARGUMENT", "the name of the key is too long")
        if call == ENCRYPT and len(data) not in _SECRET_SIZES:
            raise RefusedError("INVALID_ARGUMENT", "not the length of a data key")
        if self._confirm is not None and not self._confirm(call, recipient, waiting):
            raise RefusedError("PERMISSION_DENIED", "the request was rejected by the user")
        try:
            return self._done(call, recipient, data)
        except RefusedError:
            self._forget()
            raise
        except FluxsecretsError as error:
            self._forget()
            # The client knows which key it is, and shows only the start of the reason.
            reason = error.message.removeprefix(f"can't encrypt for {recipient.id}: ")
            raise RefusedError("FAILED_PRECONDITION", reason) from None

    def _done(self, call: str, recipient: Recipient, data: bytes) -> bytes:
        provider = self._current()[recipient.kind]
        if not KINDS[recipient.kind].local:
            return _use(provider, call, recipient, data)
        with self._local:
            return _use(provider, call, recipient, data)

    def _current(self) -> Providers:
        with self._lock:
            now = self._clock()
            if self._providers is None or not self._left or now >= self._end:
                self._providers, self._left, self._end = self._make(), _MOST_USES, now + _LONGEST_USE
            self._left -= 1
            return self._providers

    def _forget(self) -> None:
        with self._lock:
            self._providers = None

    def _say(self, call: str, recipient: Recipient, outcome: str) -> None:
        if self._report is not None:
            self._report(call, recipient, outcome)


_MOST_USES, _LONGEST_USE = 256, 30.0
"""Requests, and seconds, for which the same providers are used."""


def _use(provider: KeyProvider, call: str, recipient: Recipient, data: bytes) -> bytes:
    if call == ENCRYPT:
        return provider.wrap(recipient, data).enc.encode()
    assert call == DECRYPT  # noqa: S101 - there are two
    answer = provider.unwrap(WrappedKey(recipient, data.decode("utf-8", "replace")))
    if isinstance(answer, NotMine):
        raise RefusedError("NOT_FOUND", answer.reason)
    if len(answer) not in _SECRET_SIZES:
        # A client could otherwise have anything opened that is encrypted for these keys.
        raise RefusedError("FAILED_PRECONDITION", "what was encrypted is not a data key")
    return answer


def key_name(recipient: Recipient) -> str:
    """Return a key for people, with control characters escaped."""
    text = without_private_keys(f"{KINDS[recipient.kind].title} key {recipient.id[:_LONGEST_SHOWN]}")
    return text.encode("unicode_escape").decode("ascii")


_LONGEST_SHOWN = 200
