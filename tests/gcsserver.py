"""Google Cloud Storage on loopback: as much of its JSON API as is needed, and nothing else.

Paths, parameters, preconditions, digests and errors are those of
https://cloud.google.com/storage/docs/json_api/v1. A request that the real service refuses is refused in its
words.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from webserver import Answer, web_server

TOKEN = "throwaway-token"
_OBJECT = re.compile(r"/storage/v1/b/([a-z0-9._-]+)/o/([^/]+)")
_BUCKET = re.compile(r"/storage/v1/b/([a-z0-9._-]+)")
_UPLOAD = re.compile(r"/upload/storage/v1/b/([a-z0-9._-]+)/o")
_FIELDS = {"generation", "md5Hash", "metadata", "size", "name"}


@dataclass
class RefusalError(Exception):
    """An error as the service sends it."""

    code: int
    reason: str
    message: str = ""


@dataclass(frozen=True)
class Stored:
    """An object."""

    data: bytes
    generation: int
    metadata: dict[str, str]

    @property
    def md5(self) -> str:
        return base64.b64encode(hashlib.md5(self.data).digest()).decode()


def _pass(_method: str, _path: str) -> None:
    """Refuse nothing."""


@dataclass
class GcsServer:
    """The server of a test; `clear` before each.

    Attributes:
        objects: by bucket and name.
        asked: method and path of each request.
        tokens: what each request had in `Authorization`.
        token: that requests need; None for an emulator, which refuses any.
        before: is called before a request is answered; raises a RefusalError, or does something.
        damage: content is damaged on its way.
    """

    address: str = ""
    objects: dict[str, dict[str, Stored]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    token: str | None = None
    before: Callable[[str, str], None] = _pass
    damage: bool = False
    generation: int = 1700000000000000

    def clear(self) -> None:
        self.objects.clear()
        self.objects["waddle"] = {}
        self.asked.clear()
        self.tokens.clear()
        self.token = None
        self.before = _pass
        self.damage = False

    def put(self, name: str, data: bytes, metadata: dict | None = None, bucket: str = "waddle") -> Stored:
        self.generation += 1
        self.objects[bucket][name] = Stored(data, self.generation, metadata or {})
        return self.objects[bucket][name]

    def get(self, name: str, bucket: str = "waddle") -> bytes | None:
        found = self.objects[bucket].get(name)
        return None if found is None else found.data

    def count(self, method: str) -> int:
        return sum(each == method for each, _ in self.asked)

    def environment(self) -> dict[str, str]:
        return {"STORAGE_EMULATOR_HOST": self.address}

    def answer(self, method: str, url: str, headers, body: bytes) -> bytes:
        parts = urlsplit(url)
        query = {
            name: texts[-1] for name, texts in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()
        }
        self.asked.append((method, parts.path))
        self.tokens.append(headers.get("authorization"))
        wanted = None if self.token is None else f"Bearer {self.token}"
        if headers.get("authorization") != wanted:
            raise RefusalError(401, "authError", "Invalid Credentials")
        self.before(method, unquote(parts.path))
        if method == "POST" and (match := _UPLOAD.fullmatch(parts.path)):
            return self._upload(match[1], query, headers, body)
        if method == "GET" and (match := _OBJECT.fullmatch(parts.path)):
            return self._object(match[1], unquote(match[2]), query)
        if method == "GET" and (match := _BUCKET.fullmatch(parts.path)):
            _only(query, "fields")
            self._bucket(match[1])
            return json.dumps({"name": match[1]}).encode()
        raise RefusalError(404, "notFound", "Not Found")

    def _bucket(self, name: str) -> dict[str, Stored]:
        if name not in self.objects:
            raise RefusalError(404, "notFound", "The specified bucket does not exist.")
        return self.objects[name]

    def _object(self, bucket: str, name: str, query: dict[str, str]) -> bytes:
        _only(query, "fields", "alt", "generation")
        found = self._bucket(bucket).get(name)
        if found is None or query.get("generation", str(found.generation)) != str(found.generation):
            raise RefusalError(404, "notFound", f"No such object: {bucket}/{name}")
        if query.get("alt") == "media":
            return found.data
        return _resource(found, query)

    def _upload(self, bucket: str, query: dict[str, str], headers, body: bytes) -> bytes:
        _only(query, "uploadType", "fields", "ifGenerationMatch")
        if query.get("uploadType") != "multipart":
            raise RefusalError(400, "invalid", "Unsupported upload type")
        objects = self._bucket(bucket)
        fields, data = _related(headers.get("content-type", ""), body)
        if self.damage:
            data = data[:-1]
        _only(fields, "name", "md5Hash", "metadata")
        name = fields.get("name", "")
        if not name or len(name.encode()) > 1024 or "\n" in name or "\r" in name:
            raise RefusalError(400, "invalid", "Invalid object name")
        known = objects.get(name)
        condition = query.get("ifGenerationMatch")
        if condition is not None and condition != str(known.generation if known else 0):
            raise RefusalError(
                412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."
            )
        if fields["md5Hash"] != base64.b64encode(hashlib.md5(data).digest()).decode():
            raise RefusalError(400, "invalid", "Provided MD5 hash doesn't match calculated MD5 hash.")
        return _resource(self.put(name, data, fields.get("metadata"), bucket), query)


def _only(given: dict, *known: str) -> None:
    if set(given) - set(known):
        raise RefusalError(400, "invalidParameter", f"Unknown: {sorted(set(given) - set(known))}")


def _resource(found: Stored, query: dict[str, str]) -> bytes:
    fields = {
        "generation": str(found.generation),
        "md5Hash": found.md5,
        "size": str(len(found.data)),
        **({"metadata": found.metadata} if found.metadata else {}),
    }
    wanted = set(query["fields"].split(",")) if "fields" in query else set(fields)
    if wanted - _FIELDS:
        raise RefusalError(400, "invalidParameter", "Invalid field selection")
    return json.dumps({name: value for name, value in fields.items() if name in wanted}).encode()


def _related(kind: str, body: bytes) -> tuple[dict, bytes]:
    """The two parts of a multipart upload (RFC 2387)."""
    match = re.fullmatch(r"multipart/related; boundary=([0-9A-Za-z]{1,70})", kind)
    if match is None:
        raise RefusalError(400, "badContent", "Malformed multipart body.")
    mark = f"--{match[1]}".encode()
    if not body.startswith(mark + b"\r\n") or not body.endswith(b"\r\n" + mark + b"--\r\n"):
        raise RefusalError(400, "badContent", "Malformed multipart body.")
    inside = body[len(mark) + 2 : -len(mark) - 6]
    parts = [part.partition(b"\r\n\r\n") for part in inside.split(b"\r\n" + mark + b"\r\n")]
    if len(parts) != 2 or not all(head.startswith(b"Content-Type: ") for head, _, _ in parts):
        raise RefusalError(400, "badContent", "Malformed multipart body.")
    if parts[0][0] != b"Content-Type: application/json; charset=UTF-8":
        raise RefusalError(400, "badContent", "Metadata part is not JSON.")
    return json.loads(parts[0][2]), parts[1][2]


@contextmanager
def gcs_server() -> Iterator[GcsServer]:
    """Run the server while the context lasts."""
    found = GcsServer()

    def answer(request):
        try:
            data = found.answer(request.method, request.path, request.headers, request.body)
        except RefusalError as error:
            details = [{"domain": "global", "reason": error.reason, "message": error.message}]
            content = {"code": error.code, "message": error.message, "errors": details}
            return Answer(error.code, {"error": content})
        return Answer(200, data)

    with web_server(answer) as found.address:
        yield found
