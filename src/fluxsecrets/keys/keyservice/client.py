"""A key service as a client sees it: one connection, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from fluxsecrets.clouds import refusal
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.clouds.grpclib import close_at_exit, grpc_library
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import IntegrityError, RecipientError, ServiceError
from fluxsecrets.keys.agefile import dearmour
from fluxsecrets.keys.pgpmessage import read_message
from fluxsecrets.marks import without_private_keys
from fluxsecrets.sops.recipients import Recipient

from .endpoints import UNIX, Endpoint
from .messages import (
    DECRYPT,
    ENCRYPT,
    MOST_BYTES,
    SERVICE,
    MalformedError,
    decode_answer,
    encode_request,
)
from .sockets import check_owner

_CONNECT, _ANSWER = 5.0, 120.0  # seconds; a person may have to agree, touch a device or type a passphrase

_REASONS: Mapping[str, str] = {
    "PERMISSION_DENIED": refusal.DENIED,
    "UNAUTHENTICATED": refusal.DENIED,
    "UNAVAILABLE": refusal.OFFLINE,
    "DEADLINE_EXCEEDED": refusal.TIMED_OUT,
    "INVALID_ARGUMENT": refusal.REJECTED,
    "UNIMPLEMENTED": refusal.REJECTED,
}
"""By gRPC's status code. sops answers UNKNOWN to whatever fails."""

_HINTS = {
    refusal.OFFLINE: "start it with `sops keyservice`, or leave it out of --keyservice and SOPS_KEYSERVICE",
    refusal.TIMED_OUT: "see whether it waits for an answer there",
    refusal.REJECTED: "see that it is a key service, of a version that knows this kind of key",
    refusal.FAILED: "check the keys on the machine where it runs",
}


class RemoteKeys:
    """A `KeyClient` of a key service, for all kinds of keys."""

    kind = "keyservice"
    limits = CallLimits(tries=2, deadline=_CONNECT + _ANSWER + 1, per_second=1000.0)

    def __init__(self, endpoint: Endpoint, connect: float = _CONNECT, answer: float = _ANSWER) -> None:
        """Take the address, and the seconds that connecting and an answer may take."""
        self.title = f"the key service {endpoint}"
        self._endpoint = endpoint
        self._seconds = (connect, answer)
        self._channel: Shared[Any] = Shared()

    def check(self, recipient: Recipient) -> None:
        """Refuse a private key in place of a recipient, and what no message can hold.

        Raises:
            RecipientError: it is one of these. The service judges everything else.
        """
        if without_private_keys(recipient.id) != recipient.id:
            raise RecipientError("the recipient is a private key", hint="name the public key")
        try:
            encode_request(recipient, b"")
        except MalformedError as error:
            raise RecipientError(f"the recipient is malformed: {error}") from None

    def address(self, recipient: Recipient) -> str:
        """See `KeyClient.address`."""
        return str(self._endpoint)

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """See `KeyClient.encrypt`. The form of the answer is checked; its recipient can't be."""
        answer = self._ask(ENCRYPT, recipient, secret)
        try:
            text = answer.decode("ascii")
            if recipient.kind == "age":
                dearmour(text)
            elif recipient.kind == "pgp":
                read_message(text)
        except (UnicodeDecodeError, IntegrityError):
            text = ""
        if not text.strip() or not text.replace("\n", "").replace("\r", "").isprintable():
            raise self._wrong("it sent no wrapped key")
        return recipient, text

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """See `KeyClient.decrypt`."""
        return self._ask(DECRYPT, recipient, enc.encode("utf-8", "replace"))

    def has_credentials(self, recipient: Recipient) -> bool:
        """Return False: the keys are those of the service."""
        return False

    def looked_in(self) -> tuple[str, ...]:
        """See `KeyClient.looked_in`."""
        return (self.title,)

    def _ask(self, call: str, recipient: Recipient, data: bytes) -> bytes:
        grpc, channel = self._connected()
        send = channel.unary_unary(f"/{SERVICE}/{call}")
        try:
            return decode_answer(send(encode_request(recipient, data), timeout=self._seconds[1]))
        except grpc.RpcError as error:
            raise refused(error, self.title) from None
        except MalformedError:
            raise self._wrong("its answer is malformed") from None

    def _connected(self) -> tuple[Any, Any]:
        grpc = grpc_library(self.title, "keyservice")
        return grpc, self._channel.get(None, lambda: self._connect(grpc))

    def _connect(self, grpc: Any) -> Any:
        if self._endpoint.network == UNIX:
            check_owner(self._endpoint.address, self.title)
        channel = grpc.insecure_channel(self._endpoint.target, options=_OPTIONS)
        try:
            _wait_for(channel, grpc.ChannelConnectivity, self._seconds[0])
        except OSError as error:  # TimeoutError is one
            channel.close()
            reason = refusal.TIMED_OUT if isinstance(error, TimeoutError) else refusal.OFFLINE
            raise refusal.refusal(reason, self.title, hint=_HINTS[refusal.OFFLINE]) from None
        close_at_exit(channel)
        return channel

    def _wrong(self, what: str) -> ServiceError:
        return refusal.refusal(refusal.FAILED, self.title, detail=what, hint=_HINTS[refusal.FAILED])


_OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.default_authority", "localhost"),
    ("grpc.max_receive_message_length", MOST_BYTES),
)
"""Of a connection.

A proxy of the environment would see the data keys, and sops uses none here either. Shared subchannels
would let a second try wait as long as gRPC's own back-off.
"""


def _wait_for(channel: Any, states: Any, seconds: float) -> None:
    """Wait for a connection.

    gRPC itself goes on trying where nothing listens; that is over at once here.

    Raises:
        OSError: it can't be made.
        TimeoutError: it takes too long.
    """
    ready: Future[None] = Future()

    def seen(state: object) -> None:
        if not ready.done() and state is states.READY:
            ready.set_result(None)
        elif not ready.done() and state in (states.TRANSIENT_FAILURE, states.SHUTDOWN):
            ready.set_exception(ConnectionError())

    channel.subscribe(seen, try_to_connect=True)
    try:
        ready.result(seconds)
    finally:
        channel.unsubscribe(seen)


def refused(error: Any, service: str) -> ServiceError:
    """Return what an error of a call means. The service's own words are shown, cut off; bytes are not."""
    code, text = error.code().name, error.details() or ""
    reason = _REASONS.get(code, refusal.FAILED)
    if code == "RESOURCE_EXHAUSTED" and "CLIENT:" not in text:  # else its answer was too long
        reason = refusal.THROTTLED
    if code == "UNIMPLEMENTED":
        text = "it is not a key service"
    if reason == refusal.OFFLINE:
        text = ""  # of gRPC's own, with the address again
    if not text.isascii():  # may be bytes that are not a text
        text = ""
    return refusal.refusal(reason, service, detail=without_private_keys(text), hint=_HINTS.get(reason))
