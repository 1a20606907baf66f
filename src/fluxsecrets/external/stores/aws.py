"""AWS Secrets Manager, through boto3 (`pip install fluxsecrets[aws]`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fluxsecrets.errors import StoreError

from . import Stored

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}")
_TIMEOUT = 15
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class AwsStore:
    """The Secrets Manager of a region, with a prefix of every key."""

    region: str
    prefix: str
    _client: Any = field(repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"AWS Secrets Manager {self.region}"

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
        return Stored(_properties(text), text, answer.get("VersionId"))

    def write(self, key: str, values: Mapping[str, object], expected: Stored | None) -> None:
        """See `StoreClient.write`.

        Secrets Manager has no check-and-set, so this reads the version again right before it writes.
        """
        text = json.dumps(dict(values), separators=(",", ":"), ensure_ascii=False)
        name = self.prefix + key
        if expected is None:
            made = self._call(key, lambda: self._client.create_secret(Name=name, SecretString=text))
            if made is None:
                raise self._changed(key)
            return
        now = self.read(key)
        if now is None or now.version != expected.version:
            raise self._changed(key)
        self._call(key, lambda: self._client.put_secret_value(SecretId=name, SecretString=text))

    def _changed(self, key: str) -> StoreError:
        place = f"{self.shown}: {key}"
        return StoreError("was changed in the store meanwhile", path=place)

    def _call(self, key: str, call: Callable[[], Result]) -> Result | None:
        """Return the answer, or None if the secret does not exist. Errors never show what was sent."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

        place = f"{self.shown}: {self.prefix}{key}"
        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "ResourceNotFoundException":
                return None
            if code == "ResourceExistsException":
                raise self._changed(key) from None
            raise StoreError(
                f"AWS refused the request ({ascii(code)[1:-1]})",
                path=place,
                hint="check that your credentials may read and write this secret",
            ) from None
        except NoCredentialsError:
            raise StoreError(
                "no credentials for AWS were found", path=place, hint="run `aws sso login`"
            ) from None
        except ParamValidationError:
            raise StoreError("is not a valid name for a secret", path=place) from None
        except BotoCoreError as error:
            raise StoreError(f"can't be reached ({type(error).__name__})", path=place) from None


def open_aws(environ: Mapping[str, str], region: str | None, prefix: str = "") -> AwsStore:
    """Open the Secrets Manager of a region, with the credentials that AWS's own tools would use.

    AWS_REGION overrides the region of a manifest.

    Raises:
        StoreError: no region, or boto3 is not installed.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or region
    if not region or not _REGION.fullmatch(region):
        raise StoreError("no AWS region is set", hint="set AWS_REGION, such as eu-central-1")
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise StoreError(
            "AWS needs the library boto3", hint="install fluxsecrets with the extra: fluxsecrets[aws]"
        ) from None
    config = Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retries={"max_attempts": 2})
    client = boto3.client("secretsmanager", region_name=region, config=config)
    return AwsStore(region, prefix, client)


def _properties(text: str) -> dict[str, object] | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
