"""Data keys that AWS KMS wraps (sops: kms/keysource.go)."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from fluxsecrets.clouds import aws, refusal
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import RecipientError
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import Recipient

from . import User
from .service import ServiceProvider

_SERVICE = "AWS KMS"
_ARN = re.compile(
    r"arn:aws[a-z-]*:kms:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:(?:key|alias)/[A-Za-z0-9/_-]+", re.ASCII
)


class AwsKms:
    """Requests to AWS KMS, one client per region, profile and role."""

    kind = "kms"
    title = _SERVICE
    limits = CallLimits(per_second=200.0)

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Take the environment."""
        self._environ = environ
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def check(self, recipient: Recipient) -> None:
        """Refuse what is not the ARN of a key or an alias."""
        _region(recipient)

    def address(self, recipient: Recipient) -> str:
        """Return the region."""
        return _region(recipient)

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """See `KeyClient.encrypt`."""
        client = self._client(recipient)
        answer = _call(
            lambda: client.encrypt(
                KeyId=recipient.id, Plaintext=secret, EncryptionContext=_context(recipient)
            )
        )
        return recipient, base64.b64encode(answer["CiphertextBlob"]).decode("ascii")

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """See `KeyClient.decrypt`."""
        client = self._client(recipient)
        try:
            blob = base64.b64decode(enc, validate=True)
        except binascii.Error:
            raise refusal.refusal(refusal.WRONG_KEY, _SERVICE) from None
        answer = _call(
            lambda: client.decrypt(
                KeyId=recipient.id, CiphertextBlob=blob, EncryptionContext=_context(recipient)
            )
        )
        return bytes(answer["Plaintext"])

    def has_credentials(self, recipient: Recipient) -> bool:
        """Whether the environment names credentials."""
        return any(self._environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"))

    def looked_in(self) -> tuple[str, ...]:
        """See `KeyClient.looked_in`."""
        return ("AWS's configuration",)

    def _client(self, recipient: Recipient) -> Any:
        place = (_region(recipient), str(dict(recipient.attributes).get("aws_profile") or ""))
        with self._lock:
            if place not in self._clients:
                self._clients[place] = aws.make_client(
                    "kms", region=place[0], profile=place[1], service=_SERVICE
                )
            return self._clients[place]


def make(environ: Mapping[str, str], _user: User) -> KeyProvider:
    """Make the provider of one run."""
    return ServiceProvider(partial(AwsKms, dict(environ)))


def _region(recipient: Recipient) -> str:
    match = _ARN.fullmatch(recipient.id)
    if match is None:
        raise RecipientError(
            "not the ARN of an AWS KMS key", hint="it looks like arn:aws:kms:REGION:ACCOUNT:key/KEY-ID"
        )
    return match[1]


def _context(recipient: Recipient) -> dict[str, str]:
    context = dict(recipient.attributes).get("context")
    return {str(key): str(text) for key, text in context.items()} if isinstance(context, Mapping) else {}


def _call(request: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return request()
    except (BotoCoreError, ClientError) as error:
        raise aws.refused(error, _SERVICE) from None
