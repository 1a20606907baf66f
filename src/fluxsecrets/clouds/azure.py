"""Azure: requests to vaults, and what Azure's errors mean. `azure_login` has the credentials.

Keys and secrets of Key Vault share one REST API, so one `Vault` asks for both. azure-keyvault-keys knows how
a vault tells its clients to log in: the answer to a request without a token names tenant and resource.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping
from copy import copy
from typing import Any, Protocol, TypeGuard

from fluxsecrets.errors import ServiceError

from . import refusal
from .calling import wait_of
from .endpoints import endpoint

SERVICE = "Azure Key Vault"
_EXTRA = "azure"
TIMEOUT = 10.0
_API_VERSION = "7.4"  # Azure Stack and sovereign clouds have it, and nothing newer is needed

_SUFFIXES = (
    "vault.azure.net",
    "managedhsm.azure.net",
    "vault.azure.cn",
    "managedhsm.azure.cn",
    "vault.usgovcloudapi.net",
    "managedhsm.usgovcloudapi.net",
)
"""Domains in which Microsoft alone gives out names. The one of the closed German cloud is not among them."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

_INNER: Mapping[str, str] = {
    "KeyDisabled": refusal.DISABLED,
    "KeyExpired": refusal.DISABLED,
    "KeyNotYetValid": refusal.DISABLED,
    "SecretDisabled": refusal.DISABLED,
}
"""By the inner code of an error. All others that come with `Forbidden` are missing permissions."""

_CODES: Mapping[str, str] = {
    "Forbidden": refusal.DENIED,
    "Unauthorized": refusal.BAD_CREDENTIALS,
    "KeyNotFound": refusal.NOT_FOUND,
    "SecretNotFound": refusal.NOT_FOUND,
    "BadParameter": refusal.REJECTED,
    "Conflict": refusal.EXISTS,
    "Throttled": refusal.THROTTLED,
}
_STATUSES: Mapping[int, str] = {
    400: refusal.REJECTED,
    401: refusal.BAD_CREDENTIALS,
    403: refusal.DENIED,
    404: refusal.NOT_FOUND,
    408: refusal.UNAVAILABLE,
    429: refusal.THROTTLED,
}
_BY_ROLE = "ForbiddenByRbac"
_HINTS: Mapping[str, str] = {
    "AccessDenied": "ask for the permission in the vault's access policy",
    "ForbiddenByPolicy": "ask for the permission in the vault's access policy",
    "ForbiddenByFirewall": "ask for your address to be allowed in the vault's firewall",
    "ForbiddenByConnection": "use a network that the vault's private endpoint is in",
    "KeyExpired": "ask the key's owner for a new version",
    "KeyNotYetValid": "ask the key's owner when it becomes valid",
    "KeyNotFound": "check the vault, the key's name and its version; a deleted key can be recovered",
    "SecretNotFound": "check the vault and the secret's name; a deleted secret can be recovered",
}

LOGIN_HINT = "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
_EXPIRED = frozenset({"50173", "70008", "70043", "700082", "700084", "7000222", "50076", "50079", "50078"})
"""Entra's codes for a login or a client's secret that has run out, or that needs another factor."""

_OUTSIDE_ITS_TIME = "700024"
"""Entra's code for a client's assertion that is too old, or from the future."""

_ENTRA = re.compile(r"AADSTS([0-9]{4,8})", re.ASCII)
_HTTP_ERROR = re.compile(r"HTTP Error: ([0-9]{3})\b", re.ASCII)  # msal's, in place of the response
_NAMED_CODE = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def vault_origin(url: str) -> str | None:
    """Return a vault's address in one spelling, such as `https://HOST`; None for anything else."""
    place = endpoint(url)
    return place.removesuffix(":443") if place is not None and place.startswith("https://") else None


def is_azures(origin: str) -> bool:
    """Whether an origin of `vault_origin` is a vault of Azure's: one label before one of its domains."""
    label, _, suffix = origin.removeprefix("https://").partition(".")
    return suffix in _SUFFIXES and _LABEL.fullmatch(label) is not None


class TokenSource(Protocol):
    """Gives tokens, as in azure-core's protocol `SupportsTokenInfo`. `azure_login.Credential` is one."""

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Any:
        """Return a token, or raise ServiceError."""


class Vault:
    """Requests to one vault. Threads share it; a fork must not."""

    def __init__(
        self, origin: str, credential: TokenSource, environ: Mapping[str, str], *, timeout: float = TIMEOUT
    ) -> None:
        """Take where it is; nothing is sent before `ask`.

        Args:
            origin: of `vault_origin`; the caller has decided that credentials may go there.
            credential: that logs in.
            environ: for certificates.
            timeout: seconds, for a connection and for an answer.
        """
        self._origin = origin
        self._credential: Any = credential
        self._environ = environ
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: Any = None
        self._answered = False
        self._failed: ServiceError | None = None

    def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, service: str = SERVICE
    ) -> Mapping[str, Any]:
        """Make one request. The first one of a vault has another before it, which asks how to log in.

        Args:
            method: of HTTP.
            path: such as `/keys/NAME/VERSION`; its parts were checked.
            body: to be sent as JSON.
            service: its name for people, in errors.

        Raises:
            ServiceError: it failed, with a reason.
        """
        if self._answered:
            return self._ask(method, path, body, service)
        return self._ask_first(method, path, body, service)

    def _ask_first(
        self, method: str, path: str, body: Mapping[str, object] | None, service: str
    ) -> Mapping[str, Any]:
        """Ask, but of many threads that start together, one logs in, and its failure is that of all."""
        failed_before = self._failed
        with self._lock:
            if not self._answered:
                if self._failed is not None and self._failed is not failed_before:
                    raise copy(self._failed)
                try:
                    answer = self._ask(method, path, body, service)
                except ServiceError as error:
                    self._failed = error if refusal.REASONS[error.reason].everywhere else self._failed
                    raise
                self._answered = True
                return answer
        return self._ask(method, path, body, service)

    def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None, service: str
    ) -> Mapping[str, Any]:
        if self._client is None:
            self._client = self._make_client(service)
        from azure.core.exceptions import AzureError
        from azure.core.rest import HttpRequest

        try:
            response = self._client.send_request(HttpRequest(method, path, json=body))
        except (AzureError, ValueError, RecursionError) as error:
            raise refused(error, service) from None
        answer = _json(response.content)
        if response.status_code != 200:
            raise _answered(response.status_code, answer, response.headers, service, _role(method, path))
        if answer is None:
            raise refusal.refusal(refusal.FAILED, service, detail="malformed answer")
        return answer

    def _make_client(self, service: str) -> Any:
        try:
            import azure.identity  # noqa: F401 - the credential needs it
            from azure.keyvault.keys import KeyClient
        except ImportError:
            raise refusal.missing_extra(service, _EXTRA) from None
        # The libraries warn through `logging`, which prints what nobody listens to. Errors say it all.
        for name in ("azure", "msal"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        return KeyClient(
            self._origin,
            self._credential,
            api_version=_API_VERSION,
            permit_redirects=False,
            **transport(self._environ, self._timeout),
        )


def refused(error: Exception, service: str) -> ServiceError:
    """Return what an exception of Azure's libraries means. Its text may hold what was sent: not shown."""
    from azure.core import exceptions

    if isinstance(error, exceptions.ClientAuthenticationError) and _is_network(error.__cause__):
        error = error.__cause__  # azure-identity wraps whatever happens while it logs in
    if isinstance(error, exceptions.HttpResponseError) and not isinstance(error, exceptions.DecodeError):
        return _not_logged_in(error, service)
    reason, detail, hint = refusal.FAILED, type(error).__name__, None
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        reason, hint = refusal.UNVERIFIED, "set SSL_CERT_FILE to the certificates that your network needs"
    elif isinstance(error, exceptions.ServiceRequestTimeoutError | exceptions.ServiceResponseTimeoutError):
        reason = refusal.TIMED_OUT
    elif isinstance(error, exceptions.ServiceRequestError | exceptions.ServiceResponseError):
        reason, hint = refusal.OFFLINE, "check the network, and the vault's name"
    elif isinstance(error, exceptions.DecodeError | RecursionError):
        detail = "malformed answer"
    elif isinstance(error, ValueError):
        detail, hint = "it does not log in as a vault does", "check its address"
    return refusal.refusal(reason, service, detail=detail, hint=hint)


def _is_network(error: BaseException | None) -> TypeGuard[Exception]:
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    return isinstance(error, ServiceRequestError | ServiceResponseError)


def _not_logged_in(error: Any, service: str) -> ServiceError:
    """The error for a token that was not given."""
    found = _HTTP_ERROR.search(error.message or "")
    status = error.status_code or (int(found[1]) if found else 0)
    if status == 429 or status >= 500:
        reason = refusal.THROTTLED if status == 429 else refusal.UNAVAILABLE
        return refusal.refusal(reason, service, detail="Microsoft Entra ID")
    found = _ENTRA.search(error.message or "")
    code = found[1] if found else ""
    detail = f"AADSTS{code}" if code else type(error).__name__
    if code in _EXPIRED:
        return refusal.refusal(refusal.EXPIRED, service, detail=detail, hint=LOGIN_HINT)
    if code == _OUTSIDE_ITS_TIME:
        return refusal.refusal(
            refusal.CLOCK_SKEW,
            service,
            detail=detail,
            hint="set the clock; if it is right, renew the file in AZURE_FEDERATED_TOKEN_FILE",
        )
    return refusal.refusal(
        refusal.BAD_CREDENTIALS,
        service,
        detail=detail,
        hint="check AZURE_TENANT_ID, AZURE_CLIENT_ID and its secret, or run `az login`",
    )


def _answered(
    status: int, answer: Mapping[str, Any] | None, headers: Mapping[str, str], service: str, role: str
) -> ServiceError:
    """The error for an answer of a vault."""
    error = _map(answer).get("error")
    code, inner = _code(_map(error).get("code")), _code(_map(_map(error).get("innererror")).get("code"))
    default = _STATUSES.get(status, refusal.UNAVAILABLE if status >= 500 else refusal.FAILED)
    reason = _INNER.get(inner) or _CODES.get(code, default)
    return refusal.refusal(
        reason,
        service,
        detail=": ".join(each for each in (code or str(status), inner) if each),
        hint=f"ask for the role {role}" if inner == _BY_ROLE else _HINTS.get(inner) or _HINTS.get(code),
        retry_after=wait_of(headers.get("Retry-After")),
    )


def _role(method: str, path: str) -> str:
    """Return the smallest of Azure's roles that allows a request."""
    if not path.startswith("/secrets"):
        return "Key Vault Crypto User"
    return "Key Vault Secrets User" if method == "GET" else "Key Vault Secrets Officer"


def transport(environ: Mapping[str, str], timeout: float) -> dict[str, Any]:
    """Options of all clients. requests does not know SSL_CERT_FILE, which Go, and so sops, follows."""
    options: dict[str, Any] = {"retry_total": 0, "connection_timeout": timeout, "read_timeout": timeout}
    if not any(environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")):
        options["connection_verify"] = environ.get("SSL_CERT_FILE") or True
    return options


def _json(content: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(value: object) -> str:
    return value if isinstance(value, str) and _NAMED_CODE.fullmatch(value) else ""
