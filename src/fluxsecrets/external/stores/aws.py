"""AWS Secrets Manager, through botocore (`pip install fluxsecrets[aws]`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxsecrets.clouds import aws, refusal
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ServiceError, StoreError

from .asking import ask
from .content import JsonText, check_readable, dots_then_path
from .model import Opening, Stored, StoreKind

SERVICE = "AWS Secrets Manager"
_REGION = re.compile(aws.REGION)
_NAME = re.compile(r"[!-~]{1,2048}")
"""A name or an ARN."""

_LONGEST = 65_536
"""Bytes of a value: the quota "Secret value size" of Secrets Manager."""


@dataclass(frozen=True, slots=True)
class AwsStore:
    """The Secrets Manager of a region, with a prefix of every key."""

    region: str
    prefix: str
    _client: Any = field(repr=False)
    _caller: Caller = field(default_factory=lambda: Caller(SERVICE), repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"{SERVICE} {self.region}"

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """See `StoreClient.read`."""
        which = {}
        if version is not None:
            # As in external-secrets: `uuid/ID` is a version's id, everything else a stage.
            is_id = version.startswith("uuid/")
            which = {"VersionId" if is_id else "VersionStage": version.removeprefix("uuid/")}
        answer = self._call(key, lambda: self._client.get_secret_value(SecretId=self.prefix + key, **which))
        if answer is None:
            return None
        text = answer.get("SecretString")
        if text is None:
            text = bytes(answer.get("SecretBinary", b"")).decode("utf-8", "surrogateescape")
        return Stored(JsonText(text, dots_then_path), answer.get("VersionId"))

    def check(self, key: str, values: Mapping[str, str], now: Stored | None) -> None:
        """See `StoreClient.check`."""
        text = _text_of(values, now)
        place = f"{self.shown}: {self.prefix}{key}"
        check_readable(JsonText(text, dots_then_path), values, {}, place)
        if len(text.encode("utf-8", "surrogateescape")) > _LONGEST:
            raise StoreError(
                "the values are larger than 64 KiB together", path=place, hint="divide the Secret"
            )

    def write(self, key: str, values: Mapping[str, str], expected: Stored | None) -> None:
        """See `StoreClient.write`.

        Secrets Manager has no check-and-set, so this reads the version again right before it writes.
        """
        text = _text_of(values, expected)
        name = self.prefix + key
        if expected is None:
            made = self._call(
                key, lambda: self._client.create_secret(Name=name, SecretString=text), writes=True
            )
            if made is None:
                raise self._changed(key)
            return
        now = self.read(key)
        if now is None or now.version != expected.version:
            raise self._changed(key)
        self._call(key, lambda: self._client.put_secret_value(SecretId=name, SecretString=text), writes=True)

    def _changed(self, key: str) -> StoreError:
        return StoreError("was changed in the store meanwhile", path=f"{self.shown}: {key}")

    def _call(
        self, key: str, call: Callable[[], Mapping[str, Any]], *, writes: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the answer, or None if the secret does not exist. Errors never show what was sent."""
        place = f"{self.shown}: {ascii(self.prefix + key)[1:-1]}"
        if not _NAME.fullmatch(self.prefix + key):
            raise StoreError("is not a valid name for a secret", path=place)
        try:
            answer = ask(self._caller, self.region, place, lambda: aws.call(call, SERVICE), writes=writes)
        except ServiceError as error:
            if error.reason == refusal.NOT_FOUND:
                return None
            if error.reason == refusal.EXISTS:
                raise self._changed(key) from None
            raise
        if not isinstance(answer.get("ARN"), str):  # botocore takes any text for an answer
            raise refusal.refusal(refusal.FAILED, SERVICE, detail="malformed answer", path=place)
        return answer


def _text_of(values: Mapping[str, str], now: Stored | None) -> str:
    known = now.content if now is not None else None
    return (known if isinstance(known, JsonText) else JsonText("{}", dots_then_path)).joined(values)


def _open(opening: Opening) -> AwsStore:
    service = opening.setting("service")
    if service not in ("", "SecretsManager"):
        raise StoreError(
            f"the store {opening.name} is AWS {ascii(service)[1:-1]}", hint=f"only {SERVICE} is supported"
        )
    environ = opening.environ
    region = opening.options.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    return open_aws(region or opening.setting("region"), opening.setting("prefix"))


def open_aws(region: str, prefix: str = "") -> AwsStore:
    """Open the Secrets Manager of a region, with the credentials that AWS's own tools would use.

    Raises:
        StoreError: the region is not one.
        ServiceError: botocore is not installed.
    """
    if not _REGION.fullmatch(region):
        raise StoreError("no AWS region is set", hint="set AWS_REGION, such as eu-central-1, or add --region")
    return AwsStore(region, prefix, aws.make_client("secretsmanager", region=region, service=SERVICE))


KIND = StoreKind(
    name="aws",
    title=SERVICE,
    providers=("aws",),
    options={"region": "region"},
    template="{namespace}/{name}",
    key=re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}"),
    key_words="letters, digits and /_+=.@-, at most 512",
    open=_open,
)
