"""Data keys that AWS KMS wraps (sops: kms/keysource.go)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

from fluxsecrets.clouds import aws, aws_profiles, refusal
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import RecipientError
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import Recipient

from . import User
from .service import ServiceProvider

_SERVICE = "AWS KMS"
_ARN = re.compile(
    rf"arn:aws[a-z-]*:kms:({aws.REGION}):[0-9]{{12}}:(?:key|alias)/[A-Za-z0-9/_-]{{1,256}}", re.ASCII
)
_ROLE = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:role/[A-Za-z0-9+=,.@/_-]{1,576}", re.ASCII)
_PROFILE = re.compile(r"[^\x00-\x1f\x7f]{0,256}")


class Access(NamedTuple):
    """Where and as whom a key is used: what one client is for, and what is down as a whole."""

    region: str
    profile: str
    role: str


class AwsKms:
    """Requests to AWS KMS, one client per region, profile and role."""

    kind = "kms"
    title = _SERVICE
    limits = CallLimits(per_second=200.0)

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the environment."""
        self._environ = environ
        self._clients: Shared[Any] = Shared()
        self._profiles: dict[str, None] = {}

    def check(self, recipient: Recipient) -> None:
        """Refuse what is not the ARN of a key or an alias, or has a role, profile or context that is none."""
        _access(recipient)
        _context(recipient)

    def address(self, recipient: Recipient) -> str:
        """Return the region, with profile and role: a profile that does not work says nothing of others."""
        return " ".join(_access(recipient))

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """See `KeyClient.encrypt`."""
        client, context = self._client(recipient), _context(recipient)
        answer = aws.call(
            lambda: client.encrypt(KeyId=recipient.id, Plaintext=secret, EncryptionContext=context),
            _SERVICE,
        )
        # Of an alias, AWS answers the key.
        if ":key/" in recipient.id and answer.get("KeyId") != recipient.id:
            raise refusal.refusal(refusal.FAILED, _SERVICE, detail="another key was used")
        return recipient, base64.b64encode(_bytes_of(answer, "CiphertextBlob")).decode("ascii")

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """See `KeyClient.decrypt`."""
        try:
            blob = base64.b64decode("".join(enc.split()), validate=True)
        except ValueError:
            blob = b""
        if not 0 < len(blob) <= _LONGEST_BLOB:
            raise refusal.refusal(refusal.WRONG_KEY, _SERVICE, detail="the wrapped key is not base64")
        client, context = self._client(recipient), _context(recipient)
        answer = aws.call(
            lambda: client.decrypt(KeyId=recipient.id, CiphertextBlob=blob, EncryptionContext=context),
            _SERVICE,
        )
        return _bytes_of(answer, "Plaintext")

    def has_credentials(self, recipient: Recipient) -> bool:
        """Whether AWS's library is here, and the environment or AWS's files give credentials."""
        profile = _access(recipient).profile
        self._profiles[profile] = None
        return find_spec("botocore") is not None and aws_profiles.has_credentials(self._environ, profile)

    def looked_in(self) -> tuple[str, ...]:
        """See `KeyClient.looked_in`."""
        places = (
            place for profile in self._profiles for place in aws_profiles.looked_in(self._environ, profile)
        )
        return tuple(dict.fromkeys(places))

    def _client(self, recipient: Recipient) -> Any:
        access = _access(recipient)
        self._profiles[access.profile] = None
        # Making one may run the program of a profile: other profiles do not wait for it.
        return self._clients.get(access, lambda: aws.make_client("kms", **access._asdict(), service=_SERVICE))


_LONGEST_BLOB = 6144
"""Bytes that KMS takes as a ciphertext."""


def make(environ: Mapping[str, str], _user: User) -> KeyProvider:
    """Make the provider of one run."""
    return ServiceProvider(partial(AwsKms, dict(environ)))


def _access(recipient: Recipient) -> Access:
    match = _ARN.fullmatch(recipient.id)
    if match is None:
        raise RecipientError(
            "not the ARN of an AWS KMS key", hint="it looks like arn:aws:kms:REGION:ACCOUNT:key/KEY-ID"
        )
    attributes = dict(recipient.attributes)
    role, profile = str(attributes.get("role") or ""), str(attributes.get("aws_profile") or "")
    if role and not _ROLE.fullmatch(role):
        raise RecipientError(
            "the role of an AWS KMS key is not the ARN of a role",
            hint="it looks like arn:aws:iam::ACCOUNT:role/NAME",
        )
    if not _PROFILE.fullmatch(profile):
        raise RecipientError(
            "aws_profile of an AWS KMS key is not the name of a profile",
            hint="`aws configure list-profiles` lists yours",
        )
    return Access(match[1], profile, role)


def _context(recipient: Recipient) -> dict[str, str]:
    context = dict(recipient.attributes).get("context") or {}
    if not isinstance(context, Mapping) or not all(isinstance(text, str) for text in context.values()):
        raise RecipientError(
            "the encryption context of an AWS KMS key has a value that is not a text",
            hint="write names and texts under context:, and quote numbers",
        )
    return {str(name): str(text) for name, text in context.items()}


def _bytes_of(answer: Mapping[str, Any], name: str) -> bytes:
    found = answer.get(name)
    if not isinstance(found, bytes) or not found:
        raise refusal.refusal(refusal.FAILED, _SERVICE, detail=f"an answer without {name}")
    return found
