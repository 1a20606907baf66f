"""AWS: clients with the user's own credentials, and what its errors mean."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from fluxsecrets.errors import ServiceError

from . import refusal
from .calling import wait_of

Result = TypeVar("Result")
SERVICE = "AWS"
REGION = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}"
"""A region, as a pattern. It becomes a part of a host name, so nothing else may pass."""

_TIMEOUT = 10.0
_EXPIRED_SIGNATURE = re.compile(r"Signature (?:expired|not yet current)")
_EXPORT = "aws configure export-credentials --format env"
_LOG_IN = "run `aws sso login`, or set AWS_PROFILE"
_PROFILE = "check this profile in ~/.aws/config: `aws sts get-caller-identity` must work with it"
_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that has them"
_CODES: Mapping[str, str] = {
    "AccessDeniedException": refusal.DENIED,
    "AccessDenied": refusal.DENIED,
    "UnauthorizedOperation": refusal.DENIED,
    "OptInRequired": refusal.DENIED,
    "RegionDisabledException": refusal.DENIED,
    "InvalidClientTokenId": refusal.BAD_CREDENTIALS,
    "InvalidAccessKeyId": refusal.BAD_CREDENTIALS,
    "UnrecognizedClientException": refusal.BAD_CREDENTIALS,
    "InvalidSignatureException": refusal.BAD_CREDENTIALS,
    "SignatureDoesNotMatch": refusal.BAD_CREDENTIALS,
    "IncompleteSignature": refusal.BAD_CREDENTIALS,
    "InvalidIdentityToken": refusal.BAD_CREDENTIALS,
    "MissingAuthenticationToken": refusal.NO_CREDENTIALS,
    "MissingAuthenticationTokenException": refusal.NO_CREDENTIALS,
    "ExpiredToken": refusal.EXPIRED,
    "ExpiredTokenException": refusal.EXPIRED,
    "RequestExpired": refusal.CLOCK_SKEW,
    "RequestTimeTooSkewed": refusal.CLOCK_SKEW,
    "DisabledException": refusal.DISABLED,
    "KMSInvalidStateException": refusal.DISABLED,
    "NotFoundException": refusal.NOT_FOUND,
    "ResourceNotFoundException": refusal.NOT_FOUND,
    "ResourceExistsException": refusal.EXISTS,
    "InvalidCiphertextException": refusal.WRONG_KEY,
    "IncorrectKeyException": refusal.WRONG_KEY,
    "InvalidKeyUsageException": refusal.REJECTED,
    "UnsupportedOperationException": refusal.REJECTED,
    "InvalidArnException": refusal.REJECTED,
    "ValidationException": refusal.REJECTED,
    "ValidationError": refusal.REJECTED,
    "ThrottlingException": refusal.THROTTLED,
    "Throttling": refusal.THROTTLED,
    "RequestLimitExceeded": refusal.THROTTLED,
    "TooManyRequestsException": refusal.THROTTLED,
    "SlowDown": refusal.THROTTLED,
    "KeyUnavailableException": refusal.KEY_UNAVAILABLE,
    "DependencyTimeoutException": refusal.UNAVAILABLE,
    "KMSInternalException": refusal.UNAVAILABLE,
    "InternalFailure": refusal.UNAVAILABLE,
    "ServiceUnavailable": refusal.UNAVAILABLE,
    "RequestTimeout": refusal.UNAVAILABLE,
}
"""By the code in AWS's answer, of KMS, STS, Secrets Manager and S3."""

_PERMISSIONS = {
    "Encrypt": "kms:Encrypt",
    "Decrypt": "kms:Decrypt",
    "AssumeRole": "sts:AssumeRole",
    "GetSecretValue": "secretsmanager:GetSecretValue",
    "CreateSecret": "secretsmanager:CreateSecret",
    "PutSecretValue": "secretsmanager:PutSecretValue",
}


def make_client(name: str, *, region: str, profile: str = "", role: str = "", service: str = SERVICE) -> Any:
    """Return a client of one of AWS's services. Its own retries are off: `calling.Caller` makes them.

    Args:
        name: as botocore calls the service, such as `kms`.
        region: such as `eu-central-1`; empty for that of the environment or the profile.
        profile: of the user's AWS configuration, or empty for what the environment says.
        role: the ARN of a role that the client assumes first, and again before its credentials expire.
        service: its name for people.

    Raises:
        ServiceError: botocore is not installed, or there is no such profile.
    """
    try:
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise refusal.missing_extra(service, "aws") from None
    try:
        session = _session(profile)
        _refuse_prompt(session, profile, service)
        if role:
            session = _with_role(session, region, role, profile)
        return session.create_client(name, region_name=region or None, config=_config())
    except BotoCoreError as error:
        raise refused(error, service) from None


def call(
    request: Callable[[], Result], service: str, known: Mapping[str, ServiceError] = MappingProxyType({})
) -> Result:
    """Return AWS's answer to a request of a client.

    Args:
        request: the call of the client.
        service: its name for people.
        known: by the code in an answer, what it means for this request.

    Raises:
        ServiceError: it refused, can't be reached, or what came is not an answer of AWS.
    """
    try:
        return request()
    except ServiceError:
        raise
    except Exception as error:  # noqa: BLE001 - on what is not an answer of AWS, botocore raises anything
        raise known.get(_code(error)) or refused(error, service) from None


def _code(error: Any) -> str:
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def role_session_name() -> str:
    """Return the name of a session with an assumed role (sops: kms/keysource.go, stsSessionName).

    CloudTrail shows it. Policies may ask for it, so it is sops's own, which has no hyphens.
    """
    return ("sops@" + re.sub(r"[^a-zA-Z0-9=,.@_]+", "", socket.gethostname()))[:64]


def refused(error: Exception, service: str) -> ServiceError:
    """Return what an exception of botocore means. Its text is not shown: it may hold what was sent."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        return _answered(error, service)
    for kinds, reason, hint in _exceptions():
        if isinstance(error, kinds):
            return refusal.refusal(reason, service, detail=type(error).__name__, hint=hint)
    return refusal.refusal(refusal.FAILED, service, detail=type(error).__name__)


def _exceptions() -> Iterator[tuple[tuple[type[Exception], ...], str, str | None]]:
    """Exceptions without an answer of AWS, with their reasons and hints. The first row that fits counts."""
    from botocore import exceptions as known
    from botocore.parsers import ResponseParserError

    yield (
        (known.UnauthorizedSSOTokenError, known.SSOTokenLoadError, known.TokenRetrievalError),
        refusal.EXPIRED,
        "run `aws sso login`, with --profile NAME if the key names a profile",
    )
    yield (known.LoginError,), refusal.EXPIRED, "run `aws login`, with --profile NAME if the key names one"
    yield (known.NoCredentialsError,), refusal.NO_CREDENTIALS, _LOG_IN
    yield (known.PartialCredentialsError,), refusal.NO_CREDENTIALS, _KEYS
    yield (
        (known.ProfileNotFound, known.ConfigNotFound, known.ConfigParseError, known.InvalidConfigError),
        refusal.NO_CREDENTIALS,
        "compare the profile that the key or AWS_PROFILE names with `aws configure list-profiles`",
    )
    yield (
        (known.CredentialRetrievalError, known.UnknownCredentialError, known.MetadataRetrievalError),
        refusal.NO_CREDENTIALS,
        _PROFILE,
    )
    yield (known.MissingDependencyException,), refusal.NO_CREDENTIALS, "run `pip install 'botocore[crt]'`"
    yield (known.ConnectTimeoutError, known.ReadTimeoutError), refusal.TIMED_OUT, None
    yield (known.SSLError,), refusal.FAILED, "check the proxy and AWS_CA_BUNDLE: its certificate is not valid"
    yield (known.ConnectionClosedError, known.ResponseStreamingError), refusal.UNAVAILABLE, None
    yield (known.HTTPClientError, known.ConnectionError), refusal.OFFLINE, None
    yield (ResponseParserError,), refusal.FAILED, "check AWS_ENDPOINT_URL and the proxy: this is not AWS"
    yield (known.ParamValidationError,), refusal.REJECTED, None


def _answered(error: Any, service: str) -> ServiceError:
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", ""))
    meta = error.response.get("ResponseMetadata", {})
    reason = _CODES.get(code)
    if reason is None:
        status = meta.get("HTTPStatusCode", 0)
        reason = (
            refusal.UNAVAILABLE if status >= 500 else refusal.THROTTLED if status == 429 else refusal.FAILED
        )
    hint = _LOG_IN if reason in (refusal.NO_CREDENTIALS, refusal.EXPIRED) else None
    if reason == refusal.BAD_CREDENTIALS:
        # Only AWS's words tell a wrong clock from a wrong secret.
        skewed = _EXPIRED_SIGNATURE.search(str(answer.get("Message", "")))
        reason, hint = (refusal.CLOCK_SKEW, None) if skewed else (reason, _KEYS)
    if reason == refusal.DENIED and (permission := _PERMISSIONS.get(error.operation_name)):
        place = "the trust policy of the role" if permission == "sts:AssumeRole" else "account and region"
        hint = f"ask for the permission {permission}, and check {place}"
    if reason == refusal.WRONG_KEY:
        hint = "restore the file from its last good version: the wrapped key or its context was changed"
    return refusal.refusal(
        reason,
        "AWS STS" if error.operation_name == "AssumeRole" else service,
        detail=code,
        hint=hint,
        retry_after=wait_of(meta.get("HTTPHeaders", {}).get("retry-after")),
    )


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        retries={"total_max_attempts": 1},
        max_pool_connections=16,
    )


def _session(profile: str) -> Any:
    import botocore.session

    session = botocore.session.get_session()
    if profile:  # even if the environment has keys, as in sops
        session.set_config_variable("profile", profile)
    return session


def _refuse_prompt(session: Any, profile: str, service: str) -> None:
    """Refuse a profile for which botocore would ask for a code: threads would ask, several at once.

    Raises:
        ServiceError: the profile, or one that it takes its credentials from, has `mfa_serial`.
    """
    if not profile and os.environ.get("AWS_ACCESS_KEY_ID"):
        return
    profiles = session.full_config.get("profiles", {})
    name, seen = session.profile or "default", set()
    while name in profiles and name not in seen:
        seen.add(name)
        if profiles[name].get("mfa_serial") and profiles[name].get("role_arn"):
            raise refusal.refusal(
                refusal.NO_CREDENTIALS,
                service,
                detail="the profile asks for an MFA code",
                hint=f"run `{_EXPORT}`, which asks for the code, and use the keys that it prints",
            )
        name = profiles[name].get("source_profile", "")


def _with_role(session: Any, region: str, role: str, profile: str) -> Any:
    """Return a session with the credentials of a role, assumed when they are first needed."""
    from botocore.credentials import CredentialResolver, DeferredRefreshableCredentials

    client = session.create_client("sts", region_name=region, config=_config())

    def assume() -> dict[str, str]:
        answer = client.assume_role(RoleArn=role, RoleSessionName=role_session_name()).get("Credentials", {})
        try:
            return {
                "access_key": answer["AccessKeyId"],
                "secret_key": answer["SecretAccessKey"],
                "token": answer["SessionToken"],
                "expiry_time": answer["Expiration"].isoformat(),
            }
        except (KeyError, AttributeError):
            raise refusal.refusal(refusal.FAILED, "AWS STS", detail="an answer without credentials") from None

    class Assumed:
        METHOD = "sops-role"

        @staticmethod
        def load() -> Any:
            return DeferredRefreshableCredentials(assume, Assumed.METHOD)

    own = _session(profile)
    own.register_component("credential_provider", CredentialResolver([Assumed]))
    return own
