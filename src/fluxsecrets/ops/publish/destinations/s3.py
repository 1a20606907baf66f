"""Amazon S3, and what speaks its protocol (sops: publish/s3.go)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from fluxsecrets.clouds import aws, refusal
from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ServiceError
from fluxsecrets.sops.destinations import S3Place

from . import LIMITS, MARK, UNREADABLE, Destination, Found, Upload, conflict
from .objects import LARGEST, check_object_name

Result = TypeVar("Result")


class S3Bucket:
    """One bucket and prefix."""

    takes_values = False
    keeps_integers = True
    title = "Amazon S3"

    def __init__(self, environ: Mapping[str, str], place: S3Place) -> None:
        """Take the environment and the place."""
        self._environ = environ
        self._place = place
        self._caller = Caller(self.title, LIMITS)

    def shown(self, name: str) -> str:
        """See `Destination.shown`."""
        return self._place.shown + name

    def check(self, name: str) -> None:
        """See `Destination.check`."""
        check_object_name(self._place.prefix + name)

    def read(self, name: str) -> Found:
        """See `Destination.read`."""
        absent = ServiceError(f"nothing has this name in {self.title}", reason=refusal.NOT_FOUND)

        def request() -> Found:
            answer = self._client.get_object(Bucket=self._place.bucket, Key=self._place.prefix + name)
            with answer["Body"] as body:
                data = body.read() if answer["ContentLength"] <= LARGEST else b""
            return Found(data, answer["ETag"], answer.get("Metadata", {}).get(MARK, ""))

        try:
            return self._call(request, "s3:GetObject", {"NoSuchKey": absent})
        except ServiceError as error:
            if error is absent:
                return Found(None)
            # Without the permission to list, S3 says so even if nothing has this name.
            if error.reason == refusal.DENIED:
                return UNREADABLE
            raise

    def write(self, name: str, upload: Upload, found: Found) -> None:
        """See `Destination.write`."""
        options: dict[str, Any] = {"Metadata": {MARK: upload.mark}} if upload.mark else {}
        conditions: dict[str, Any] = {}
        if found.readable:
            conditions = {"IfNoneMatch": "*"} if found.data is None else {"IfMatch": found.version}

        newer, unconditional = conflict(self.title), ServiceError("conditions are not supported")
        known = {**dict.fromkeys(_CONFLICTS, newer), "NotImplemented": unconditional}
        try:
            self._put(name, upload, options | conditions, known)
        except ServiceError as error:
            if error is not unconditional:
                raise
            # Some services that speak S3's protocol have no conditional writes.
            if self.read(name) != found:
                raise newer from None
            self._put(name, upload, options, {})

    def _put(
        self, name: str, upload: Upload, options: Mapping[str, Any], known: Mapping[str, ServiceError]
    ) -> None:
        key = self._place.prefix + name

        def request() -> None:
            self._client.put_object(Bucket=self._place.bucket, Key=key, Body=upload.data, **options)

        self._call(request, "s3:PutObject", known)

    @cached_property
    def _client(self) -> Any:
        # botocore itself knows AWS_DEFAULT_REGION and the profile's region only.
        return aws.make_client("s3", region=self._environ.get("AWS_REGION", ""), service=self.title)

    def _call(
        self, request: Callable[[], Result], permission: str, known: Mapping[str, ServiceError]
    ) -> Result:
        bucket = self._place.bucket
        missing = ServiceError(
            f"{self.title} has no bucket {bucket}",
            hint="check s3_bucket in the rule, and the account that your credentials are for",
            reason=refusal.NOT_FOUND,
        )
        elsewhere = ServiceError(
            f"the bucket {bucket} is in another region",
            hint="set AWS_REGION to the region of the bucket",
            reason=refusal.REJECTED,
        )
        meanings = {"NoSuchBucket": missing, **dict.fromkeys(_ELSEWHERE, elsewhere), **known}
        try:
            return self._caller.call(bucket, lambda: aws.call(request, self.title, meanings))
        except ServiceError as error:
            if error.reason == refusal.DENIED:
                error.hint = f"ask for the permission {permission} on the bucket {bucket}"
            elif error.reason == refusal.REJECTED and error is not elsewhere:
                error.hint = "check s3_bucket and s3_prefix in the rule"
            raise


def make(environ: Mapping[str, str], place: S3Place) -> Destination:
    """Make the destination."""
    return S3Bucket(environ, place)


_CONFLICTS = ("PreconditionFailed", "ConditionalRequestConflict")
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
