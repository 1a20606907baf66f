"""Amazon S3 on loopback: moto keeps the objects, and this is strict where moto is not.

Requests have to be signed by the known user. Answers can be replaced, and requests are counted.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO

from motoserver import moto_server

USER = "AKIATHROWAWAY0000000"
SECRET = "throwaway-secret"
ACCOUNT = "123456789012"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/s3/aws4_request, ?"
    r"SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}"
)


@dataclass
class RefusalError(Exception):
    """An error as S3 sends it."""

    code: str
    status: int = 400


def check(environ) -> None:
    match = _AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        raise RefusalError("AccessDenied", 403)
    if match[1] != USER:
        raise RefusalError("InvalidAccessKeyId", 403)


def _pass(_method: str, _path: str) -> None:
    """Refuse nothing."""


@dataclass
class S3Server:
    """The server of a test; `clear` before each.

    Attributes:
        asked: method and path of each request.
        check: is called with the WSGI environment of a request, and raises a RefusalError if it is not one.
        before: is called with both before a request is answered; raises a RefusalError, or does something.
        sent: the headers of each PUT.
    """

    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = _pass
    check: Callable[[dict], None] = check

    def clear(self) -> None:
        self.asked.clear()
        self.sent.clear()
        self.before = _pass
        self.check = check
        _backend().reset()

    def bucket(self, name: str = "waddle", region: str = "eu-central-1") -> None:
        _backend().create_bucket(name, region)

    def put(self, name: str, data: bytes, bucket: str = "waddle") -> None:
        _backend().put_object(bucket, name, data)

    def get(self, name: str, bucket: str = "waddle") -> bytes | None:
        found = _backend().get_object(bucket, name)
        return None if found is None else found.value

    def metadata(self, name: str, bucket: str = "waddle") -> dict[str, str]:
        return dict(_backend().get_object(bucket, name).metadata)

    def names(self, bucket: str = "waddle") -> list[str]:
        return sorted(_backend().buckets[bucket].keys)

    def count(self, method: str) -> int:
        return sum(each == method for each, _ in self.asked)

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def _backend():
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT]["aws"]


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run the server while the context lasts."""
    found = S3Server()
    with moto_server(lambda moto: partial(_front, found, moto)) as found.address:
        yield found


def _front(server: S3Server, moto, environ, start_response):
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    server.asked.append((method, path))
    try:
        server.check(environ)
        server.before(method, path)
    except RefusalError as error:
        data = f"<?xml version='1.0'?><Error><Code>{error.code}</Code></Error>".encode()
        kinds = [("Content-Type", "application/xml"), ("Content-Length", str(len(data)))]
        start_response(f"{error.status} Refused", kinds)
        return [data]
    if method == "PUT":
        server.sent.append({name: text for name, text in environ.items() if name.startswith("HTTP_")})
    return moto(environ, start_response)
