"""1Password Connect: a client with the user's token, and what its answers mean.

The address and the token come from OP_CONNECT_HOST and OP_CONNECT_TOKEN, as for 1Password's own libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fluxsecrets.errors import ServiceError

from . import refusal
from .calling import wait_of

SERVICE = "1Password Connect"
HOST, TOKEN = "OP_CONNECT_HOST", "OP_CONNECT_TOKEN"
_TIMEOUT = 10.0
_LOGIN = f"set {HOST} and {TOKEN}: a token is never sent to an address that only a file names"
_STATUSES: Mapping[int, str] = {
    400: refusal.REJECTED,
    401: refusal.BAD_CREDENTIALS,
    403: refusal.DENIED,
    404: refusal.NOT_FOUND,
    413: refusal.REJECTED,
    429: refusal.THROTTLED,
}


def address_of(environ: Mapping[str, str]) -> str:
    """Return the address of the Connect server.

    Raises:
        ServiceError: the environment has none.
    """
    address = environ.get(HOST, "").rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise refusal.refusal(refusal.NO_CREDENTIALS, SERVICE, hint=_LOGIN)
    return address


def make_client(environ: Mapping[str, str], *, timeout: float = _TIMEOUT) -> Any:
    """Return a client for the server and with the token in the environment. Nothing is sent yet.

    Redirects would carry the token to wherever they lead, so they are not followed.

    Raises:
        ServiceError: the address or the token is missing, or the library is not installed.
    """
    address = address_of(environ)
    token = environ.get(TOKEN, "").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise refusal.refusal(refusal.NO_CREDENTIALS, SERVICE, hint=_LOGIN)
    try:
        from onepasswordconnectsdk.client import Client
        from onepasswordconnectsdk.config import ClientConfig
    except ImportError:
        raise refusal.missing_extra(SERVICE, "onepassword") from None
    return Client(address, token, ClientConfig(timeout=timeout, follow_redirects=False))


def call(client: Any, method: str, path: str, body: Mapping[str, object] | None = None) -> bytes:
    """Return the body of an answer.

    The library's own methods turn an item into a model that drops unknown fields, and put the whole answer
    into their exceptions; so only its transport is used.

    Args:
        client: of `make_client`.
        method: of HTTP.
        path: starts with `/v1/`; its parts are quoted.
        body: is sent as JSON.

    Raises:
        ServiceError: with the reason. Its text has nothing of what was sent.
    """
    import httpx

    try:
        answer = client.build_request(method, path, body)
    except httpx.TimeoutException as error:
        raise refusal.refusal(refusal.TIMED_OUT, SERVICE, detail=type(error).__name__) from None
    except httpx.TransportError as error:
        raise refusal.refusal(
            refusal.OFFLINE, SERVICE, detail=type(error).__name__, hint=f"check {HOST} and the network"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise refusal.refusal(refusal.FAILED, SERVICE, detail=type(error).__name__) from None
    if not answer.is_success:
        raise _refused(answer.status_code, answer.headers.get("Retry-After"))
    return bytes(answer.content)


def parsed(content: bytes, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """Return an answer's JSON.

    Raises:
        ServiceError: it is not JSON, or of another kind.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, kind):
        raise refusal.refusal(refusal.FAILED, SERVICE, detail="malformed answer", hint=f"check {HOST}")
    return data


def _refused(status: int, retry_after: object) -> ServiceError:
    default = refusal.UNAVAILABLE if status >= 500 else refusal.FAILED
    hint = None
    if status == 401:
        hint = f"check {TOKEN}: the server does not accept it"
    elif status == 403:
        hint = "give the token access to the vault, for reading and writing"
    elif 300 <= status < 400:
        hint = f"set {HOST} to the address that it redirects to"
    return refusal.refusal(
        _STATUSES.get(status, default),
        SERVICE,
        detail=f"status {status}",
        hint=hint,
        retry_after=wait_of(retry_after),
    )
