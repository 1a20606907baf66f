"""Google Cloud Storage, through its JSON API (sops: publish/gcs.go).

sops takes no notice of an upload that failed. Here the answer has to name the digest of what was sent.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import md5
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

from fluxsecrets.clouds import gcp, refusal
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ConfigError, ServiceError
from fluxsecrets.sops.destinations import GcsPlace

from . import LIMITS, MARK, UNREADABLE, Destination, Found, Upload, conflict
from .objects import LARGEST, check_object_name

Result = TypeVar("Result")
_EMULATOR = "STORAGE_EMULATOR_HOST"
_HINTS = {
    refusal.DENIED: "ask for the role roles/storage.objectUser on the bucket",
    refusal.REJECTED: "check gcs_bucket and gcs_prefix in the rule",
}
_FIELDS = "fields=generation,md5Hash,metadata,size"
_CHALLENGES = ".well-known/acme-challenge/"
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)


class GcsBucket:
    """One bucket and prefix."""

    takes_values = False
    keeps_integers = True
    title = "Google Cloud Storage"

    def __init__(self, environ: Mapping[str, str], place: GcsPlace) -> None:
        """Take the environment and the place."""
        self._environ = environ
        self._place = place
        self._caller = Caller(self.title, LIMITS)
        # As in Google's libraries, an emulator gets no credentials.
        self._client = gcp.Client(environ, self.title, anonymous=bool(environ.get(_EMULATOR)))

    def shown(self, name: str) -> str:
        """See `Destination.shown`."""
        return self._place.shown + name

    def check(self, name: str) -> None:
        """See `Destination.check`."""
        check_object_name(self._place.prefix + name)
        if (self._place.prefix + name).startswith(_CHALLENGES):
            raise ConfigError(f"names that begin with {_CHALLENGES} are reserved", hint="change gcs_prefix")

    def read(self, name: str) -> Found:
        """See `Destination.read`."""

        def request() -> Found:
            url = f"{self._objects}/{quote(self._place.prefix + name, safe='')}"
            fields = self._client.call("GET", f"{url}?{_FIELDS}", hints=_HINTS)
            generation, size = (_digits(fields, each, self.title) for each in ("generation", "size"))
            data = b""
            if int(size) <= LARGEST:
                content = f"{url}?alt=media&generation={generation}"
                data = self._client.fetch(content, limit=LARGEST, hints=_HINTS)
            metadata = fields.get("metadata")
            return Found(data, generation, str(metadata.get(MARK, "")) if isinstance(metadata, dict) else "")

        try:
            return self._call(request)
        except ServiceError as error:
            if error.reason == refusal.DENIED:
                return UNREADABLE
            if error.reason == refusal.NOT_FOUND:
                self._call(lambda: self._bucket)
                return Found(None, "0")
            raise

    def write(self, name: str, upload: Upload, found: Found) -> None:
        """See `Destination.write`."""
        digest = base64.b64encode(md5(upload.data, usedforsecurity=False).digest()).decode("ascii")
        fields: dict[str, object] = {"name": self._place.prefix + name, "md5Hash": digest}
        if upload.mark:
            fields["metadata"] = {MARK: upload.mark}
        condition = f"&ifGenerationMatch={found.version}" if found.readable else ""
        url = f"{self._uploads}?uploadType=multipart&{_FIELDS}{condition}"
        boundary = uuid4().hex
        body = b"\r\n".join(
            (
                f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n".encode(),
                json.dumps(fields).encode(),
                f"--{boundary}\r\nContent-Type: application/octet-stream\r\n".encode(),
                upload.data,
                f"--{boundary}--\r\n".encode(),
            )
        )
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}

        def request() -> None:
            answer = self._client.send("POST", url, body, headers, hints=_HINTS)
            if answer.get("md5Hash") != digest:
                raise refusal.refusal(refusal.CORRUPTED, self.title)

        self._call(request)

    @cached_property
    def _bucket(self) -> None:
        """Find out whether the bucket is there, if an object is not: the answer is the same.

        Raises:
            ServiceError: it is not.
        """
        try:
            self._client.call("GET", f"{self._base}/storage/v1/b/{self._place.bucket}?fields=name")
        except ServiceError as error:
            if error.reason != refusal.DENIED:  # the permission to see buckets is rarely given
                raise

    @cached_property
    def _base(self) -> str:
        emulator = self._environ.get(_EMULATOR, "")
        if not emulator:
            return self._client.address("storage")
        address = (emulator if "://" in emulator else f"http://{emulator}").rstrip("/")
        if urlsplit(address).scheme not in ("http", "https"):
            raise ServiceError(f"{_EMULATOR} is not an address", hint="write it like http://localhost:4443")
        return address

    @property
    def _objects(self) -> str:
        return f"{self._base}/storage/v1/b/{self._place.bucket}/o"

    @property
    def _uploads(self) -> str:
        return f"{self._base}/upload/storage/v1/b/{self._place.bucket}/o"

    def _call(self, request: Callable[[], Result]) -> Result:
        def translated() -> Result:
            try:
                return request()
            except ServiceError as error:
                raise self._meaning(error) from None

        return self._caller.call(self._place.bucket, translated)

    def _meaning(self, error: ServiceError) -> ServiceError:
        if error.reason == refusal.DISABLED:  # the one precondition of a request is the generation
            return conflict(self.title)
        if error.reason == refusal.NOT_FOUND:
            return ServiceError(
                f"{self.title} has no bucket {self._place.bucket}",
                hint="check gcs_bucket in the rule",
                reason=refusal.NOT_FOUND,
            )
        return error


def make(environ: Mapping[str, str], place: GcsPlace) -> Destination:
    """Make the destination."""
    return GcsBucket(environ, place)


def _digits(fields: Mapping[str, Any], name: str, title: str) -> str:
    """Return a number as Google's APIs write it, in a text."""
    text = str(fields.get(name, ""))
    if not _DIGITS.fullmatch(text):
        raise refusal.refusal(refusal.FAILED, title, detail=f"an answer without a {name}")
    return text
