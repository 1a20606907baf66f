"""HashiCorp Vault and OpenBao: requests, and why they fail. `vault_login` has addresses and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fluxsecrets.errors import ServiceError

from . import refusal
from .calling import wait_of
from .vault_login import (
    VAULT,
    agent_address,
    certificates_to_trust,
    find_token,
    own_certificate,
    read_variable,
)

_TIMEOUT = 10


def make_client(
    address: str, environ: Mapping[str, str], *, product: str, namespace: str = "", service: str = VAULT
) -> Any:
    """Return a client of hvac with the user's token. Nothing is sent yet.

    It follows no redirect, which would carry the token to wherever it leads, and retries nothing.

    Args:
        address: of the server; the caller has checked that it may get the token.
        environ: the environment.
        product: the product whose variables count.
        namespace: applies if the environment names none.
        service: its name for people.

    Raises:
        ServiceError: no token, invalid TLS variables, or hvac is not installed.
    """
    token = find_token(environ, product)
    try:
        import hvac
        import requests
    except ImportError:
        raise refusal.missing_extra(service, "vault") from None
    session = requests.Session()
    session.auth = _as_it_is  # otherwise requests sends what ~/.netrc has for the host
    session.verify = certificates_to_trust(environ, product)
    if session.verify is False:
        from urllib3 import disable_warnings, exceptions

        disable_warnings(exceptions.InsecureRequestWarning)  # the user has decided
    session.cert = own_certificate(environ, product)
    if server_name := read_variable(environ, product, "TLS_SERVER_NAME"):
        session.mount("https://", _named_server(server_name))
    make: Any = hvac.Client
    return make(
        url=(agent_address(environ, product) or address).rstrip("/"),
        token=token,
        namespace=read_variable(environ, product, "NAMESPACE") or namespace or None,
        timeout=_TIMEOUT,
        allow_redirects=False,
        # hvac reads VAULT_CACERT and others by itself where these are None.
        verify=session.verify,
        cert=session.cert or (),
        session=session,
    )


def ask(client: Any, path: str, body: Mapping[str, object], service: str) -> Mapping[str, Any]:
    """Return the `data` that Vault answers to one request.

    Args:
        client: from `make_client`.
        path: below `/v1/`, as it is in an address.
        body: the request's, which is sent as JSON.
        service: its name for people.

    Raises:
        ServiceError: it was refused, or the answer is not one of Vault.
    """
    status, data = _exchange(client, "put", path, body, service)
    if status != _OK or data is None:
        raise not_an_answer(service)
    return data


def put(client: Any, path: str, body: Mapping[str, object], service: str) -> None:
    """Write with one request, see `ask`. KV version 1 answers with nothing."""
    _exchange(client, "put", path, body, service)


def get(client: Any, path: str, service: str) -> tuple[bool, Mapping[str, Any]]:
    """Return whether something is at a path, and the `data` of the answer, see `ask`.

    KV version 2 answers with data for a version that was deleted, too.
    """
    status, data = _exchange(client, "get", path, None, service)
    if status == _OK and data is None:
        raise not_an_answer(service)
    return status == _OK, data or {}


_OK, _EMPTY, _NOTHING_THERE = 200, 204, 404


def _exchange(
    client: Any, method: str, path: str, body: Mapping[str, object] | None, service: str
) -> tuple[int, Mapping[str, Any] | None]:
    """Make one request; return the status and the `data` of the answer, if it has some.

    Raises:
        ServiceError: it was refused. That nothing is at the path is no refusal.
    """
    import requests

    # Vault's own client writes with PUT (api/logical.go, `WriteWithContext`).
    options = {} if body is None else {"json": dict(body)}
    try:
        answer = getattr(client.adapter, method)(f"/v1/{path}", raise_exception=False, **options)
    except (requests.RequestException, ValueError) as error:
        raise refused(error, service) from None
    if isinstance(answer, requests.Response):
        if answer.status_code == _EMPTY:
            return _EMPTY, None
        content = _content(answer)
        if answer.status_code != _NOTHING_THERE or method != "get" or content.get("errors"):
            raise _meaning(
                answer.status_code, content.get("errors"), service, wait_of(answer.headers.get("Retry-After"))
            )
        if "errors" not in content and "data" not in content:  # such as a proxy's page
            raise not_an_answer(service)
        return _NOTHING_THERE, _data(content)
    return _OK, _data(answer)


def _data(answer: object) -> Mapping[str, Any] | None:
    data = answer.get("data") if isinstance(answer, dict) else None
    return data if isinstance(data, dict) else None


def not_an_answer(service: str) -> ServiceError:
    """Return the error for an answer that is not one of Vault."""
    return ServiceError(
        f"the answer does not come from {service}", hint="check the address", reason=refusal.FAILED
    )


def redirected(service: str) -> ServiceError:
    """Return the error for a redirect."""
    return ServiceError(
        f"{service} answered with a redirect, which is not followed with a token",
        hint="use the address of the active node",
        reason=refusal.REJECTED,
    )


def refused(error: Exception, service: str) -> ServiceError:
    """Return what an exception of hvac or requests means. Its text, which may hold a token, is not shown."""
    import requests
    from hvac import exceptions

    if isinstance(error, exceptions.VaultError):
        statuses = {
            exceptions.InvalidRequest: 400,
            exceptions.Unauthorized: 401,
            exceptions.Forbidden: 403,
            exceptions.InvalidPath: 404,
            exceptions.RateLimitExceeded: 429,
            exceptions.InternalServerError: 500,
            exceptions.VaultNotInitialized: 501,
            exceptions.BadGateway: 502,
            exceptions.VaultDown: 503,
        }
        return _meaning(statuses.get(type(error), 0), error.errors, service)
    name = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return refusal.refusal(refusal.UNVERIFIED, service, hint="check the certificate in VAULT_CACERT")
    if isinstance(error, requests.Timeout):
        return refusal.refusal(refusal.TIMED_OUT, service, detail=name)
    if isinstance(error, requests.ConnectionError):
        return refusal.refusal(refusal.OFFLINE, service, detail=name)
    return refusal.refusal(refusal.FAILED, service, detail=name)


_LOGIN = "run `vault login`, or `bao login`"
# fmt: off
_PHRASES: Mapping[str, tuple[str, str, str | None]] = {
    "invalid token": (refusal.EXPIRED, "", _LOGIN),
    "bad token": (refusal.EXPIRED, "", _LOGIN),
    "missing client token": (refusal.NO_CREDENTIALS, "", _LOGIN),
    "permission denied": (refusal.DENIED, "", "log in again, or ask for a policy that allows this path"),
    "encryption key not found": (refusal.NOT_FOUND, "", "check the key's name and the engine's path"),
    "namespace not found": (refusal.NOT_FOUND, "no such namespace", "check VAULT_NAMESPACE"),
    "soft-deleted": (refusal.DISABLED, "", None),
    "message authentication failed": (refusal.WRONG_KEY, "", None),
    "RSA decrypt": (refusal.WRONG_KEY, "", None),
    "invalid ciphertext": (refusal.WRONG_KEY, "", None),
    "missing ciphertext": (refusal.WRONG_KEY, "", None),
    "too old": (
        refusal.REJECTED, "older than the key's min_decryption_version",
        "ask the key's owner to lower min_decryption_version, then run `fluxsecrets rotate FILE`",
    ),
    "not supported for key type": (
        refusal.REJECTED, "a key of this type can't encrypt", "use a key of a type such as aes256-gcm96",
    ),
    "'context'": (refusal.REJECTED, "a derived key needs a context", "use a key that is not derived"),
    "standby": (refusal.UNAVAILABLE, "in standby mode", "use the address of the active node"),
    "sealed": (refusal.SEALED, "", None),
    "check-and-set parameter did not match": (refusal.CONFLICT, "", None),
}
# fmt: on
"""What errors of the engines transit and KV say (openbao: sdk/helper/keysutil/policy.go, sdk/logical)."""

_STATUSES: Mapping[int, str] = {
    400: refusal.REJECTED,
    401: refusal.DENIED,
    403: refusal.DENIED,
    404: refusal.NOT_FOUND,
    405: refusal.NOT_FOUND,
    429: refusal.THROTTLED,
}


def _meaning(status: int, errors: object, service: str, retry_after: float | None = None) -> ServiceError:
    """Return the error for an answer of Vault.

    What the server says is compared and not shown: a proxy in between may repeat what was sent.
    """
    texts = " ".join(map(str, errors)) if isinstance(errors, Sequence) and not isinstance(errors, str) else ""
    if 200 <= status < 300:
        return not_an_answer(service)
    if 300 <= status < 400:
        return redirected(service)
    if status == 501:
        return ServiceError(f"{service} is not initialized", hint="ask its operators", reason=refusal.SEALED)
    reason, detail, hint = next(
        (meaning for phrase, meaning in _PHRASES.items() if phrase in texts), ("", "", None)
    )
    if not reason or status == 429:
        default = refusal.REJECTED if status else refusal.FAILED
        reason = _STATUSES.get(status, refusal.UNAVAILABLE if status >= 500 or status == 412 else default)
        detail, hint = f"HTTP {status}" if status else "", None
        if reason == refusal.NOT_FOUND:
            detail, hint = "no such engine", "check the path with `vault secrets list`, and VAULT_NAMESPACE"
    return refusal.refusal(reason, service, detail=detail, hint=hint, retry_after=retry_after)


def _content(response: Any) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _as_it_is(request: Any) -> Any:
    return request


def _named_server(name: str) -> Any:
    from requests.adapters import HTTPAdapter

    class NamedServer(HTTPAdapter):
        """Checks the server's certificate for another name than the address's."""

        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options, server_hostname=name, assert_hostname=name)

    return NamedServer()
