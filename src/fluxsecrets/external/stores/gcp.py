"""Google Cloud Secret Manager over REST (`pip install fluxsecrets[gcp]`).

Payloads carry CRC32C checksums, as Google's guide on data integrity wants
(https://cloud.google.com/secret-manager/docs/data-integrity).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fluxsecrets.clouds import gcp, refusal
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ConfigError, ServiceError, StoreError

from .asking import ask
from .content import JsonText, check_readable, escaped, inner_dots_then_path
from .model import Opening, Stored, StoreKind

SERVICE = "Google Secret Manager"
_ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER"
"""An address that gcloud takes instead of Google's, such as one of Private Service Connect."""

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*", re.ASCII)
_LOCATION = re.compile(r"[a-z]+(?:-[a-z0-9]+)*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_LONGEST = 65_536
"""Bytes of a payload: "Secret payload size" of the quotas."""

_READING = {refusal.DENIED: "ask for the role roles/secretmanager.secretAccessor"}
_WRITING = {refusal.DENIED: "ask for the role roles/secretmanager.admin, or have the secret created for you"}


@dataclass(frozen=True, slots=True)
class GcpStore:
    """The secrets of a project.

    Attributes:
        location: of regional secrets, or "" for global ones.
        address: of the API.
    """

    project: str
    location: str
    address: str
    _client: gcp.Client = field(repr=False)
    _caller: Caller = field(default_factory=lambda: Caller(SERVICE), repr=False)

    @property
    def shown(self) -> str:
        """The store, for messages."""
        return f"{SERVICE} {self.project}" + (f", {self.location}" if self.location else "")

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """See `StoreClient.read`."""
        which = version if version is not None else "latest"
        if not _VERSION.fullmatch(which):
            raise StoreError(f"{which!a} is not a version", path=self._place(key))
        try:
            answer = self._call("GET", f"{self._name_of(key)}/versions/{which}:access", key, hints=_READING)
        except ServiceError as error:
            if error.reason == refusal.NOT_FOUND:
                return None
            if error.reason == refusal.DISABLED:
                what = "its newest version" if version is None else f"its version {which}"
                raise StoreError(
                    f"{what} is disabled or destroyed",
                    path=self._place(key),
                    hint="enable it, or add a version, with `gcloud secrets versions`",
                ) from None
            raise
        text = self._payload_of(answer, key).decode("utf-8", "surrogateescape")
        return Stored(JsonText(text, inner_dots_then_path), self._number_of(answer, key))

    def check(self, key: str, values: Mapping[str, str], now: Stored | None) -> None:
        """See `StoreClient.check`."""
        text = _text_of(values, now)
        names = {name: _property(name) for name in values}
        check_readable(JsonText(text, inner_dots_then_path), values, names, self._place(key))
        if len(text.encode("utf-8", "surrogateescape")) > _LONGEST:
            raise StoreError(
                "the values are larger than 64 KiB together", path=self._place(key), hint="divide the Secret"
            )

    def write(self, key: str, values: Mapping[str, str], expected: Stored | None) -> None:
        """See `StoreClient.write`.

        Secret Manager can't compare versions when it adds one. So this compares right before, and again with
        the number that the new version got.
        """
        now = self.read(key)
        before = now.version if now is not None else None
        if before != (expected.version if expected is not None else None):
            raise StoreError("was changed in the store meanwhile", path=self._place(key))
        if now is None:
            self._create(key)
        data = _text_of(values, now).encode("utf-8", "surrogateescape")
        payload = {
            "data": b64encode(data).decode("ascii"),
            "dataCrc32c": str(gcp.checksum(data, SERVICE)),
        }
        name = f"{self._name_of(key)}:addVersion"
        made = self._call("POST", name, key, {"payload": payload}, hints=_WRITING)
        if self._number_of(made, key) != int(before or 0) + 1:
            raise StoreError(
                "someone else wrote to the store at the same time",
                path=self._place(key),
                hint="compare its last versions with `gcloud secrets versions access`",
            )

    def _create(self, key: str) -> None:
        """Create a secret. One without versions may exist."""
        # A regional secret is replicated nowhere, and must not say so.
        secret: dict[str, object] = {} if self.location else {"replication": {"automatic": {}}}
        try:
            self._call("POST", f"{self._parent}/secrets?secretId={key}", key, secret, hints=_WRITING)
        except ServiceError as error:
            if error.reason != refusal.EXISTS:
                raise

    def _payload_of(self, answer: Mapping[str, Any], key: str) -> bytes:
        payload = answer.get("payload")
        fields = payload if isinstance(payload, dict) else {}
        try:
            data = b64decode(str(fields.get("data", "")), validate=True)
        except ValueError:
            raise self._malformed(key) from None
        checksum = fields.get("dataCrc32c")
        if checksum is not None and str(checksum) != str(gcp.checksum(data, SERVICE)):
            raise refusal.refusal(refusal.CORRUPTED, SERVICE, path=self._place(key))
        return data

    def _number_of(self, answer: Mapping[str, Any], key: str) -> int:
        number = str(answer.get("name", "")).rpartition("/versions/")[2]
        if not number.isdecimal():
            raise self._malformed(key)
        return int(number)

    def _malformed(self, key: str) -> ServiceError:
        return refusal.refusal(refusal.FAILED, SERVICE, detail="malformed answer", path=self._place(key))

    def _call(
        self,
        method: str,
        name: str,
        key: str,
        body: Mapping[str, object] | None = None,
        *,
        hints: Mapping[str, str],
    ) -> Mapping[str, Any]:
        return ask(
            self._caller,
            self.address,
            self._place(key),
            lambda: self._client.call(method, f"{self.address}/v1/{name}", body, hints=hints),
            writes=body is not None,
        )

    @property
    def _parent(self) -> str:
        return f"projects/{self.project}" + (f"/locations/{self.location}" if self.location else "")

    def _name_of(self, key: str) -> str:
        # The key comes from a file, and must not lead to another secret.
        if not _ID.fullmatch(key):
            raise StoreError("is not the name of a secret", path=self._place(key))
        return f"{self._parent}/secrets/{key}"

    def _place(self, key: str) -> str:
        return f"{self.shown}: {ascii(key)[1:-1]}"


def _text_of(values: Mapping[str, str], now: Stored | None) -> str:
    known = now.content if now is not None else None
    return (known if isinstance(known, JsonText) else JsonText("{}", inner_dots_then_path)).joined(values)


def _property(name: str) -> str:
    """Return the property for a name: the operator takes a dot at its start for the end of an empty name."""
    return escaped(name) if name.startswith(".") else name


def _open(opening: Opening) -> GcpStore:
    project = opening.options.get("project") or opening.setting("projectID")
    project = project or opening.environ.get("GOOGLE_CLOUD_PROJECT", "")
    location = opening.options.get("region") or opening.setting("location")
    if not _PROJECT.fullmatch(project):
        raise ConfigError(f"the project of {opening.name} is not known", hint="give it with --project NAME")
    if location and not _LOCATION.fullmatch(location):
        raise ConfigError(
            f"{location!a} is not a location of Google Cloud", hint="give it with --region NAME"
        )
    client = gcp.Client(opening.environ, SERVICE)
    return GcpStore(project, location, _address(opening.environ, location, client), client)


def _address(environ: Mapping[str, str], location: str, client: gcp.Client) -> str:
    given = environ.get(_ENDPOINT, "").rstrip("/")
    if not given:
        return client.address(f"secretmanager.{location}.rep" if location else "secretmanager")
    parts = urlsplit(given)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise ConfigError(f"{_ENDPOINT} is not an address", hint="set it to one such as https://HOST")
    return given


KIND = StoreKind(
    name="gcp",
    title=SERVICE,
    providers=("gcpsm",),
    options={"project": "project", "region": "location of regional secrets"},
    template="{namespace}_{name}",
    key=_ID,
    key_words="letters, digits, _ and -, at most 255",
    fit=lambda name: re.sub(r"[^A-Za-z0-9_-]", "_", name),
    property=_property,
    readable=_ID,
    open=_open,
)
