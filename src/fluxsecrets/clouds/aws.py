"""AWS: clients with the user's own credentials, and what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.errors import ServiceError

from . import refusal

SERVICE = "AWS"
_TIMEOUT = 10.0
_CODES: Mapping[str, str] = {
    "AccessDeniedException": refusal.DENIED,
    "AccessDenied": refusal.DENIED,
    "UnauthorizedOperation": refusal.DENIED,
    "InvalidClientTokenId": refusal.DENIED,
    "UnrecognizedClientException": refusal.DENIED,
    "ExpiredToken": refusal.EXPIRED,
    "ExpiredTokenException": refusal.EXPIRED,
    "RequestExpired": refusal.CLOCK_SKEW,
    "RequestTimeTooSkewed": refusal.CLOCK_SKEW,
    "InvalidSignatureException": refusal.CLOCK_SKEW,
    "DisabledException": refusal.DISABLED,
    "KMSInvalidStateException": refusal.DISABLED,
    "NotFoundException": refusal.NOT_FOUND,
    "InvalidCiphertextException": refusal.WRONG_KEY,
    "IncorrectKeyException": refusal.WRONG_KEY,
    "InvalidKeyUsageException": refusal.REJECTED,
    "ValidationException": refusal.REJECTED,
    "ThrottlingException": refusal.THROTTLED,
    "Throttling": refusal.THROTTLED,
    "LimitExceededException": refusal.THROTTLED,
    "TooManyRequestsException": refusal.THROTTLED,
    "KeyUnavailableException": refusal.UNAVAILABLE,
    "DependencyTimeoutException": refusal.UNAVAILABLE,
    "KMSInternalException": refusal.UNAVAILABLE,
    "InternalFailure": refusal.UNAVAILABLE,
    "ServiceUnavailable": refusal.UNAVAILABLE,
}


def make_client(name: str, *, region: str, profile: str = "", service: str = SERVICE) -> Any:
    """Return a client of one of AWS's services. Its own retries are off: `calling.Caller` makes them.

    Args:
        name: as boto3 calls the service, such as `kms`.
        region: such as `eu-central-1`.
        profile: of the user's AWS configuration, or empty for what the environment says.
        service: its name for people.

    Raises:
        ServiceError: boto3 is not installed, or there is no such profile.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise refusal.missing_extra(service, "aws") from None
    config = Config(
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        retries={"total_max_attempts": 1},
        max_pool_connections=16,
    )
    try:
        session = boto3.Session(profile_name=profile or None, region_name=region)
        return session.client(name, config=config)
    except BotoCoreError as error:
        raise refused(error, service) from None


def refused(error: Exception, service: str) -> ServiceError:
    """Return what an exception of boto3 means. Its text is not shown: it may hold what was sent."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        default = refusal.UNAVAILABLE if status >= 500 else refusal.FAILED
        return refusal.refusal(_CODES.get(code, default), service, detail=code)
    name = type(error).__name__
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return refusal.refusal(
            refusal.NO_CREDENTIALS, service, hint="run `aws sso login`, or set AWS_PROFILE"
        )
    if isinstance(error, exceptions.ConnectTimeoutError | exceptions.ReadTimeoutError):
        return refusal.refusal(refusal.TIMED_OUT, service, detail=name)
    if isinstance(error, exceptions.HTTPClientError | exceptions.EndpointConnectionError):
        return refusal.refusal(refusal.OFFLINE, service, detail=name)
    return refusal.refusal(refusal.FAILED, service, detail=name)
