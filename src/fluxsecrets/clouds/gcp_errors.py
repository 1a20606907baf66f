"""What errors of Google's APIs and libraries mean: reasons, and hints."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from fluxsecrets.errors import ServiceError

from . import refusal
from .calling import wait_of

CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # the first one is Go's, so sops's
_SKEW = 300.0  # seconds; Google takes tokens that are a few minutes off

_STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "UNAUTHENTICATED": refusal.BAD_CREDENTIALS,
        "PERMISSION_DENIED": refusal.DENIED,
        "NOT_FOUND": refusal.NOT_FOUND,
        "FAILED_PRECONDITION": refusal.DISABLED,
        "INVALID_ARGUMENT": refusal.REJECTED,
        "OUT_OF_RANGE": refusal.REJECTED,
        "RESOURCE_EXHAUSTED": refusal.THROTTLED,
        "ABORTED": refusal.UNAVAILABLE,
        "ALREADY_EXISTS": refusal.EXISTS,
        "CANCELLED": refusal.UNAVAILABLE,
        "DEADLINE_EXCEEDED": refusal.UNAVAILABLE,
        "INTERNAL": refusal.UNAVAILABLE,
        "UNAVAILABLE": refusal.UNAVAILABLE,
        "UNKNOWN": refusal.UNAVAILABLE,
    }
)
"""By google.rpc.Code."""

_OF_HTTP: Mapping[int, str] = MappingProxyType(
    {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        408: "UNAVAILABLE",
        409: "ALREADY_EXISTS",
        412: "FAILED_PRECONDITION",
        429: "RESOURCE_EXHAUSTED",
    }
)
"""For answers without a code, such as those of proxies."""

_CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "ACCESS_TOKEN_EXPIRED": refusal.EXPIRED,
        "CREDENTIALS_MISSING": refusal.NO_CREDENTIALS,
        "RATE_LIMIT_EXCEEDED": refusal.THROTTLED,
        "RESOURCE_QUOTA_EXCEEDED": refusal.THROTTLED,
        "SERVICE_DISABLED": refusal.DENIED,
        "BILLING_DISABLED": refusal.DENIED,
    }
)
"""By the reason of a google.rpc.ErrorInfo, where it says more than the code."""

_MESSAGES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile("decryption failed", re.IGNORECASE), refusal.WRONG_KEY),
    (re.compile(r"checksum in field|crc32c", re.IGNORECASE), refusal.CORRUPTED),
    (re.compile("has purpose|purpose must be|concerns location", re.IGNORECASE), refusal.REJECTED),
    (re.compile(r"PENDING_GENERATION|\bEKM\b|external key", re.IGNORECASE), refusal.KEY_UNAVAILABLE),
)
"""By what the message of INVALID_ARGUMENT and FAILED_PRECONDITION says: nothing else tells these apart."""

_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "get a token with the scope cloud-platform",
        "BILLING_DISABLED": "enable billing for the project",
        "CONSUMER_INVALID": "check the project, and GOOGLE_CLOUD_QUOTA_PROJECT",
        "SECURITY_POLICY_VIOLATED": "ask the owner of the VPC Service Controls perimeter",
        "USER_PROJECT_DENIED": "ask for roles/serviceusage.serviceUsageConsumer, "
        "or set GOOGLE_CLOUD_QUOTA_PROJECT to another project",
    }
)
"""By the same reasons: what to do next."""

_UNTRUSTED = re.compile("handshake failed.*certificate", re.IGNORECASE | re.DOTALL)
_UNREACHABLE = re.compile("failed to connect to all addresses|DNS resolution failed")
"""What gRPC itself says, in place of a server."""

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,60}", re.ASCII)
_PROJECT = re.compile(r"projects/([a-z0-9][a-z0-9.:-]{0,80})", re.ASCII)
_API = re.compile(r"[a-z0-9-]{1,40}\.googleapis\.com", re.ASCII)
_SECONDS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)s?", re.ASCII)


class Answer(NamedTuple):
    """An HTTP answer, as google-auth's `transport.Response`."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class _Failure:
    """What an error of Google's APIs says.

    Attributes:
        status: the name of a google.rpc.Code.
        cause: the reason of its google.rpc.ErrorInfo, or empty.
        message: for `_MESSAGES`; it is not shown, since it may quote the request.
        facts: the metadata of the ErrorInfo.
        retry_after: seconds, or None.
    """

    status: str
    cause: str = ""
    message: str = field(default="", repr=False)
    facts: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None


def refused(error: Exception, service: str, hints: Mapping[str, str] = MappingProxyType({})) -> ServiceError:
    """Return what an exception of Google's libraries or of requests means. Its text is not shown.

    Args:
        error: the exception.
        service: its name for people.
        hints: by reason, what to do next.
    """
    for module, meaning in _EXCEPTIONS.items():
        # A library that is not loaded raised nothing.
        if (loaded := sys.modules.get(module)) is not None:
            known = meaning(loaded, error, service, hints)
            if known is not None:
                return known
    return refusal.refusal(refusal.FAILED, service, detail=type(error).__name__)


def _of_requests(requests: Any, error: Exception, service: str, _hints: object) -> ServiceError | None:
    name = type(error).__name__
    if isinstance(error, requests.Timeout):
        return refusal.refusal(refusal.TIMED_OUT, service, detail=name)
    if isinstance(error, requests.exceptions.SSLError):
        return _of_tls(str(error), service)
    if isinstance(error, requests.ConnectionError):
        timed_out = "timed out" in str(error)  # while it was read
        return refusal.refusal(refusal.TIMED_OUT if timed_out else refusal.OFFLINE, service, detail=name)
    return None


def _of_tls(text: str, service: str) -> ServiceError:
    if "not yet valid" in text:
        return refusal.refusal(refusal.CLOCK_SKEW, service, detail="its certificate is not yet valid")
    return refusal.refusal(
        refusal.FAILED,
        service,
        detail="its certificate is not trusted",
        hint=f"set {CA_FILES[0]} to the file with the certificates of your cloud or proxy",
    )


def _of_auth(
    exceptions: Any, error: Exception, service: str, hints: Mapping[str, str]
) -> ServiceError | None:
    if not isinstance(error, exceptions.GoogleAuthError):
        return None
    fields = next((each for each in error.args if isinstance(each, Mapping)), {})
    code, text = (str(fields.get(name) or "") for name in ("error", "error_description"))
    detail = code if re.fullmatch("[a-z_]{1,40}", code) else type(error).__name__
    hint = None
    if isinstance(error, exceptions.TransportError):
        reason = refusal.OFFLINE
    elif "iat" in text and "exp" in text:  # "check your iat and exp values in the JWT claim"
        reason = refusal.CLOCK_SKEW
    elif isinstance(error, exceptions.OAuthError) or "impersonated" in str(error.args[:1]):
        reason = refusal.DENIED
        hint = "ask for the role roles/iam.serviceAccountTokenCreator on the service account"
    elif isinstance(error, exceptions.RefreshError):
        # The key or the account is gone, or the log-in is over.
        gone = code not in ("", "invalid_grant") or "JWT" in text or "account" in text.lower()
        reason = refusal.BAD_CREDENTIALS if gone else refusal.EXPIRED
    else:
        reason = refusal.NO_CREDENTIALS
    return refusal.refusal(reason, service, detail=detail, hint=hint or hints.get(reason))


def _of_api(exceptions: Any, error: Exception, service: str, hints: Mapping[str, str]) -> ServiceError | None:
    if isinstance(error, exceptions.RetryError):
        return refusal.refusal(refusal.TIMED_OUT, service)
    if not isinstance(error, exceptions.GoogleAPICallError):
        return None
    code = getattr(error, "grpc_status_code", None)
    if code is not None and code.name == "DEADLINE_EXCEEDED":
        return refusal.refusal(refusal.TIMED_OUT, service, detail=code.name)
    if _UNTRUSTED.search(str(error.message)):
        return _of_tls(str(error.message), service)
    if _UNREACHABLE.search(str(error.message)):
        return refusal.refusal(refusal.OFFLINE, service)
    delays = [each.retry_delay for each in error.details or () if hasattr(each, "retry_delay")]
    failure = _Failure(
        status=code.name if code is not None else _status_of(int(error.code or 0)),
        cause=str(error.reason or ""),
        message=str(error.message),
        facts=dict(error.metadata or {}),
        retry_after=next((each.seconds + each.nanos / 1e9 for each in delays), None),
    )
    return _meaning(failure, service, hints)


_EXCEPTIONS: Mapping[str, Callable[[Any, Exception, str, Mapping[str, str]], ServiceError | None]] = {
    "requests": _of_requests,
    "google.auth.exceptions": _of_auth,
    "google.api_core.exceptions": _of_api,
}


def refused_answer(answer: Answer, service: str, hints: Mapping[str, str]) -> ServiceError:
    """Return what an HTTP answer with an error means (https://cloud.google.com/apis/design/errors)."""
    if answer.status < 400:
        return refusal.refusal(refusal.FAILED, service, detail=f"a redirect, HTTP {answer.status}")
    failure = _parse_failure(answer)
    if failure.status == "UNAUTHENTICATED" and _clock_is_wrong(answer):
        return refusal.refusal(refusal.CLOCK_SKEW, service, detail=failure.status)
    return _meaning(failure, service, hints)


def _parse_failure(answer: Answer) -> _Failure:
    retry_after = wait_of(answer.headers.get("Retry-After"))
    try:
        error = json.loads(answer.data)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        error = None
    if not isinstance(error, dict):
        return _Failure(_status_of(answer.status), retry_after=retry_after)
    status, details = error.get("status"), error.get("details")
    cause = ""
    facts: Mapping[str, object] = {}
    for detail in details if isinstance(details, list) else ():
        kind = str(detail.get("@type", "")) if isinstance(detail, dict) else ""
        if kind.endswith("/google.rpc.ErrorInfo"):
            cause = str(detail.get("reason", ""))
            facts = detail["metadata"] if isinstance(detail.get("metadata"), dict) else {}
        elif kind.endswith("/google.rpc.RetryInfo"):
            retry_after = _seconds(detail.get("retryDelay")) or retry_after
    return _Failure(
        status if isinstance(status, str) and status in _STATUSES else _status_of(answer.status),
        cause,
        str(error.get("message", "")),
        {str(key): str(value) for key, value in facts.items()},
        retry_after,
    )


def _meaning(failure: _Failure, service: str, hints: Mapping[str, str]) -> ServiceError:
    reason = _STATUSES.get(failure.status, refusal.FAILED)
    if failure.status in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"):
        reason = next((each for pattern, each in _MESSAGES if pattern.search(failure.message)), reason)
    reason = _CAUSES.get(failure.cause, reason)
    hint = _HINTS.get(failure.cause)
    if failure.cause == "SERVICE_DISABLED":
        hint = _enable(failure.facts)
    shown = failure.cause if _NAME.fullmatch(failure.cause) else failure.status
    return refusal.refusal(
        reason, service, detail=shown, hint=hint or hints.get(reason), retry_after=failure.retry_after
    )


def _enable(facts: Mapping[str, str]) -> str:
    api, project = facts.get("service", ""), _PROJECT.fullmatch(facts.get("consumer", ""))
    if _API.fullmatch(api) and project is not None:
        return f"run `gcloud services enable {api} --project {project[1]}`"
    return "enable the API in the project"


def _status_of(http: int) -> str:
    return "UNAVAILABLE" if http >= 500 else _OF_HTTP.get(http, "UNSPECIFIED")


def _seconds(value: object) -> float | None:
    match = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else float(match[1])


def _clock_is_wrong(answer: Answer) -> bool:
    """Whether the server's clock says so: a token of one's own making is refused then, without a reason."""
    try:
        there = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False
    return abs(there - time.time()) > _SKEW


def bad_certificates(service: str) -> ServiceError:
    """Return the error for a file with certificates that can't be read."""
    return refusal.refusal(
        refusal.FAILED,
        service,
        detail="the file with certificates to trust can't be read",
        hint=f"check {', '.join(CA_FILES[:-1])} and {CA_FILES[-1]}",
    )
